"""How many labels the label queue saves against random order: `.venv/bin/python -m benchmarks.label_queue`.

The base set's images are labelled little by little: in the order of the queue, by the margin alone, or by
chance, and a head D learns after every 20, of which a quarter judge models and teach none, as in the queue.
Once from 20 images on, judged on the holdout of all sources; and once from site A's images on, when site B
joins, judged on site B's holdout. Before that: what the holdout says of the default model where the first 100
of its images come by chance, as in the queue, and by the margin. To be quick, the head learns from the
200 principal components of the features (found without labels), by scipy's L-BFGS; its probabilities and its
threshold are chosen as the platform's are. Minutes on two cores; `--plot FILE` draws it.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.linalg import eigh
from scipy.optimize import minimize

from ml import calibration, default_model, novelty
from ml.evaluation import delong
from ml.label_queue import DIVERSITY, order
from ml.logistic import STRENGTH
from ml.making import probabilities
from ml.plots import COLOURS, NOTICE, png
from ml.splits import HOLDOUT_SHARE, grouped_folds

EVERY = 20
TEACHING = round((1 - HOLDOUT_SHARE) * EVERY)
"""Of these labels; the others judge."""
JUDGING = 100
FRONT = 300
COMPONENTS = 200
FOLDS = 5
SHARE = 0.8
"""Of each site, where one joins, what a seed draws."""
JOINING = "COVID-19 Radiography Database"
LEVELS = {"from 20 images": (0.86, 0.88, 0.90), "a site joins": (0.85, 0.90, 0.93)}
DRAWN = {"random": COLOURS["A"], "margin": COLOURS["B"], "queue": COLOURS["C"]}

Rows = np.ndarray


@dataclass(frozen=True)
class Data:
    """Principal components (N, 200), truth and patients (N,), places (N, 32)."""

    components: np.ndarray
    covid: np.ndarray
    patients: np.ndarray
    places: np.ndarray


@dataclass(frozen=True)
class Taught:
    """Scores of all images (N,), their probabilities (N,), and the threshold."""

    scores: np.ndarray
    probabilities: np.ndarray
    threshold: float


def components(features: np.ndarray) -> np.ndarray:
    centred = features.astype(np.float32) - features.astype(np.float32).mean(axis=0)
    count = len(centred)
    spreads, mixtures = eigh(centred @ centred.T, subset_by_index=(count - COMPONENTS, count - 1))
    found: np.ndarray = mixtures * np.sqrt(np.maximum(spreads, 0))
    return found


def scores(taught: Rows, data: Data) -> np.ndarray:
    """The log-odds of all images by ridge logistic regression on some, as `ml.logistic` penalises it."""
    seen, truth = data.components[taught], data.covid[taught].astype(np.float32)
    centre = seen.mean(axis=0)
    scale = np.sqrt(((seen - centre) ** 2).sum(axis=1).mean())
    scaled, penalty = (seen - centre) / scale, 1 / (STRENGTH * len(seen))

    def loss(params: np.ndarray) -> tuple[float, np.ndarray]:
        odds = scaled @ params[:-1] + params[-1]
        gap = 1 / (1 + np.exp(-odds)) - truth
        value = (np.logaddexp(0, odds) - truth * odds).mean() + penalty * (params[:-1] ** 2).sum() / 2
        return value, np.append(scaled.T @ gap / len(seen) + penalty * params[:-1], gap.mean())

    start = np.zeros(scaled.shape[1] + 1)
    params = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 60}).x
    found: np.ndarray = (data.components - centre) / scale @ params[:-1] + params[-1]
    return found


def teach(taught: Rows, data: Data) -> Taught:
    """As `ml.making` does it: scores of other heads calibrate and bound the band of the threshold."""
    found, covid, patients = scores(taught, data), data.covid[taught], data.patients[taught]
    fewest = min(len(set(patients[covid == kind])) for kind in (True, False))
    fitted = np.empty(len(taught))
    for fold in grouped_folds(covid.astype(str).tolist(), patients.tolist(), min(FOLDS, fewest)):
        fitted[fold] = scores(np.delete(taught, fold), data)[taught[fold]]
    line = calibration.platt(fitted, covid)
    said = line.probability(fitted)
    threshold = np.clip(covid.mean(), *calibration.open_band(said, covid))
    return Taught(found, line.probability(found), float(threshold))


def by_chance(pool: Rows, model: Taught, taught: Rows, data: Data) -> Rows:
    return pool  # which is shuffled


def by_margin(pool: Rows, model: Taught, taught: Rows, data: Data) -> Rows:
    return pool[np.argsort(abs(model.probabilities[pool] - model.threshold), kind="stable")]


def by_queue(pool: Rows, model: Taught, taught: Rows, data: Data, diversity: float = DIVERSITY) -> Rows:
    front = by_margin(pool, model, taught, data)[:FRONT]
    margins = abs(model.probabilities[front] - model.threshold)
    return front[order(margins, data.places[front], data.places[taught], diversity).rows]


Order = Callable[[Rows, Taught, Rows, Data], Rows]
ORDERS: dict[str, Order] = {
    "random": by_chance,
    "margin": by_margin,
    "queue": by_queue,
}


def simulated(
    ordered: Order, start: Rows, pool: Rows, test: Rows, data: Data, steps: int
) -> list[list[float]]:
    """AUC, sensitivity and specificity on the test part after each retraining."""
    taught, found = start, []
    for _ in range(steps + 1):
        model = teach(taught, data)
        positive, called = data.covid[test], model.probabilities[test] >= model.threshold
        area = delong(model.scores[test][positive], model.scores[test][~positive]).value
        found.append([area, called[positive].mean(), 1 - called[~positive].mean()])
        chosen = ordered(pool, model, taught, data)[:TEACHING]
        taught, pool = np.concatenate([taught, chosen]), pool[~np.isin(pool, chosen)]
    return found


def beginning(
    scenario: str, seed: int, held: np.ndarray, joins: np.ndarray, covid: np.ndarray
) -> tuple[Rows, Rows, Rows]:
    """What is labelled at first, what can be, in an order by chance, and what judges."""
    generator = np.random.default_rng(seed)
    if scenario == "a site joins":
        start, pool, test = ~held & ~joins, ~held & joins, held & joins
        start_rows, pool_rows = (generator.permutation(np.flatnonzero(part)) for part in (start, pool))
        # else all seeds of an order without chance were one run
        return (
            start_rows[: round(SHARE * len(start_rows))],
            pool_rows[: round(SHARE * len(pool_rows))],
            np.flatnonzero(test),
        )
    kinds = [np.flatnonzero(~held & (covid == kind)) for kind in (True, False)]
    start = np.concatenate([generator.choice(rows, 10, replace=False) for rows in kinds])
    pool = np.setdiff1d(np.flatnonzero(~held), start)
    return start, generator.permutation(pool), np.flatnonzero(held)


def labels_for(curve: np.ndarray, level: float) -> float | None:
    """After how many labels the curve first reaches a level, between two retrainings in a straight line."""
    reached = np.flatnonzero(curve >= level)
    if not len(reached) or reached[0] == 0:
        return 0.0 if len(reached) else None
    step = reached[0]
    part = (level - curve[step - 1]) / (curve[step] - curve[step - 1])
    return float(EVERY * (step - 1 + part))


def judged(shipped: default_model.DefaultModel) -> dict[str, dict[str, float]]:
    """The default model's figures on its holdout, and on parts of it that are chosen in two orders."""
    base, threshold = shipped.base_set, shipped.model.threshold
    said, covid = probabilities(shipped.model.head, base.features[base.holdout]), base.covid[base.holdout]
    orders = {
        "all": np.arange(len(said)),
        "by chance": np.argsort(base.sha256[base.holdout])[:JUDGING],
        "by the margin": np.argsort(abs(said - threshold), kind="stable")[:JUDGING],
    }
    return {
        name: {
            "images": len(rows),
            "auc": delong(said[rows][covid[rows]], said[rows][~covid[rows]]).value,
            "sensitivity": float((said[rows] >= threshold)[covid[rows]].mean()),
            "specificity": float((said[rows] < threshold)[~covid[rows]].mean()),
        }
        for name, rows in orders.items()
    }


def draw(curves: dict[str, dict[str, np.ndarray]]) -> bytes:
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    figure.suptitle(f"AUC by the number of labels, and the order of labelling\n{NOTICE}", fontsize=11)
    for axis, (scenario, found) in zip(figure.subplots(1, len(curves)), curves.items(), strict=True):
        for name, runs in found.items():
            areas = runs[:, :, 0]
            labels, mean, error = (
                EVERY * np.arange(areas.shape[1]),
                areas.mean(axis=0),
                areas.std(axis=0, ddof=1) / np.sqrt(len(areas)),
            )
            (line,) = axis.plot(labels, mean, color=DRAWN.get(name), label=name, marker="o", markersize=3)
            axis.fill_between(
                labels, mean - error, mean + error, color=line.get_color(), alpha=0.15, linewidth=0
            )
        axis.set(title=scenario, xlabel="labels", ylabel="AUC (shaded: standard error over seeds)")
        axis.grid(axis="y", color="0.93")
        axis.legend(frameon=False)
    return png(figure)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--plot", type=Path)
    parser.add_argument(
        "--diversity", type=float, nargs="+", default=[], help="queues of other diversities too"
    )
    chosen = parser.parse_args()
    orders = ORDERS | {f"queue {other:g}": partial(by_queue, diversity=other) for other in chosen.diversity}
    shipped = default_model.load()
    base, holdouts = shipped.base_set, judged(shipped)
    print("the default model on its holdout, as far as it is labelled")
    for name, figures in holdouts.items():
        told = ", ".join(f"{figure} {value:.3f}" for figure, value in figures.items() if figure != "images")
        print(f"{name:14}{figures['images']:4} images: {told}")
    held, joins = base.holdout, base.sources == JOINING
    curves: dict[str, dict[str, np.ndarray]] = {}
    summary: dict[str, dict[str, dict[str, float | None]]] = {}
    for scenario, steps in (("from 20 images", 16), ("a site joins", 8)):
        known = novelty.fit(
            *(
                part[~held & ~joins if scenario == "a site joins" else ~held]
                for part in (base.features, base.patients)
            )
        )
        data = Data(components(base.features[:, :-1]), base.covid, base.patients, known.places(base.features))
        print(f"{scenario}: mean over {chosen.seeds} seeds")
        print("labels           " + "".join(f"{EVERY * step:7}" for step in range(steps + 1)))
        curves[scenario], summary[scenario] = {}, {}
        for name, ordered in orders.items():
            starts = (beginning(scenario, seed, held, joins, base.covid) for seed in range(chosen.seeds))
            runs = np.array([simulated(ordered, *start, data, steps) for start in starts])
            curves[scenario][name] = runs
            for figure, means in zip(("AUC", "sens.", "spec."), runs.mean(axis=0).T, strict=True):
                print(f"{name:10} {figure:6}" + "".join(f"{mean:7.3f}" for mean in means), flush=True)
            mean = runs[:, :, 0].mean(axis=0)
            needed = {str(level): labels_for(mean, level) for level in LEVELS[scenario]}
            print(
                f"{name:10} labels for an AUC of "
                + ", ".join(
                    f"{level}: {'more' if count is None else round(count)}" for level, count in needed.items()
                )
            )
            summary[scenario][name] = needed
    if chosen.plot:
        chosen.plot.write_bytes(draw(curves))
    print(json.dumps({"holdout": holdouts, "labels": summary}))


if __name__ == "__main__":
    main()
