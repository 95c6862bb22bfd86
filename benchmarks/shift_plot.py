"""Plots how figures go with the labels that a joining site has given."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
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
    """After how many labels, what the run came to, in a word and in the gate's, and the figures then."""

    labels: int
    outcome: str
    verdict: str
    home: Figures
    joining: Figures


def draw(stages: Sequence[Stage]) -> bytes:
    """A panel for each figure, PNG; a hollow dot is a stage whose candidate was not promoted."""
    figure = Figure(figsize=(15, 4.6), layout="constrained")
    figure.suptitle(f"A hospital joins: figures after each retraining\n{NOTICE}", fontsize=11)
    labels = np.array([stage.labels for stage in stages])
    sides = (("at home", COLOURS["A"], -0.6), ("at the joining hospital", COLOURS["B"], 0.6))
    for number, axis in enumerate(figure.subplots(1, len(NAMES), sharey=True)):
        for side, (name, colour, shift) in enumerate(sides):
            found = [(stage.home, stage.joining)[side].in_order()[number] for stage in stages]
            values = np.array([one.value for one in found])
            spread = np.array([[one.value - one.low, one.high - one.value] for one in found]).T
            axis.errorbar(labels + shift, values, np.maximum(spread, 0), color=colour, label=name, alpha=0.9)
            faces = ["white" if stage.outcome == "REJECTED" else colour for stage in stages]
            axis.scatter(labels + shift, values, c=faces, edgecolors=colour, zorder=3)
        axis.set(title=NAMES[number], xlabel="labels of the joining hospital", ylim=(-0.02, 1.02))
        axis.set_xticks(labels)
        axis.grid(axis="y", color="0.93")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return png(figure)
