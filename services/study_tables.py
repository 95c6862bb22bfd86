"""A study's figures as tables for people: per cent, with 95 % intervals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ml.evaluation import Estimate, Evaluation
from ml.heads import PAPER as PAPERS_HEADS
from ml.heads import HeadName
from services.studies import HeadStudy, Study
from services.study_results import OfSome, Result

FIGURES = ("sensitivity", "specificity", "auc")
FIGURES_HEADER = ["head", "sensitivity", "specificity", "AUC"]
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
ELSEWHERE = "shown the other folder"
AT_99_HEADER = ["head", "sensitivity"]
OPEN_HEADER = ["head", "left open", "sensitivity", "specificity"]
COVERED_HEADER = ["head", "of those with COVID", "of those without"]
PROBABILITIES_HEADER = ["head", "calibration error", "threshold", "its origin"]
PAPERS_RULE = "the larger of two outputs"
CHOSEN_RULE = "chosen inside the training folds"
NONE = "-"


@dataclass(frozen=True)
class Table:
    """A title, the names of the columns, and rows of as many cells."""

    title: str
    header: list[str]
    rows: list[list[str]]


def tables(study: Study) -> list[Table]:
    """What was found on each task, at home and, if it was shown to them, elsewhere."""
    return [table for task in study.tasks for table in _of_task(study, task)]


def _of_task(study: Study, task: str) -> Iterator[Table]:
    for title, results in parts(study, task).items():
        with_paper = task == PAPER_TASK and title == TITLES[task]
        yield Table(title, FIGURES_HEADER, _figures(results, with_paper))
        yield Table(f"{title}: where 99 % of those without are cleared", AT_99_HEADER, _at_99(results))
        yield from _by_source(title, results)
        yield Table(f"{title}: probabilities", PROBABILITIES_HEADER, _probabilities(results))
        unsure = {name: result for name, result in results.items() if result.left_open.any()}
        if unsure:
            yield Table(f"{title}: UNCERTAIN, and the others", OPEN_HEADER, _left_open(unsure))
            yield Table(f"{title}: called rightly, or left open", COVERED_HEADER, _covered(unsure))


def parts(study: Study, task: str) -> dict[str, dict[HeadName, Result]]:
    """A task's results by title, by head: pooled over the folds and, where there are any, elsewhere."""
    of_heads: Mapping[HeadName, HeadStudy] = study.tasks[task]
    shown = {name: one.shifted for name, one in of_heads.items() if one.shifted}
    found = {TITLES[task]: {name: one.pooled for name, one in of_heads.items()}}
    return found | ({f"{TITLES[task]}, {ELSEWHERE}": shown} if shown else {})


def _figures(results: Mapping[HeadName, Result], with_paper: bool) -> list[list[str]]:
    rows = []
    for name, result in results.items():
        rows.append([f"{name}, ours", *_cells(result.evaluation)])
        if result.at_chosen:
            rows.append([f"{name}, chosen threshold", *_cells(result.at_chosen)])
        if with_paper and name in PAPER:
            rows.append([f"{name}, paper", *(f"{100 * published:.2f}" for published in PAPER[name])])
    return rows


def _cells(evaluation: Evaluation) -> list[str]:
    return [per_cent(getattr(evaluation, figure)) for figure in FIGURES]


def _at_99(results: Mapping[HeadName, Result]) -> list[list[str]]:
    """A point of the ROC curve, whose threshold nobody knows beforehand."""
    return [[name, per_cent(result.at_specificity_99)] for name, result in results.items()]


def _by_source(title: str, results: Mapping[HeadName, Result]) -> Iterator[Table]:
    """A table for each source, unless each class has but one: then they would say nothing new."""
    by_source = {name: result.by_source() for name, result in results.items()}
    counts = next(iter(by_source.values()))
    told = max(
        sum(of.positives > 0 for of in counts.values()), sum(of.negatives > 0 for of in counts.values())
    )
    for source, found in counts.items() if told > 1 else ():
        of_heads = {name: of[source] for name, of in by_source.items()}
        yield Table(
            f"{title}, images of {source} ({found.positives} with COVID, {found.negatives} without)",
            FIGURES_HEADER,
            [[name, *_of_source(of)] for name, of in of_heads.items()],
        )


def _of_source(found: OfSome) -> list[str]:
    return [per_cent(figure) for figure in (found.sensitivity, found.specificity, found.auc)]


def _probabilities(results: Mapping[HeadName, Result]) -> list[list[str]]:
    rows = []
    for name, result in results.items():
        error, own = f"{result.evaluation.calibration_error:.3f}", _spread(result.thresholds)
        rows.append([name, error, own, PAPERS_RULE if name in PAPERS_HEADS else CHOSEN_RULE])
        if result.chosen is not None:
            rows.append([f"{name}, chosen", NONE, _spread(result.chosen), CHOSEN_RULE])
    return rows


def _spread(thresholds: np.ndarray) -> str:
    low, high = thresholds.min(), thresholds.max()
    return f"{low:.2f}" if high - low < 0.005 else f"{low:.2f} to {high:.2f}"


def _left_open(results: Mapping[HeadName, Result]) -> list[list[str]]:
    return [
        [
            name,
            per_cent(result.open_share),
            per_cent(result.decided.sensitivity if result.decided else None),
            per_cent(result.decided.specificity if result.decided else None),
        ]
        for name, result in results.items()
    ]


def _covered(results: Mapping[HeadName, Result]) -> list[list[str]]:
    return [
        [name, *(per_cent(result.covered(covid)) for covid in (True, False))]
        for name, result in results.items()
    ]


def per_cent(estimate: Estimate | None) -> str:
    """A value and its interval, or a dash where there is none."""
    if estimate is None:
        return NONE
    return f"{100 * estimate.value:.1f} ({100 * estimate.low:.1f}-{100 * estimate.high:.1f})"


def markdown(table: Table) -> str:
    """A table in Markdown, without its title."""
    rows = [table.header, ["---"] * len(table.header), *table.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
