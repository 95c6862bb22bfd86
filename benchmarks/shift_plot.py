"""Plots how figures go with the labels that a joining site has given."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.evaluation import Estimate
from ml.plots import COLOURS, NOTICE, png

NAMES = ("AUC", "sensitivity", "specificity", "left open")


@dataclass(frozen=True)
class Figures:
    """Of the model in service: sensitivity and specificity are of findings that were not left open."""

    auc: Estimate
    sensitivity: Estimate
    specificity: Estimate
    left_open: Estimate

    def in_order(self) -> tuple[Estimate, ...]:
        """As NAMES names them."""
        return self.auc, self.sensitivity, self.specificity, self.left_open


@dataclass(frozen=True)
class Stage:
    """After how many labels, what the run came to, in a word and in the gate's, and the figures then.

    Of the model in service, and of the model that the run made: the same, unless the gate refused it.
    """

    labels: int
    outcome: str
    verdict: str
    home: Figures
    joining: Figures
    made_home: Figures
    made_joining: Figures

    def rows(self) -> list[tuple[str, Figures]]:
        """What the figures are of, and the figures."""
        refused = [("refused, home", self.made_home), ("refused, joining", self.made_joining)]
        served = [("in service, home", self.home), ("in service, joining", self.joining)]
        return [*served, *(refused if self.outcome == "REJECTED" else [])]


@dataclass(frozen=True)
class _Line:
    figures: Sequence[Figures]
    colour: str
    style: str
    label: str


def draw(stages: Sequence[Stage]) -> bytes:
    """A panel for each figure, PNG; dashes are the models that the gate refused."""
    figure = Figure(figsize=(15, 4.6), layout="constrained")
    figure.suptitle(f"A hospital joins: figures after each retraining\n{NOTICE}", fontsize=11)
    labels = np.array([stage.labels for stage in stages])
    lines = [
        _Line([stage.made_home for stage in stages], COLOURS["A"], "--", "at home, refused or not"),
        _Line([stage.made_joining for stage in stages], COLOURS["B"], "--", "there, refused or not"),
        _Line([stage.home for stage in stages], COLOURS["A"], "-", "at home, in service"),
        _Line([stage.joining for stage in stages], COLOURS["B"], "-", "at the joining hospital, in service"),
    ]
    for number, axis in enumerate(figure.subplots(1, len(NAMES), sharey=True)):
        for place, line in enumerate(lines):
            _draw(axis, labels + 0.8 * (place - 1.5), [one.in_order()[number] for one in line.figures], line)
        axis.set(title=NAMES[number], xlabel="labels of the joining hospital", ylim=(-0.02, 1.02))
        axis.set_xticks(labels)
        axis.grid(axis="y", color="0.93")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return png(figure)


def _draw(axis: Axes, labels: np.ndarray, found: Sequence[Estimate], line: _Line) -> None:
    values = np.array([one.value for one in found])
    spread = np.array([[one.value - one.low, one.high - one.value] for one in found]).T
    served = line.style == "-"
    axis.errorbar(
        labels,
        values,
        np.maximum(spread, 0),
        color=line.colour,
        label=line.label,
        linestyle=line.style,
        marker="o",
        markerfacecolor=line.colour if served else "white",
        alpha=1 if served else 0.6,
    )
