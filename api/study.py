"""`covidxr evaluate`: heads cross-validated, compared with the paper's, and audited for shortcuts."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from api import terminal
from api.classifying import HeadChoice, Network, NetworkChoice, Seed, Weights, at_work, load, network
from api.settings import Settings

if TYPE_CHECKING:  # these bring jax, which `covidxr --help` need not wait for
    from ml.heads import HeadName
    from ml.recipes import Recipe
    from services.attribution import Within
    from services.audit import Audit
    from services.studies import Folder, Study

NOT_AUDITED = "none"


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
    whole: Annotated[
        int | None,
        typer.Option(help="head D reads the whole picture at 224 pixels, as A, B and C do, or at 448"),
    ] = None,
    seed: Seed = 0,
    backbone: Network = NetworkChoice.VGG16,
    weights: Weights = None,
) -> None:
    """Cross-validate heads on labelled images, compare with the paper's Table II, and audit for shortcuts."""
    names = _names(heads)
    audited = [name for name in _names(audit) if name in names] if audit != NOT_AUDITED else []
    if whole is not None and "D" not in names:
        raise typer.BadParameter("is for head D: add it to --heads", param_hint="--whole")
    with at_work() as settings:
        from ml import recipes
        from services import attribution, audit_report, studies, study_report, study_tables, study_words

        wanted = {name: recipes.read_by(name, backbone.value, whole) for name in names}
        base = _seen(settings, data, wanted, weights)
        other = _seen(settings, [shifted], wanted, weights) if shifted else None

        plan = studies.Plan(names, folds, seed)
        with terminal.bar() as progress:
            follow = terminal.epochs(progress, studies.trainings(base, other, plan) * plan.epochs)
            found = studies.study(base, other, plan, follow)
        audits = _audits(
            settings, data, found, base, other, {name: wanted[name] for name in audited}, weights
        )
        attributions = _attributions(
            settings, data, found, base, {name: wanted[name] for name in audited}, weights
        )
        study_report.write(found, out, audits, attributions)
        console = Console()
        for table in study_tables.tables(found):
            console.print(terminal.table(table.title, table.header, table.rows))
        for sentence in (
            study_words.reached(found),
            *itertools.starmap(audit_report.verdict, audits.items()),
            *itertools.starmap(attribution.sentence, attributions.items()),
            study_words.caution(found),
        ):
            typer.echo(sentence)
        typer.echo(f"{terminal.NOTICE} Plots, report.md and metrics.json are in {out}.")


def _names(heads: str) -> list[HeadName]:
    try:
        return [HeadChoice(name.strip().upper()).value for name in heads.split(",")]
    except ValueError as error:
        raise typer.BadParameter("heads are A, B, C and D") from error


def _seen(
    settings: Settings, data: Sequence[Path], wanted: Mapping[HeadName, Recipe], weights: Path | None
) -> Folder:
    """Folders as each head sees them, with the films that several hold under one patient."""
    from ml import base_set
    from ml import default_model as shipped

    bases = {}
    for key, recipe in {recipe.preprocessing: recipe for recipe in wanted.values()}.items():
        extractor = network(settings, weights, recipe)
        loaded = [load(settings, folder, extractor) for folder in data]
        bases[key] = shipped.together(reduce(base_set.join, loaded))
    return {name: bases[recipe.preprocessing] for name, recipe in wanted.items()}


def _audits(
    settings: Settings,
    data: Sequence[Path],
    found: Study,
    base: Folder,
    other: Folder | None,
    wanted: Mapping[HeadName, Recipe],
    weights: Path | None,
) -> dict[HeadName, Audit]:
    """The audits of heads on the first task; those that read the same features share the changed pictures."""
    from services import audit, datasets, studies

    files = [record.path for folder in data for record in datasets.read_manifest(folder)]
    altered: dict[str, audit.Altered] = {}
    audits = {}
    for name, recipe in wanted.items():
        judges = next(iter(found.tasks.values()))[name].judges
        rows = audit.sample(base[name], judges)
        with terminal.bar() as progress:
            if recipe.preprocessing not in altered:
                follow = terminal.counted(progress, f"changed pictures for head {name}")
                extractor = network(settings, weights, recipe)
                altered[recipe.preprocessing] = audit.alter([files[row] for row in rows], extractor, follow)
            sources = len(set(base[name].sources.tolist()))
            heard = terminal.epochs(progress, sources * found.plan.epochs)
            left_out = studies.leave_sources_out(name, base[name], found.plan, heard)
        elsewhere = other[name] if other else None
        audits[name] = audit.audit(
            base[name], judges, rows, altered[recipe.preprocessing], elsewhere, left_out
        )
    return audits


def _attributions(
    settings: Settings,
    data: Sequence[Path],
    found: Study,
    base: Folder,
    wanted: Mapping[HeadName, Recipe],
    weights: Path | None,
) -> dict[HeadName, Sequence[Within]]:
    """Where the audited heads look, on the first task."""
    from services import attribution, audit, datasets

    files = [record.path for folder in data for record in datasets.read_manifest(folder)]
    attributions: dict[HeadName, Sequence[Within]] = {}
    for name, recipe in wanted.items():
        judges = next(iter(found.tasks.values()))[name].judges
        rows = audit.sample(base[name], judges, attribution.OF_A_KIND)
        extractor = network(settings, weights, recipe)
        with terminal.bar() as progress:
            follow = terminal.counted(progress, f"heat of head {name}")
            chosen = [files[row] for row in rows]
            attributions[name] = attribution.within(base[name], judges, rows, chosen, extractor, follow)
    return attributions
