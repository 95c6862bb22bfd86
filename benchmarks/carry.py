"""What carries over to films of a source that did not teach: ways to teach head D, compared on the base set.

Each way teaches on some kinds of films (a kind is a class of a source) and tells films with COVID from others
where one kind, or both, were unseen. No image is needed: `OPENBLAS_NUM_THREADS=1 .venv/bin/python -m
benchmarks.carry` reads the features that the default model learned from, and takes two minutes. The matrices
are small: with two threads, which wait for one another, it can take ten times as long.

`--whole FOLDER…` makes those films' features anew, of the whole picture by VGG16's fifth block, as heads A, B
and C have it, and compares these in their 49 places with their means over them: a few minutes more.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from benchmarks import refusals
from ml import base_set, logistic, recipes, vgg16, weights
from ml.base_set import BaseSet
from ml.classifier import FeatureExtractor
from ml.evaluation import delong
from ml.shortcuts import rotated
from ml.splits import grouped_folds

BASE_SET = Path(__file__).parents[1] / "ml" / "default_model" / "base_set.npz"
FOLDS = 5
ROUNDS, RATE = 10, 2.0
"""Of group DRO: so often the worst kind gets more weight, and by how much."""
BAGS = 10
UNSEEN = ("negatives", "covid", "both")

Rows = np.ndarray
Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Films:
    """N films as features (N, K), centred and scaled, with what is known of each (N,)."""

    features: Array
    covid: Array
    patients: Array
    sources: Array
    kinds: Array

    def of(self, kind: str) -> Rows:
        return np.flatnonzero(self.kinds == kind)

    def without(self, rows: Rows) -> Rows:
        """All whose patients have no film among these."""
        return np.flatnonzero(~np.isin(self.patients, self.patients[rows]))


Way = Callable[[Films, Rows, Rows], Array]
"""Scores of the films shown, by a head that some others teach."""


def films(base: BaseSet, features: Array) -> Films:
    """The base set, seen by features (N, F)."""
    kinds = np.char.add(np.char.add(base.sources, ": "), base.labels)
    return Films(rotated(features).astype(np.float64), base.covid, base.patients, base.sources, kinds)


def of_whole_pictures(base: BaseSet, folders: Sequence[Path]) -> Iterator[tuple[str, Array]]:
    """The features that heads A, B and C read (N, 25088), and their means (N, 512), as head D's are scaled.

    Raises KeyError where the folders lack a film of the base set.
    """
    with TemporaryDirectory() as cache:
        extractor = FeatureExtractor(weights.load(Path(cache)), recipes.WHOLE)
    seen = {
        sha256: extractor.extract([extractor.prepare(decoded)])[0]
        for sha256, decoded in refusals.films(folders)
    }
    flat = np.stack([seen[name] for name in base.sha256.tolist()]).astype(np.float32)
    places = flat.reshape(len(flat), -1, vgg16.BLOCKS[-1][-1])
    for name, features in (("in their 49 places", flat), ("their means", places.mean(axis=1))):
        rooted = np.sqrt(features)
        yield f"whole picture, block 5: {name}", rooted / np.linalg.norm(rooted, axis=1, keepdims=True)


# ------------------------------------------------------------------ ways to teach


def fitted(
    features: Array,
    covid: Array,
    weights: Array,
    strength: float = logistic.STRENGTH,
    beginning: Array | float = 0.0,
) -> Array:
    """Weights and bias (K + 1,) of logistic regression; ``weights`` (N,) of the films have a mean of 1.

    What it finds is added to the log-odds (N,) of the ``beginning``.
    """
    truth = np.where(covid, 1.0, -1.0)

    def loss(point: Array) -> tuple[float, Array]:
        margins = truth * (features @ point[:-1] + point[-1] + beginning)
        pulls = -weights * truth * expit(-margins)
        slope = np.append(features.T @ pulls + point[:-1] / strength, pulls.sum())
        total = weights @ np.logaddexp(0, -margins) + point[:-1] @ point[:-1] / (2 * strength)
        return float(total), slope

    found: Array = minimize(loss, np.zeros(features.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return found


def scores(point: Array, features: Array) -> Array:
    odds: Array = features @ point[:-1] + point[-1]
    return odds


def plain(all_: Films, taught: Rows, shown: Rows, strength: float = logistic.STRENGTH) -> Array:
    point = fitted(all_.features[taught], all_.covid[taught], np.ones(len(taught)), strength)
    return scores(point, all_.features[shown])


def evened(all_: Films, taught: Rows, shown: Rows, by: str) -> Array:
    """Sources, or kinds, count the same, however many films they have."""
    groups = getattr(all_, by)[taught]
    names, which, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights = len(groups) / len(names) / counts[which]
    return scores(fitted(all_.features[taught], all_.covid[taught], weights), all_.features[shown])


def robust(all_: Films, taught: Rows, shown: Rows) -> Array:
    """Group DRO (Sagawa et al. 2020): kinds weigh the more, the worse the head does on them."""
    features, covid = all_.features[taught], all_.covid[taught]
    names, which, counts = np.unique(all_.kinds[taught], return_inverse=True, return_counts=True)
    shares = np.full(len(names), 1 / len(names))
    for _ in range(ROUNDS):
        point = fitted(features, covid, len(taught) * shares[which] / counts[which])
        losses = np.logaddexp(0, -np.where(covid, 1, -1) * scores(point, features))
        shares = shares * np.exp(RATE * np.bincount(which, losses) / counts)
        shares /= shares.sum()
    return scores(point, all_.features[shown])


def normalised(all_: Films, taught: Rows, shown: Rows) -> Array:
    """Of each source its own mean is taken off, of an unseen one that of what is shown.

    Where each source that teaches has one class alone nothing is left to learn, and scores are but roundings.
    """
    moved = all_.features.copy()
    for rows in (taught, shown):
        for source in np.unique(all_.sources[rows]):
            these = rows[all_.sources[rows] == source]
            moved[these] = all_.features[these] - all_.features[these].mean(axis=0)
    point = fitted(moved[taught], all_.covid[taught], np.ones(len(taught)))
    return scores(point, moved[shown]).round(6)


def blinded(all_: Films, taught: Rows, shown: Rows, directions: int) -> Array:
    """What tells sources of one class apart is projected out, again and again (Ravfogel et al. 2020).

    For a linear head this is what an adversary that names the source would have features lose.
    """
    features = all_.features
    for _ in range(directions):
        for covid in (True, False):
            rows = taught[all_.covid[taught] == covid]
            names = np.unique(all_.sources[rows])
            if len(names) > 1:
                which = all_.sources[rows] == names[0]
                found = fitted(features[rows], which, np.ones(len(rows)))[:-1]
                found /= np.linalg.norm(found)
                features = features - np.outer(features @ found, found)
    point = fitted(features[taught], all_.covid[taught], np.ones(len(taught)))
    return scores(point, features[shown])


def bagged(all_: Films, taught: Rows, shown: Rows) -> Array:
    """The mean of heads that each learned from patients drawn anew."""
    patients = np.unique(all_.patients[taught])
    total = np.zeros(len(shown))
    for seed in range(BAGS):
        drawn = np.random.default_rng(seed).choice(patients, len(patients))
        names, counts = np.unique(drawn, return_counts=True)
        weights = np.zeros(len(taught))
        inside = np.isin(all_.patients[taught], names)
        weights[inside] = counts[np.searchsorted(names, all_.patients[taught][inside])]
        total += scores(fitted(all_.features[taught], all_.covid[taught], weights), all_.features[shown])
    return total / BAGS


def pneumonia(all_: Films, taught: Rows, shown: Rows) -> Array:
    """How much like pneumonia, told from no finding by films of one source: no source explains it."""
    kinds = all_.kinds[taught]
    rows = taught[np.char.startswith(kinds, "ChestX-ray8")]
    sick = np.char.endswith(all_.kinds[rows], "pneumonia")
    if not sick.any() or sick.all():
        return np.zeros(len(shown))
    return scores(fitted(all_.features[rows], sick, np.ones(len(rows))), all_.features[shown])


def towards(all_: Films, taught: Rows, shown: Rows, share: float) -> Array:
    """As decided, but the penalty draws weights to a share of those for pneumonia, and not to nothing."""
    drawn = share * pneumonia(all_, taught, np.arange(len(all_.covid)))
    covid = all_.covid[taught]
    point = fitted(all_.features[taught], covid, np.ones(len(taught)), beginning=drawn[taught])
    return scores(point, all_.features[shown]) + drawn[shown]


WAYS: dict[str, Way] = {
    "as decided, C = 300": plain,
    "C = 30": partial(plain, strength=30),
    "C = 3": partial(plain, strength=3),
    "sources count alike": partial(evened, by="sources"),
    "kinds count alike": partial(evened, by="kinds"),
    "group DRO over kinds": robust,
    "each source's mean taken off": normalised,
    "1 source direction projected out": partial(blinded, directions=1),
    "4 source directions": partial(blinded, directions=4),
    "ten heads on patients drawn anew": bagged,
    "pneumonia against no finding alone": pneumonia,
    "drawn to half of that": partial(towards, share=0.5),
    "drawn to that": partial(towards, share=1),
}

# ------------------------------------------------------------------ what comes of them


def home(all_: Films, way: Way) -> float:
    """The AUC among other patients of the same sources, in five folds."""
    found = np.empty(len(all_.covid))
    for fold in _folds(all_, np.arange(len(found))):
        found[fold] = way(all_, all_.without(fold), fold)
    return _auc(found[all_.covid], found[~all_.covid])


def carried(all_: Films, way: Way) -> Iterator[tuple[str, str, float]]:
    """What was unseen, which kinds were told apart, and the AUC; of what was seen, by folds."""
    positive = np.unique(all_.kinds[all_.covid]).tolist()
    negative = np.unique(all_.kinds[~all_.covid]).tolist()
    for kind, others, unseen in (
        *((kind, positive, "negatives") for kind in negative),
        *((kind, negative, "covid") for kind in positive),
    ):
        left = all_.of(kind)
        rest = all_.without(left)
        found: dict[str, list[float]] = {other: [] for other in others}
        for fold in _folds(all_, rest):
            shown = np.concatenate([fold, left])
            told = dict(zip(shown, way(all_, np.setdiff1d(rest, fold), shown), strict=True))
            for other in others:
                pair = [[told[row] for row in rows] for rows in (fold[all_.kinds[fold] == other], left)]
                found[other].append(_auc(*map(np.array, pair if unseen == "negatives" else pair[::-1])))
        for other, areas in found.items():
            yield unseen, f"{other} and {kind}", float(np.mean(areas))
    for sick, well in itertools.product(positive, negative):
        shown = np.concatenate([all_.of(sick), all_.of(well)])
        told_both = way(all_, all_.without(shown), shown)
        count = len(all_.of(sick))
        yield "both", f"{sick} and {well}", _auc(told_both[:count], told_both[count:])


def _folds(all_: Films, rows: Rows) -> list[Rows]:
    return [
        rows[fold] for fold in grouped_folds(all_.kinds[rows].tolist(), all_.patients[rows].tolist(), FOLDS)
    ]


def _auc(positives: Array, negatives: Array) -> float:
    return delong(positives, negatives).value


def told(all_: Films, name: str, way: Way, with_pairs: bool) -> dict[str, float]:
    """What comes of a way, printed too."""
    found = list(carried(all_, way))
    means = {unseen: float(np.mean([area for was, _, area in found if was == unseen])) for unseen in UNSEEN}
    figures = {"home": home(all_, way), **means, "lowest": min(area for _, _, area in found)}
    columns = (f"{figures[unseen]:16.3f}" for unseen in UNSEEN)
    print(f"{name:42} {figures['home']:6.3f}", *columns, f" {figures['lowest']:6.3f}", flush=True)
    if with_pairs:
        for unseen, pair, area in found:
            print(f"    {unseen + ' unseen':18} {area:.3f}  {pair}")
    return {key: round(value, 4) for key, value in figures.items()}


def main() -> None:
    """Print the table, and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", action="store_true", help="also each pair of kinds")
    parser.add_argument("--whole", nargs="+", type=Path, default=[], metavar="FOLDER")
    given = parser.parse_args()
    base = base_set.load(BASE_SET.read_bytes())
    chests = films(base, base.features[:, :-1])  # without likeness to a chest, which no head reads
    print(f"{'AUC':42} {'home':>6}", *(f"{unseen + ' unseen':>16}" for unseen in UNSEEN), " lowest")
    figures = {name: told(chests, name, way, given.pairs) for name, way in WAYS.items()}
    if given.whole:
        for name, features in of_whole_pictures(base, given.whole):
            figures[name] = told(films(base, features), name, plain, given.pairs)
    print(json.dumps({"films": len(base), "auc": figures}))


if __name__ == "__main__":
    main()
