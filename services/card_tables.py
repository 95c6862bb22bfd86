"""What is kept of a model version, as the tables and sentences of its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml.base_set import POSITIVE
from ml.evaluation import Estimate
from ml.weights import IMAGENET_SHA256
from services import claim
from services.audit import border_of, verdict
from services.card_words import SOURCES, UNRECORDED
from services.run_words import LEFT_OUT
from services.study_tables import NONE, Table, per_cent
from store.tables import Evidence, LeftOutCause, ModelVersion

Plain = Mapping[str, Any]
FIELD = ["field", "value"]
FIGURES = {"sensitivity": "sensitivity", "specificity": "specificity", "auc": "AUC"}
LABELS = {
    "covid": "COVID",
    "pneumonia": "pneumonia, not COVID",
    "no_finding": "no finding",
    "no_covid": "no COVID",
}
EVIDENCE = {
    Evidence.RT_PCR: "RT-PCR",
    Evidence.ANTIGEN: "antigen test",
    Evidence.CT: "CT",
    Evidence.RADIOLOGIST: "radiologist",
    Evidence.CLINICAL: "clinical",
    Evidence.UNSTATED: "not stated",
}


def in_words(figures: Plain) -> str:
    """Sensitivity, specificity and AUC in a clause; those that are known."""
    known = [(word, figures[name]) for name, word in FIGURES.items() if figures[name]]
    return ", ".join(f"{word} {_cell(one)} %" for word, one in known)


def weakest(record: Plain) -> str:
    """A sentence on the hospital where such a model does worst, of those that it was not taught on."""
    found = [one for one in record.get("elsewhere", ()) if one["figures"]["auc"]]
    if not found:
        return "What it reaches at another hospital is not known."
    worst = min(found, key=lambda one: float(one["figures"]["auc"]["value"]))
    return (
        f"At a hospital that it has not seen it can be far weaker: taught on {_listed(worst['taught_by'])} "
        f"and shown {_listed(worst['shown'])}, such a model reached {in_words(worst['figures'])}."
    )


def details(model: ModelVersion, method: Plain | None) -> Table:
    """What the model is and how it was made."""
    rows = [
        ["version", str(model.number)],
        ["state", model.state.value.lower().replace("_", " ")],
        ["made", f"{model.created_at:%d %B %Y}"],
        ["file", f"SHA-256 {model.sha256}"],
        ["made by", "the COVID-XR project, and the administrators of this installation"],
    ]
    return Table("", FIELD, rows + (_method(method) if method else [["method", UNRECORDED]]))


def _method(method: Plain) -> list[list[str]]:
    software = ", ".join(f"{name} {version}" for name, version in method["software"].items())
    return [
        ["backbone", f"{method['network']}, {_trained(method['weights'])}; it gives features"],
        ["its weights", f"SHA-256 {method['weights']}"],
        ["preprocessing", f"{method['preprocessing']} (docs/decisions/0006)"],
        ["head", f"{method['head']}: {HEADS[method['head']]}"],
        ["training", f"{TRAINING[method['head']]}; {method['epochs']} epochs, seed {method['seed']}"],
        ["initialisation", INITIAL[method["head"]]],
        ["selection", "one model is made, and the gate decides whether it serves; no ensemble"],
        ["calibration", method["calibration"] or "none: its probabilities are no frequencies"],
        ["threshold", f"{method['threshold']:.3f}, {CHOSEN[method['calibration'] is not None]}"],
        ["left open", _band(method)],
        ["refused", _novelty(method["novelty"])],
        ["software", software],
    ]


def _trained(weights: str) -> str:
    known = "trained on ImageNet and not changed"
    return known if weights == IMAGENET_SHA256 else "with weights that the operator chose, not changed"


LINEAR = (
    "one linear layer on the network's maps (VGG16's fourth block), averaged in coarse places of the chest"
)
PERCEPTRON = "the paper's perceptron of three layers on the network's fifth block"
HEADS = {"A": PERCEPTRON, "B": PERCEPTRON, "C": PERCEPTRON, "D": LINEAR}
BY_GRADIENT = "RMSProp on cross-entropy, as in the paper"
TRAINING = {"A": BY_GRADIENT, "B": BY_GRADIENT, "C": BY_GRADIENT, "D": "regularised logistic regression"}
INITIAL = dict.fromkeys("ABC", "Glorot-uniform, by the seed") | {"D": "zeros; the loss is convex"}
CHOSEN = {
    True: "the share of images with COVID, kept within what is left open: of calibrated probabilities "
    "sensitivity + specificity is largest there",
    False: "fixed",
}


def _band(method: Plain) -> str:
    if method["band"] is None:
        return "nothing: it always decides"
    low, high = method["band"]
    return (
        f"probabilities from {low:.3f} to {high:.3f} are UNCERTAIN, by class-conditional conformal "
        f"prediction: outside at most {100 * method['error']:.0f} % of each class should be wrong, among "
        "such patients"
    )


def _novelty(limits: Sequence[float] | None) -> str:
    if limits is None:
        return "nothing: it judges whatever it is shown"
    odd, alien = limits
    return (
        f"pictures further than {odd:g} standard deviations from the chests that it knows "
        f"(OUT_OF_DISTRIBUTION), and than {alien:g} (NOT_A_CHEST_XRAY)"
    )


def data(found: Plain) -> tuple[str | Table, ...]:
    """How many images of which source, label and evidence taught the model and judged it."""
    taught, judged = found["taught"], found["judged"]
    rows = [
        [
            kind["source"],
            LABELS[kind["label"]],
            EVIDENCE[Evidence(kind["evidence"])],
            str(kind["taught"]),
            str(kind["judged"]),
        ]
        for kind in found["kinds"]
    ]
    sources = sorted({kind["source"] for kind in found["kinds"]})
    known = [[source, SOURCES.get(source, "no more is known of it")] for source in sources]
    return (
        f"Taught by {_counted(taught)}; judged on {_counted(judged)}, kept out of all training.",
        Table("Images", ["source", "label", "its evidence", "taught", "judged"], rows),
        Table("Sources", ["source", "what it is"], known),
    )


def left_out(counts: Mapping[str, int] | None) -> tuple[str | Table, ...]:
    """How many labelled images of the platform did not teach, and why; nothing where that was not kept."""
    if counts is None:
        return ()
    rows = [[LEFT_OUT[cause], str(counts[cause])] for cause in LeftOutCause if cause in counts]
    told = "Labelled images of this platform that did not teach it"
    return (Table(told, ["why", "images"], rows),) if rows else (f"{told}: none.",)


def _counted(counts: Plain) -> str:
    return f"{counts['images']:,} images ({counts['covid']:,} with COVID) of {counts['patients']:,} patients"


def one_sided(found: Plain) -> tuple[str, ...]:
    """A sentence on the sources whose films are of one class, if there are any."""
    classes: dict[str, set[bool]] = {}
    for kind in found["kinds"]:
        classes.setdefault(kind["source"], set()).add(kind["label"] == POSITIVE)
    lone = {
        what: [source for source, seen in sorted(classes.items()) if seen == {covid}]
        for what, covid in (("with COVID", True), ("without", False))
    }
    told = [f"all films of {_listed(names)} are {what}" for what, names in lone.items() if names]
    if not told:
        return ()
    return (f"Of these sources {' and '.join(told)}: to know the source is to know the answer.",)


def overall(figures: Plain) -> Table:
    """The figures on the holdout."""
    rows = [[word, f"{_cell(figures[name])} %"] for name, word in FIGURES.items()]
    rows.append(["expected calibration error", f"{figures['calibration_error']:.3f}"])
    return Table("On the holdout", ["figure", "value and 95 % interval"], rows)


def at_home(figures: Plain | None) -> tuple[Table, ...]:
    """The figures on the holdout by source, and what the band does there."""
    if figures is None:
        return ()
    header = ["source", "with COVID", "without", "sensitivity", "specificity", "AUC"]
    rows = [[name, *_of_some(found)] for name, found in figures["by_source"].items()]
    decided = figures["decided"] or dict.fromkeys(FIGURES)
    band = [
        ["left open", _cell(figures["left_open"])],
        ["sensitivity of the others", _cell(decided["sensitivity"])],
        ["specificity of the others", _cell(decided["specificity"])],
        ["of those with COVID, called rightly or left open", _cell(figures["covered"]["covid"])],
        ["of those without, called rightly or left open", _cell(figures["covered"]["no_covid"])],
    ]
    return Table("By source", header, rows), Table("UNCERTAIN, and the others", ["share", "per cent"], band)


def elsewhere(found: Sequence[Plain] | None) -> str | Table:
    """The figures at sites that taught nothing."""
    if not found:
        return UNRECORDED
    header = ["taught by", "shown", "with COVID", "without", "sensitivity", "specificity", "AUC"]
    rows = [[_listed(one["taught_by"]), _shown(one), *_of_some(one["figures"])] for one in found]
    return Table("A site left out", header, rows)


def _shown(one: Plain) -> str:
    shared = f" ({one['shared']} of the images show patients of both)" if one["shared"] else ""
    return _listed(one["shown"]) + shared


def audit(head: str, found: Plain) -> tuple[str | Table, ...]:
    """The verdict on the border, and what was found under each change."""
    films = ", ".join(
        f"{one['images']} {'with' if one['covid'] else 'without'} COVID of {one['source']}"
        for one in found["films"]
    )
    changes = [
        [change["name"], *(_cell(change.get(column)) for column in ("auc", "changed", "reversed", "refused"))]
        for change in found["changes"]
    ]
    told = [
        [LABELS[one["label"]], " or ".join(one["sources"]), str(one["images"]), _cell(one["auc"])]
        for one in found["told"]
    ]
    return (
        verdict(head, border_of(found)),
        f"Measured on {found['altered']} films: {films}.",
        Table(
            "After a change to the picture",
            ["pictures", "AUC", "findings changed", "reversed", "refused"],
            changes,
        ),
        Table("The source, told from the features", ["among", "source", "images", "AUC"], told),
        Table(
            "Publications, none of which taught",
            ["publication", "with COVID", "sensitivity"],
            [
                [one["name"], str(one["figures"]["positives"]), _cell(one["figures"]["sensitivity"])]
                for one in found["publications"]
            ],
        ),
    )


def unknown() -> Table:
    """The items of CLAIM that cannot be answered, and why."""
    return Table("", ["item", "answer"], [[claim.ITEMS[item], why] for item, why in claim.UNKNOWN.items()])


def _of_some(figures: Plain) -> list[str]:
    counts = [str(figures["positives"]), str(figures["negatives"])]
    return [*counts, *(_cell(figures[name]) for name in FIGURES)]


def _cell(plain: Plain | None) -> str:
    return per_cent(Estimate(**plain)) if plain else NONE


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)
