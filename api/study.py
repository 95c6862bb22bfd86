"""The classifier at the command line: predict, train, evaluate, and the default model made again."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from api import terminal
from api.preparation import make_data_folder
from api.settings import Settings

if TYPE_CHECKING:  # these bring jax, which `covidxr --help` need not wait for
    from ml.base_set import BaseSet
    from ml.classifier import Classifier, FeatureExtractor
    from ml.heads import HeadName
    from ml.recipes import Recipe
    from services.audit import Audit
    from services.file_findings import FileFinding
    from services.studies import Folder, Study

Data = Annotated[Path, typer.Option(help="a folder of images with a manifest.csv: file,label,patient,source")]
Weights = Annotated[
    Path | None,
    typer.Option(help="other VGG16 weights than torchvision's ImageNet ones: .pth, .h5 or .safetensors"),
]
Seed = Annotated[int, typer.Option(min=0, help="the same seed gives the same bytes on one machine")]


ABSTAINED = {
    "NOT_A_CHEST_XRAY": "no finding, this is no chest X-ray",
    "OUT_OF_DISTRIBUTION": "no finding, this chest X-ray is unlike those that the model knows",
    "UNCERTAIN": "no finding, too uncertain",
}


NOT_AUDITED = "none"


class HeadChoice(StrEnum):
    """The paper's three heads, and ours."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


def predict(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="image files")],
    json_lines: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
    model: Annotated[Path | None, typer.Option(help="a file of `train`; else the default model")] = None,
    weights: Weights = None,
    heatmap: Annotated[
        Path | None, typer.Option(metavar="DIR", help="a folder for pictures of where the model sees COVID")
    ] = None,
) -> None:
    """Say of each image whether it looks like COVID-19; exits with 1 if a file cannot be read."""
    with _at_work(keeps_caches=False) as settings:
        extractor, classifier = _predictor(settings, model, weights)
        from services.file_findings import find

        found = []
        findings = find(files, extractor, classifier, heatmap)
        with terminal.bar(shown=not (json_lines and sys.stdout.isatty())) as progress:
            for one in progress.track(findings, len(files), description="images"):
                found.append(one)
                if json_lines:
                    print(_as_json(one, classifier.model.name, heatmap is not None), flush=True)
    if not json_lines:
        for one in found:
            typer.echo(_as_text(one))
    typer.echo(terminal.NOTICE, err=json_lines)
    if any(one.error for one in found):
        raise typer.Exit(1)


def train(
    data: Data,
    out: Annotated[Path, typer.Option(help="the model's file to write (.safetensors)")],
    head: Annotated[HeadChoice, typer.Option(help="the paper's A, B or C, or our D")] = HeadChoice.D,
    seed: Seed = 0,
    weights: Weights = None,
) -> None:
    """Train a head on a folder of labelled images; a quarter of the patients is kept to judge it."""
    with _at_work() as settings:
        from ml import making, model_file, recipes
        from ml.evaluation import EvaluationError
        from ml.training import TrainingConfig

        base = _load(settings, data, _extractor(settings, weights, recipes.read_by(head.value)))
        config = TrainingConfig(head=head.value, seed=seed)
        with terminal.bar() as progress:
            follow = terminal.epochs(progress, config.epochs)
            lessons = making.images_of(base)[~base.holdout]
            model = making.teach(lessons, base.backbone, config, follow(f"head {head.value}"))
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(model_file.save(model))
        typer.echo(
            f"{out}: model {model.name}, trained on {model.positives} images with COVID "
            f"and {model.negatives} without."
        )
        try:
            typer.echo(f"On the holdout: {terminal.figures(making.examine(model, base))}.")
        except EvaluationError as error:
            typer.echo(f"It cannot be judged on the holdout: {error}.")
        typer.echo(terminal.NOTICE)


def evaluate(
    data: Annotated[
        list[Path], typer.Option(help="a folder as for `train`; several are cross-validated together")
    ],
    out: Annotated[Path, typer.Option(help="the folder for metrics.json, report.md and the plots")],
    heads: Annotated[str, typer.Option(help="which heads, with commas between")] = "A,B,C,D",
    folds: Annotated[int, typer.Option(min=2, help="in how many parts the patients are divided")] = 5,
    shifted: Annotated[
        Path | None, typer.Option(help="another hospital's folder, to show to heads trained on all of --data")
    ] = None,
    audit: Annotated[
        str, typer.Option(help="which of the heads are audited for shortcuts, some minutes each; or none")
    ] = "D",
    seed: Seed = 0,
    weights: Weights = None,
) -> None:
    """Cross-validate heads on labelled images, compare with the paper's Table II, and audit for shortcuts."""
    names = _names(heads)
    audited = [name for name in _names(audit) if name in names] if audit != NOT_AUDITED else []
    with _at_work() as settings:
        from services import audit_report, studies, study_report, study_tables, study_words

        base = _seen(settings, data, names, weights)
        other = _seen(settings, [shifted], names, weights) if shifted else None

        plan = studies.Plan(names, folds, seed)
        with terminal.bar() as progress:
            follow = terminal.epochs(progress, studies.trainings(base, other, plan) * plan.epochs)
            found = studies.study(base, other, plan, follow)
        audits = _audits(settings, data, found, base, other, audited, weights)
        study_report.write(found, out, audits)
        console = Console()
        for table in study_tables.tables(found):
            console.print(terminal.table(table.title, table.header, table.rows))
        for sentence in (
            *itertools.starmap(audit_report.verdict, audits.items()),
            study_words.caution(found),
        ):
            typer.echo(sentence)
        typer.echo(f"{terminal.NOTICE} Plots, report.md and metrics.json are in {out}.")


def default_model(
    data: Annotated[list[Path], typer.Option(help="a folder as for `train`; may be given several times")],
) -> None:
    """Make the default model and its base set again, in the place where they are shipped."""
    with _at_work() as settings:
        from ml import base_set, recipes
        from ml import default_model as shipped

        extractor = _extractor(settings, None, recipes.CHEST)
        base = reduce(base_set.join, [_load(settings, folder, extractor) for folder in data])
        with terminal.bar() as progress:
            made = shipped.make(base, terminal.epochs(progress, shipped.CONFIG.epochs)("default model"))
        shipped.save(made)
        typer.echo(f"{shipped.FOLDER}: model {made.model.name}.")
        typer.echo(f"On the holdout: {terminal.figures(made.evaluation)}.")
        typer.echo(terminal.NOTICE)


def _names(heads: str) -> list[HeadName]:
    try:
        return [HeadChoice(name.strip().upper()).value for name in heads.split(",")]
    except ValueError as error:
        raise typer.BadParameter("heads are A, B, C and D") from error


def _extractor(settings: Settings, file: Path | None, recipe: Recipe) -> FeatureExtractor:
    from ml import weights
    from ml.classifier import FeatureExtractor

    loaded = weights.load_file(file) if file else weights.load(settings.data_dir / "cache" / "weights")
    return FeatureExtractor(loaded, recipe)


def _predictor(
    settings: Settings, file: Path | None, weights: Path | None
) -> tuple[FeatureExtractor, Classifier]:
    """A model, and what makes the features that it reads."""
    from ml import default_model as shipped
    from ml import model_file, recipes
    from ml.classifier import Classifier

    model = model_file.load(file.read_bytes()) if file else shipped.load_model()
    extractor = _extractor(settings, weights, recipes.of(model.backbone))
    return extractor, Classifier(model, extractor.backbone)


def _seen(settings: Settings, data: Sequence[Path], names: list[HeadName], weights: Path | None) -> Folder:
    """Folders as each head sees them, with the films that several hold under one patient."""
    from ml import base_set, recipes
    from ml import default_model as shipped

    wanted = {recipes.read_by(name).preprocessing: recipes.read_by(name) for name in names}
    bases = {}
    for key, recipe in wanted.items():
        extractor = _extractor(settings, weights, recipe)
        loaded = [_load(settings, folder, extractor) for folder in data]
        bases[key] = shipped.together(reduce(base_set.join, loaded))
    return {name: bases[recipes.read_by(name).preprocessing] for name in names}


def _audits(
    settings: Settings,
    data: Sequence[Path],
    found: Study,
    base: Folder,
    other: Folder | None,
    names: list[HeadName],
    weights: Path | None,
) -> dict[HeadName, Audit]:
    """The audits of heads on the first task; those that read the same features share the changed pictures."""
    from ml import recipes
    from services import audit, datasets, studies

    files = [record.path for folder in data for record in datasets.read_manifest(folder)]
    altered: dict[str, audit.Altered] = {}
    audits = {}
    for name in names:
        judges = next(iter(found.tasks.values()))[name].judges
        rows, recipe = audit.sample(base[name], judges), recipes.read_by(name)
        with terminal.bar() as progress:
            if recipe.preprocessing not in altered:
                follow = terminal.images(progress, f"changed pictures for head {name}")
                extractor = _extractor(settings, weights, recipe)
                altered[recipe.preprocessing] = audit.alter([files[row] for row in rows], extractor, follow)
            sources = len(set(base[name].sources.tolist()))
            heard = terminal.epochs(progress, sources * found.plan.epochs)
            left_out = studies.leave_sources_out(name, base[name], found.plan, heard)
        elsewhere = other[name] if other else None
        audits[name] = audit.audit(
            base[name], judges, rows, altered[recipe.preprocessing], elsewhere, left_out
        )
    return audits


def _load(settings: Settings, data: Path, extractor: FeatureExtractor) -> BaseSet:
    from services import datasets

    with terminal.bar() as progress:
        follow = terminal.images(progress, f"features of {data.name}")
        return datasets.load(data, extractor, settings.data_dir / "cache" / "features", follow)


def _as_json(found: FileFinding, model: str, drawn: bool) -> str:
    if found.judgement is None:
        return json.dumps({"file": str(found.file), "error": found.error})
    answer = {
        "file": str(found.file),
        "finding": {None: None, True: "COVID", False: "NO_COVID"}[found.judgement.covid],
        "probability": round(found.judgement.probability, 6),
        "abstained": found.judgement.abstained,
        "model": model,
    }
    if drawn:
        answer["heatmap"] = str(found.heatmap) if found.heatmap else None
    return json.dumps(answer)


def _as_text(found: FileFinding) -> str:
    if found.judgement is None:
        return f"{found.file}: {found.error}"
    judged = found.judgement
    finding = ABSTAINED[judged.abstained] if judged.abstained else "COVID" if judged.covid else "no COVID"
    drawn = f", heatmap {found.heatmap}" if found.heatmap else ""
    return f"{found.file}: {finding}, probability {judged.probability:.3f}{drawn}"


@contextmanager
def _data_folder(keeps_caches: bool) -> Iterator[Settings]:
    """The settings with their data folder, or with one for the moment unless there is one or it is named."""
    settings = Settings()
    if keeps_caches or "data_dir" in settings.model_fields_set or settings.data_dir.exists():
        make_data_folder(settings.data_dir)
        yield settings
    else:
        with TemporaryDirectory(prefix="covidxr-") as folder:
            yield settings.model_copy(update={"data_dir": Path(folder)})


@contextmanager
def _at_work(keeps_caches: bool = True) -> Iterator[Settings]:
    """Jax is set up, and what people can mend is said in a sentence, without a stack trace."""
    with _data_folder(keeps_caches) as settings, _set_up(settings):
        yield settings


@contextmanager
def _set_up(settings: Settings) -> Iterator[None]:
    from api.classifier import prepare_jax

    prepare_jax(settings.data_dir, settings.device)
    from ml.base_set import BaseSetError
    from ml.classifier import BackboneMismatch
    from ml.model_file import ModelFileError
    from ml.recipes import UnknownRecipe
    from ml.weights import WeightsError
    from services.datasets import DatasetError
    from services.studies import StudyError

    try:
        yield
    except (
        OSError,
        BackboneMismatch,
        BaseSetError,
        DatasetError,
        ModelFileError,
        StudyError,
        UnknownRecipe,
        WeightsError,
    ) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
