"""Plots the audit of heads as PNG: what the AUC is after each change, and how many findings are others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.evaluation import Estimate
from ml.plots import COLOURS, NOTICE, png

APART = 0.16  # rows between the dots of two heads


@dataclass(frozen=True)
class Row:
    """A change: the AUC after it, and the share of findings that are others."""

    name: str
    auc: Estimate
    changed: Estimate


def changes(heads: Mapping[str, Sequence[Row]], limit: float) -> bytes:
    """Rows of each head, the same for all; ``limit`` is where the border tells too much."""
    names = [row.name for row in next(iter(heads.values()))]
    figure = Figure(figsize=(11, 0.42 * len(names) + 2.2), layout="constrained")
    figure.suptitle(f"Shortcut audit: what changes when the picture does\n{NOTICE}", fontsize=11)
    areas, shares = figure.subplots(1, 2, sharey=True)
    for number, (head, rows) in enumerate(heads.items()):
        places = np.arange(len(rows)) + APART * (number - (len(heads) - 1) / 2)
        _draw(areas, head, places, [row.auc for row in rows])
        _draw(shares, head, places, [row.changed for row in rows])
    areas.axvline(0.5, color="0.8", linewidth=1, linestyle="--", zorder=0)
    areas.axvline(limit, color="0.6", linewidth=1, linestyle=":", zorder=0)
    areas.set(xlabel=f"AUC (dots: the limit of {limit} for the border; dashes: chance)", xlim=(0, 1.02))
    shares.set(xlabel="share of findings that are others than before", xlim=(-0.02, 1.02))
    areas.set_yticks(range(len(names)), names)
    areas.invert_yaxis()
    shares.legend(loc="lower right", frameon=False, fontsize=9)
    return png(figure)


def _draw(axis: Axes, head: str, places: np.ndarray, found: Sequence[Estimate]) -> None:
    values = np.array([one.value for one in found])
    spread = np.array([[one.value - one.low, one.high - one.value] for one in found]).T
    axis.errorbar(
        values,
        places,
        xerr=np.maximum(spread, 0),
        fmt="o",
        color=COLOURS[head],
        markersize=5,
        label=f"head {head}",
    )
    axis.grid(axis="y", color="0.93")
    axis.set_axisbelow(True)
