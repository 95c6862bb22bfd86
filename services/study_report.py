"""What a study leaves in a folder: metrics for programs, plots, and a report for people."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ml import plots
from ml.base_set import BaseSet
from ml.evaluation import average_precision
from ml.heads import HeadName
from ml.plots import NOTICE, Curve
from services import attribution, audit_report
from services.attribution import Attributions
from services.audit_report import Audits
from services.studies import HeadStudy, Study
from services.study_results import Result
from services.study_tables import (
    ELSEWHERE,
    FIGURES,
    PAPER,
    PAPER_TASK,
    TITLES,
    Table,
    markdown,
    parts,
    tables,
)
from services.study_words import HOW, HOW_AUDITED, caution, listed, reached


def write(
    study: Study, folder: Path, audits: Audits | None = None, attributions: Attributions | None = None
) -> None:
    """Write metrics.json, report.md and the plots."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = _plots(study, audits or {})
    for name, picture in pictures.items():
        (folder / f"{name}.png").write_bytes(picture)
    report = _report(study, audits or {}, attributions or {}, list(pictures))
    (folder / "report.md").write_text(report, encoding="utf-8")
    found = _metrics(study, audits or {}) | {"heat": attribution.plain(attributions or {})}
    metrics = json.dumps(found, indent=2)
    (folder / "metrics.json").write_text(metrics + "\n", encoding="utf-8")


def _plots(study: Study, audits: Audits) -> dict[str, bytes]:
    panels: dict[str, dict[str, Curve]] = {
        title: {
            name: Curve(one.covid, one.probabilities, one.evaluation, _published(name, title))
            for name, one in found.items()
        }
        for task in study.tasks
        for title, found in parts(study, task).items()
    }
    pictures = {
        "roc": plots.roc(panels),
        "precision": plots.precision(panels),
        "calibration": plots.calibration(panels),
        "confusion": plots.confusion(panels),
    }
    return pictures | ({"audit": audit_report.plot(audits)} if audits else {})


def _published(name: HeadName, title: str) -> tuple[float, float] | None:
    return PAPER[name][:2] if title == TITLES[PAPER_TASK] and name in PAPER else None


def _metrics(study: Study, audits: Audits) -> dict[str, Any]:
    """All figures as fractions; ``heads`` at the top are those of the first task."""
    tasks = {
        task: {"heads": {name: _metrics_of(one) for name, one in heads.items()}}
        for task, heads in study.tasks.items()
    }
    main = next(iter(tasks))
    return {
        "notice": NOTICE,
        "reached": reached(study),
        "caution": caution(study),
        "task": main,
        "heads": tasks[main]["heads"],
        "tasks": tasks,
        "audit": audit_report.plain(audits),
        "paper": {name: dict(zip(FIGURES, row, strict=True)) for name, row in PAPER.items()},
        "paper_task": PAPER_TASK,
        "data": _described(study.base),
        "shifted_data": _described(study.shifted) if study.shifted else None,
        "plan": {"folds": study.plan.folds, "seed": study.plan.seed, "epochs": study.plan.epochs},
    }


def _metrics_of(found: HeadStudy) -> dict[str, Any]:
    return _plain(found.pooled) | {
        "folds": [fold.as_dict() for fold in found.folds],
        "shifted": _plain(found.shifted) if found.shifted else None,
        "backbone": found.judges.models[0].backbone.name,
        "calibration": found.judges.models[0].calibration,
        "error_level": found.judges.models[0].error,
    }


def _plain(result: Result) -> dict[str, Any]:
    return result.evaluation.as_dict() | {
        "average_precision": average_precision(result.covid, result.probabilities),
        "sensitivity_at_specificity_99": asdict(result.at_specificity_99),
        "at_chosen_threshold": result.at_chosen.as_dict() if result.at_chosen else None,
        "left_open": asdict(result.open_share),
        "decided": result.decided.as_dict() if result.decided else None,
        "covered": {"covid": asdict(result.covered(True)), "no_covid": asdict(result.covered(False))},
        "by_source": {source: asdict(found) for source, found in result.by_source().items()},
    }


def _described(base: BaseSet) -> dict[str, Any]:
    labels, counts = np.unique(base.labels, return_counts=True)
    return {
        "images": len(base),
        "patients": len(set(base.patients.tolist())),
        "labels": dict(zip(labels.tolist(), counts.tolist(), strict=True)),
        "sources": {label: listed(set(base.sources[base.labels == label])) for label in labels.tolist()},
        "backbone": base.backbone.name,
    }


def _report(study: Study, audits: Audits, attributions: Attributions, pictures: list[str]) -> str:
    data = _described(study.base)
    labels = ", ".join(f"{count} {label}" for label, count in data["labels"].items())
    paragraphs = [
        "# Evaluation of the heads",
        f"**{NOTICE}**",
        f"{data['images']} images of {data['patients']} patients ({labels}). {study.plan.folds} folds, no "
        "patient in two: every image is judged by a model that has not seen its patient. Heads that are "
        f"*{ELSEWHERE}*, if there is one, were trained on all of these images.",
        "## What is reached where",
        reached(study),
        HOW,
        *_sections(tables(study)),
        "## What the figures do not say",
        caution(study),
    ]
    if audits:
        paragraphs += [
            "## Shortcut audit",
            HOW_AUDITED,
            *(audit_report.verdict(*one) for one in audits.items()),
        ]
        paragraphs += _sections(audit_report.tables(audits))
    if attributions:
        paragraphs += ["## Where the heads look", attribution.HOW]
        paragraphs += [attribution.sentence(*one) for one in attributions.items()]
        paragraphs += _sections([attribution.table(attributions)])
    paragraphs += ["## Plots", *(f"![{name}]({name}.png)" for name in pictures)]
    return "\n\n".join(paragraphs) + "\n"


def _sections(found: list[Table]) -> list[str]:
    return [text for table in found for text in (f"### {table.title}", markdown(table))]
