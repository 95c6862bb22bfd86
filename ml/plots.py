"""Plots of a study as PNG: ROC, precision, calibration, confusion. A panel is a task, a colour is a head."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ml.evaluation import Evaluation, average_precision, calibration_bins, precision_recall, roc_curve

COLOURS = {
    "A": "#0072B2",
    "B": "#D55E00",
    "C": "#009E73",
    "D": "#CC79A7",
}  # Okabe and Ito's, for the colour-blind
NOTICE = "For research, not for diagnosis."
CROWDED = 0.9  # curves of larger areas hide in the corner
FEWEST = 5  # images of a bin that is drawn: the intervals of fewer hide the others
PANEL_INCHES = 5.2
DOTS_PER_INCH = 130


@dataclass(frozen=True, eq=False)
class Curve:
    """One head on one task: truth (N,) bool, probabilities (N,), figures, and the paper's rates if any."""

    covid: np.ndarray
    probabilities: np.ndarray
    evaluation: Evaluation
    paper: tuple[float, float] | None = None


# By the panel's title, by the head's letter.
Panels = Mapping[str, Mapping[str, Curve]]


def roc(panels: Panels) -> bytes:
    """Sensitivity against 1 - specificity, the corner enlarged; a dot is the threshold, a star the paper."""
    figure = _figure("ROC curves: dots are our threshold, stars the paper's Table II", len(panels))
    for axis, (title, curves) in zip(_axes(figure, len(panels)), panels.items(), strict=True):
        axis.plot([0, 1], [0, 1], color="0.8", linewidth=1, linestyle="--", zorder=0)
        for head, curve in curves.items():
            _draw_roc(axis, head, curve)
        if all(curve.evaluation.auc.value > CROWDED for curve in curves.values()):
            _enlarge_corner(axis, curves)
        axis.set(title=title, xlabel="1 - specificity", ylabel="sensitivity", xlim=(-0.01, 1), ylim=(0, 1.01))
        _legend(axis)
    return png(figure)


def precision(panels: Panels) -> bytes:
    """Precision against sensitivity; a dot is the threshold, dashes are the precision of chance."""
    figure = _figure("Precision and sensitivity (recall): dots are our threshold", len(panels))
    for axis, (title, curves) in zip(_axes(figure, len(panels)), panels.items(), strict=True):
        for head, curve in curves.items():
            _draw_precision(axis, head, curve)
            axis.axhline(curve.covid.mean(), color="0.8", linewidth=1, linestyle="--", zorder=0)
        axis.set(title=title, xlabel="sensitivity", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.01))
        _legend(axis)
    return png(figure)


def calibration(panels: Panels) -> bytes:
    """The share with COVID in bins of probability, with Wilson's intervals; larger dots are more images."""
    figure = _figure(
        f"Calibration: on the diagonal, a probability is a frequency (bins of {FEWEST} images or more)",
        len(panels),
    )
    for axis, (title, curves) in zip(_axes(figure, len(panels)), panels.items(), strict=True):
        axis.plot([0, 1], [0, 1], color="0.8", linewidth=1, linestyle="--", zorder=0)
        for head, curve in curves.items():
            _draw_calibration(axis, head, curve)
        axis.set(
            title=title,
            xlabel="probability given",
            ylabel="share with COVID",
            xlim=(-0.04, 1.04),
            ylim=(-0.04, 1.04),
        )
        _legend(axis)
    return png(figure)


def confusion(panels: Panels) -> bytes:
    """What was called what, in images and in per cent of those that truly are so. A row is a task."""
    heads = max(len(curves) for curves in panels.values())
    figure = Figure(figsize=(3.1 * heads + 0.6, 3.3 * len(panels) + 0.6), layout="constrained")
    figure.suptitle(f"Confusion at the threshold\n{NOTICE}", fontsize=11)
    grid = figure.subplots(len(panels), heads, squeeze=False)
    for row, (title, curves) in zip(grid, panels.items(), strict=True):
        for axis, (head, curve) in zip(row, curves.items(), strict=True):
            _draw_confusion(axis, curve)
            wrapped = title.replace(", ", ",\n")
            axis.set_title(f"{wrapped}\nhead {head}", fontsize=9)
    return png(figure)


def _enlarge_corner(axis: Axes, curves: Mapping[str, Curve]) -> None:
    corner = axis.inset_axes((0.3, 0.1, 0.66, 0.66), xlim=(-0.005, 0.12), ylim=(0.68, 1.01))
    corner.tick_params(labelsize=8)
    for head, curve in curves.items():
        _draw_roc(corner, head, curve)
    axis.indicate_inset_zoom(corner, edgecolor="0.6")


def _draw_roc(axis: Axes, head: str, curve: Curve) -> None:
    area = curve.evaluation.auc
    label = f"{head}: AUC {area.value:.3f} ({area.low:.3f} to {area.high:.3f})"
    axis.plot(*roc_curve(curve.covid, curve.probabilities), color=COLOURS[head], label=label, linewidth=1.5)
    point = 1 - curve.evaluation.specificity.value, curve.evaluation.sensitivity.value
    axis.plot(*point, "o", color=COLOURS[head], markersize=5)
    if curve.paper:
        axis.plot(1 - curve.paper[1], curve.paper[0], "*", color=COLOURS[head], markersize=9)


def _draw_precision(axis: Axes, head: str, curve: Curve) -> None:
    precision, recall = precision_recall(curve.covid, curve.probabilities)
    area = average_precision(curve.covid, curve.probabilities)
    axis.step(
        recall, precision, where="pre", color=COLOURS[head], label=f"{head}: average precision {area:.3f}"
    )
    counts = curve.evaluation.counts
    if called := counts.true_positives + counts.false_positives:
        point = curve.evaluation.sensitivity.value, counts.true_positives / called
        axis.plot(*point, "o", color=COLOURS[head], markersize=5)


def _draw_calibration(axis: Axes, head: str, curve: Curve) -> None:
    bins = [one for one in calibration_bins(curve.covid, curve.probabilities) if one.images >= FEWEST]
    rates = [one.frequency for one in bins]
    x, y = [one.probability for one in bins], [rate.value for rate in rates]
    spread = np.array([[rate.value - rate.low, rate.high - rate.value] for rate in rates]).reshape(-1, 2).T
    axis.errorbar(x, y, np.maximum(spread, 0), fmt="none", ecolor=COLOURS[head], alpha=0.5, linewidth=1)
    label = f"{head}: expected calibration error {curve.evaluation.calibration_error:.3f}"
    sizes = [12 + 25 * np.log10(one.images) for one in bins]
    axis.scatter(x, y, s=sizes, color=COLOURS[head], label=label, zorder=3)


def _draw_confusion(axis: Axes, curve: Curve) -> None:
    counts = curve.evaluation.counts
    table = np.array(
        [[counts.true_positives, counts.false_negatives], [counts.false_positives, counts.true_negatives]]
    )
    shares = table / table.sum(axis=1, keepdims=True)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(table):
        share = shares[row, column]
        text = f"{count}\n{share:.1%}"
        axis.text(column, row, text, ha="center", va="center", color="white" if share > 0.6 else "black")
    axis.set_xticks([0, 1], ["COVID", "no COVID"])
    axis.set_yticks([0, 1], ["COVID", "no COVID"], rotation=90, va="center")
    axis.set(xlabel="called", ylabel="truth")


def _figure(title: str, panels: int) -> Figure:
    figure = Figure(figsize=(PANEL_INCHES * panels, PANEL_INCHES + 1.5), layout="constrained")
    figure.suptitle(f"{title}\n{NOTICE}", fontsize=11)
    return figure


def _axes(figure: Figure, panels: int) -> list[Axes]:
    return list(figure.subplots(1, panels, squeeze=False)[0])


def _legend(axis: Axes) -> None:
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), frameon=False, fontsize=9)


def png(figure: Figure) -> bytes:
    """A figure as a file."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(buffer, format="png", dpi=DOTS_PER_INCH)
    return buffer.getvalue()
