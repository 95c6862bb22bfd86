"""What a study leaves in a folder: metrics for programs, plots, and a report for people."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ml import plots
from ml.base_set import BaseSet
from ml.evaluation import Estimate
from ml.heads import HeadName
from ml.plots import NOTICE, Curve
from services.studies import HeadStudy, Result, Study

FIGURES = ("sensitivity", "specificity", "auc")
# Orozco et al. 2020, Table II, and the task that it is about.
PAPER: Mapping[HeadName, tuple[float, float, float]] = {
    "A": (0.7000, 0.9275, 0.9435),
    "B": (0.7231, 0.9497, 0.9518),
    "C": (0.7320, 0.9648, 0.9535),
}
PAPER_TASK = "covid_vs_pneumonia"
TITLES = {
    "covid_vs_others": "COVID against all others",
    "covid_vs_pneumonia": "COVID against pneumonia (the paper's task)",
}
HEADER = ["head", "sensitivity", "specificity", "AUC"]


def write(study: Study, folder: Path) -> None:
    """Write metrics.json, report.md, roc.png, calibration.png and confusion.png."""
    folder.mkdir(parents=True, exist_ok=True)
    panels = _panels(study)
    (folder / "roc.png").write_bytes(plots.roc(panels))
    (folder / "calibration.png").write_bytes(plots.calibration(panels))
    (folder / "confusion.png").write_bytes(plots.confusion(panels))
    (folder / "report.md").write_text(_report(study), encoding="utf-8")
    (folder / "metrics.json").write_text(json.dumps(_metrics(study), indent=2) + "\n", encoding="utf-8")


def tables(study: Study) -> dict[str, list[list[str]]]:
    """By title, rows as HEADER names their cells: per cent, with 95 % intervals; the paper's below ours."""
    found = {}
    for task, heads in study.tasks.items():
        found[TITLES[task]] = _rows({name: one.pooled for name, one in heads.items()}, task == PAPER_TASK)
        shown = {name: one.shifted for name, one in heads.items() if one.shifted}
        if shown:
            found[f"{TITLES[task]}, shown the other folder"] = _rows(shown, False)
    return found


def caution(study: Study) -> str:
    """What the figures do not say."""
    covid, sources = study.base.covid, study.base.sources
    shared = set(sources[covid].tolist()) & set(sources[~covid].tolist())
    if shared:
        first = "Only some of the sources, if not all, have images of both classes."
    else:
        first = (
            f"No source has images of both classes: those with COVID come from {_listed(sources[covid])}, "
            f"all others from {_listed(sources[~covid])}. A model can pass by telling the sources apart."
        )
    return (
        f"{first} The figures hold for images of these sources and do not carry over to other hospitals: "
        "`covidxr evaluate --shifted DIR` shows the heads images of a hospital that they never saw."
    )


def _rows(results: Mapping[HeadName, Result], with_paper: bool) -> list[list[str]]:
    rows = []
    for name, result in results.items():
        rows.append([f"{name}, ours", *(_per_cent(getattr(result.evaluation, figure)) for figure in FIGURES)])
        if with_paper and name in PAPER:
            rows.append([f"{name}, paper", *(f"{100 * published:.2f}" for published in PAPER[name])])
    return rows


def _per_cent(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.1f} ({100 * estimate.low:.1f}-{100 * estimate.high:.1f})"


def _listed(sources: np.ndarray) -> str:
    return ", ".join(sorted(set(sources.tolist())))


def _panels(study: Study) -> dict[str, dict[str, Curve]]:
    panels: dict[str, dict[str, Curve]] = {}
    for task, heads in study.tasks.items():
        panels[TITLES[task]] = {
            name: _curve(one.pooled, _published(name, task)) for name, one in heads.items()
        }
        shown: dict[str, Curve] = {name: _curve(one.shifted) for name, one in heads.items() if one.shifted}
        if shown:
            panels[f"{TITLES[task]}: other hospitals"] = shown
    return panels


def _curve(found: Result, paper: tuple[float, float] | None = None) -> Curve:
    return Curve(found.covid, found.probabilities, found.evaluation, paper)


def _published(name: HeadName, task: str) -> tuple[float, float] | None:
    return PAPER[name][:2] if task == PAPER_TASK and name in PAPER else None


def _metrics(study: Study) -> dict[str, Any]:
    """All figures as fractions; ``heads`` at the top are those of the first task."""
    tasks = {
        task: {"heads": {name: _metrics_of(one) for name, one in heads.items()}}
        for task, heads in study.tasks.items()
    }
    main = next(iter(tasks))
    return {
        "notice": NOTICE,
        "caution": caution(study),
        "task": main,
        "heads": tasks[main]["heads"],
        "tasks": tasks,
        "paper": {name: dict(zip(FIGURES, row, strict=True)) for name, row in PAPER.items()},
        "paper_task": PAPER_TASK,
        "data": _described(study.base),
        "shifted_data": _described(study.shifted) if study.shifted else None,
        "plan": {"folds": study.plan.folds, "seed": study.plan.seed, "epochs": study.plan.epochs},
    }


def _metrics_of(found: HeadStudy) -> dict[str, Any]:
    return found.pooled.evaluation.as_dict() | {
        "folds": [fold.as_dict() for fold in found.folds],
        "shifted": found.shifted.evaluation.as_dict() if found.shifted else None,
    }


def _described(base: BaseSet) -> dict[str, Any]:
    labels, counts = np.unique(base.labels, return_counts=True)
    return {
        "images": len(base),
        "patients": len(set(base.patients.tolist())),
        "labels": dict(zip(labels.tolist(), counts.tolist(), strict=True)),
        "sources": {label: _listed(base.sources[base.labels == label]) for label in labels.tolist()},
        "backbone": base.backbone.name,
    }


def _report(study: Study) -> str:
    data = _described(study.base)
    labels = ", ".join(f"{count} {label}" for label, count in data["labels"].items())
    parts = [
        "# Evaluation of the heads",
        f"**{NOTICE}**",
        f"{data['images']} images of {data['patients']} patients ({labels}). {study.plan.folds} folds, no "
        "patient in two: every image is judged by a model that has not seen its patient. Per cent, with 95 % "
        "intervals (Wilson's; DeLong's for the AUC). The paper is Orozco et al. 2020, Table II. Heads that "
        "are shown the other folder, if there is one, were trained on all of these images.",
    ]
    for title, rows in tables(study).items():
        parts += [f"## {title}", _markdown([HEADER, ["---"] * len(HEADER), *rows])]
    parts += ["## What the figures do not say", caution(study), "## Plots"]
    parts += [f"![{name}]({name}.png)" for name in ("roc", "calibration", "confusion")]
    return "\n\n".join(parts) + "\n"


def _markdown(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
