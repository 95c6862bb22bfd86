"""What a report says in words: how the figures were made, and what they do not say."""

from ml import calibration, chest
from ml.base_set import BaseSet
from ml.heads import HeadName
from services.audit import LARGE
from services.studies import HeadStudy, Study
from services.study_tables import per_cent

HOW = (
    "Per cent, with 95 % intervals (Wilson's; DeLong's for the AUC). The paper is Orozco et al. 2020, "
    "Table II. Heads A, B and C call the larger of their two outputs, as it does; their *chosen "
    "threshold* is where sensitivity + specificity is largest on a fifth of the training patients, for a "
    "head that the other four fifths taught. Head D is calibrated inside the training folds: there every "
    "image is scored by a head that its patient did not teach. On these scores the band is laid in which "
    "it says UNCERTAIN, and its threshold is the share of the training images with COVID, where for "
    "calibrated probabilities sensitivity + specificity is largest. Outside of the band "
    f"at most {100 * calibration.ERROR:.0f} % of each class should be called wrongly."
)
HOW_AUDITED = (
    "Pictures were changed and judged again, from the file on, by the model that has not seen their "
    "patient. *Only the chest* greys out all but the box in which the chest was found, *only the border* "
    "that box; what is found then is not in the lungs. *Lung fields* are those of the mean chest, laid "
    "over the box. A finding has *changed* if it is another, or is "
    "left open where it was not, and is *reversed* if it is the opposite. A picture is *refused* if it is "
    "taken for no chest X-ray, and then has no finding whatever the head says; a dash stands where the "
    "models refuse nothing. The source is told by logistic "
    "regression on the features, cross-validated by patient; 50 is chance. Publications are the groups of "
    f"the `patient` column, which the folds leave out whole; those with {LARGE} images or more have a "
    "line."
)
CHEST = (
    "Head D is shown the standardised chest alone, which keeps much of a source's marks from it, and not all."
)
UNFRAMED = (
    "Head D is shown the whole picture here ({}), not the chest alone as in service, and no mark of its "
    "source is kept from it."
)
WHOLE = "Heads A, B and C are shown the whole picture, with whatever marks its source has left there."


def caution(study: Study) -> str:
    """What the figures do not say."""
    names = set(study.plan.names)
    if study.shifted:
        elsewhere = "how the heads do in another one stands beside them"
    else:
        elsewhere = (
            "`covidxr evaluate --shifted DIR` shows the heads images of a hospital that they never saw"
        )
    sentences = [
        _confounded(study.base),
        *([WHOLE] if names & {"A", "B", "C"} else []),
        *([_shown_to_head_d(study)] if "D" in names else []),
        "The figures hold for images of these sources and do not carry over to other hospitals: "
        f"{elsewhere}.",
    ]
    return " ".join(sentences)


def _shown_to_head_d(study: Study) -> str:
    seen = next(iter(study.tasks.values()))["D"].judges.models[0].backbone.preprocessing
    return CHEST if seen == chest.PREPROCESSING else UNFRAMED.format(seen)


def reached(study: Study) -> str:
    """What each head reaches at home, and at the other hospital if it was shown, in a sentence each."""
    heads = next(iter(study.tasks.values()))
    return " ".join(_reached(name, head, study.shifted) for name, head in heads.items())


def _reached(name: HeadName, head: HeadStudy, shifted: BaseSet | None) -> str:
    home = per_cent(head.pooled.evaluation.auc)
    sentence = f"Head {name} reaches an AUC of {home} on other patients of the sources that taught it"
    if head.shifted is None or shifted is None:
        return f"{sentence}; what it reaches at a hospital that it has not seen was not measured."
    there = per_cent(head.shifted.evaluation.auc)
    return f"{sentence}, and of {there} on images of {listed(set(shifted.sources))}, which did not."


def _confounded(base: BaseSet) -> str:
    """Which sources have one class alone, so that to know the source is to know the class."""
    with_covid, without = (set(base.sources[of].tolist()) for of in (base.covid, ~base.covid))
    both = with_covid & without
    if with_covid == without:
        return "Every source has images of both classes."
    if not both:
        return (
            f"No source has images of both classes: those with COVID come from {listed(with_covid)}, "
            f"all others from {listed(without)}. A model can pass by telling the sources apart."
        )
    lone = [
        f"all images of {listed(sources)} are {what} COVID"
        for sources, what in ((with_covid - both, "with"), (without - both, "without"))
        if sources
    ]
    return (
        f"Images of both classes come from {listed(both)} alone; {' and '.join(lone)}. On these a model can "
        "pass by telling the sources apart."
    )


def listed(sources: set[str]) -> str:
    """Names in one order, with commas between."""
    return ", ".join(sorted(sources))
