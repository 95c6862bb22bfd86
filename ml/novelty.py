"""Tells pictures that are no chest X-rays, and chests unlike those of the base set, from those to judge.

A network has an opinion on anything that it is shown, so before it is asked, the features are held against
those of the base set: how much of them lies outside the directions in which real chests differ, how far out
they lie along these (the Q and T² statistics of a principal component model, Jackson and Mudholkar 1979), and
how little what was found looks like a chest. One score says all three, in standard deviations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import eigsh

from ml.rows import Features, blocks, take
from ml.splits import grouped_folds

Strangeness = Literal["NOT_A_CHEST_XRAY", "OUT_OF_DISTRIBUTION"]

DIRECTIONS: Final = 32  # of 8 to 128, which do much alike
LIKENESS_SHARE: Final = 0.5  # of the weight of the distance: what is seen in lateral films and through blur
REACH_SHARE: Final = 0.5  # likewise: soft clouds lie no farther off than some chests, but farther out
FOREMOST: Final = 16  # of the directions, for the reach; along the others chests that taught it reach farther
ODD: Final = 4.0  # of a source that the base set lacks, 8 chests in 1,000 lie beyond; see decision 9
ALIEN: Final = 5.0  # of its upright chests one in 1,300 lies beyond; of other pictures 99 in 100
FOLDS: Final = 5
LEAST_SPREAD: Final = 1e-6  # in a direction in which chests do not differ at all
FEWEST: Final = 4 * DIRECTIONS  # images from which the spread of 32 directions can be told
MOST: Final = 2000  # that are looked at: what is computed grows with their square, and more tell nothing new


class NoveltyError(ValueError):
    """Too few images to know a chest by, or arrays that are no novelty."""


@dataclass(frozen=True, eq=False)
class Novelty:
    """What real chests look like in features of F numbers, the last of which is `ml.chest.Chest.likeness`.

    ``centre`` (F - 1,) and ``directions`` (32, F - 1), float16, span what chests have in common; ``spreads``
    (16,) float32 are their deviations along the first of these. ``weights`` (4,) float64 make a score of the
    distance from it, of the likeness, of the reach (the root mean square of places along the first 16, in
    deviations), and of 1.
    ``limits`` (2,) float64 are the scores above which a picture is odd, and above which it is no chest.
    """

    centre: NDArray[np.float16]
    directions: NDArray[np.float16]
    spreads: NDArray[np.float32]
    weights: NDArray[np.float64]
    limits: NDArray[np.float64]

    def scores(self, features: Features) -> NDArray[np.float64]:
        """How strange (N,) pictures are by their features (N, F): real chests have mean 0 and deviation 1."""
        return self.scores_and_places(features)[0]

    def reasons(self, features: Features) -> list[Strangeness | None]:
        """Why each of N pictures should not be judged, by its features (N, F); None where it may be."""
        return self.reasons_of(self.scores(features))

    def reasons_of(self, scores: NDArray[np.float64]) -> list[Strangeness | None]:
        """The same by the pictures' scores (N,)."""
        odd, alien = self.limits
        return [_reason(score, odd, alien) for score in scores.tolist()]

    def places(self, features: Features) -> NDArray[np.float16]:
        """Where (N, 32) pictures lie along the directions, by their features (N, F): like ones lie close."""
        return self.scores_and_places(features)[1]

    def scores_and_places(self, features: Features) -> tuple[NDArray[np.float64], NDArray[np.float16]]:
        """Both at once, for one pass over the features."""
        found = [self._seen(block) for block in blocks(features)]
        scores, places = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return scores, places

    def _seen(self, features: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float16]]:
        distances, along = _projected(features, self.centre, self.directions)
        parts = np.stack(
            [distances, _likeness(features), _reach(along, self.spreads), np.ones(len(features))]
        )
        scores: NDArray[np.float64] = self.weights @ parts
        return scores, along.astype(np.float16)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that there is to store, half a megabyte for VGG16's 7,681 features."""
        return {name: getattr(self, name) for name in ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Novelty":
        """The novelty that `arrays` made, or earlier programs. Raises NoveltyError for others."""
        if arrays.keys() == set(ARRAYS) - {"spreads"} and arrays["weights"].shape == (3,):
            arrays = _with_no_reach(arrays)
        if arrays.keys() != set(ARRAYS) or any(arrays[name].dtype != kind for name, kind in ARRAYS.items()):
            raise NoveltyError("these arrays are no novelty")
        novelty = cls(**arrays)
        shapes = [novelty.centre.shape, novelty.spreads.shape, novelty.weights.shape, novelty.limits.shape]
        wanted = [novelty.directions.shape[1:], (FOREMOST,), (4,), (2,)]
        if novelty.directions.ndim != 2 or shapes != wanted:
            raise NoveltyError("these arrays do not fit together")
        return novelty


ARRAYS: Final[Mapping[str, type[np.generic]]] = {
    "centre": np.float16,
    "directions": np.float16,
    "spreads": np.float32,
    "weights": np.float64,
    "limits": np.float64,
}


def _with_no_reach(arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Arrays of an earlier novelty, which did not look at the reach, as of one to which it means nothing."""
    return {
        **arrays,
        "spreads": np.ones(FOREMOST, np.float32),
        "weights": np.insert(arrays["weights"], 2, 0.0),
    }


def fit(features: Features, patients: Sequence[str]) -> Novelty:
    """What chests look like, from features (N, F) of real ones and their patients (N,).

    Of more than 2,000 it looks at as many, spread evenly over all. How far real chests lie from one another
    is measured on patients left out: in five folds each is held against the others. The same features give
    the same novelty on one machine.
    Raises NoveltyError for fewer than 128 images, or fewer than 5 patients.
    """
    if len(features) < FEWEST or len(set(patients)) < FOLDS:
        raise NoveltyError(f"{len(features)} images of {len(set(patients))} patients are too few")
    if len(features) > MOST:
        rows = np.linspace(0, len(features) - 1, MOST).round().astype(int)
        return fit(take(features, rows), [patients[row] for row in rows])
    seen = np.asarray(features)
    chests = seen[:, :-1].astype(np.float32)
    middle = chests.mean(axis=0)
    chests -= middle
    products, distances, reach = chests @ chests.T, np.empty(len(seen)), np.empty(len(seen))
    for fold in grouped_folds(["chest"] * len(seen), patients, FOLDS):
        others = np.setdiff1d(np.arange(len(seen)), fold)
        *plane, spreads = _plane(chests[others], products[np.ix_(others, others)], middle)
        distances[fold], along = _projected(seen[fold], *plane)
        reach[fold] = _reach(along, spreads)
    weights = _weights(distances, _likeness(seen), reach)
    return Novelty(*_plane(chests, products, middle), weights, np.array([ODD, ALIEN]))


def _reason(score: float, odd: float, alien: float) -> Strangeness | None:
    if not score <= alien:  # what is no number is nothing to judge
        return "NOT_A_CHEST_XRAY"
    return "OUT_OF_DISTRIBUTION" if score > odd else None


def _plane(
    chests: NDArray[np.float32], products: NDArray[np.float32], middle: NDArray[np.float32]
) -> tuple[NDArray[np.float16], NDArray[np.float16], NDArray[np.float32]]:
    """The mean (F - 1,); orthonormal directions (32, F - 1), of the most spread first; 16 spreads.

    Of chests (N, F - 1) about a ``middle``, whose ``products`` (N, N) with one another are known: by Lanczos'
    method, since 32 directions are wanted and all N would take N³.
    """
    mean, shares = chests.mean(axis=0), products.mean(axis=0)
    about = products - shares - shares[:, None] + shares.mean()
    beginning = np.random.default_rng(0).standard_normal(len(chests))
    ascending = eigsh(about, DIRECTIONS, v0=beginning.astype(np.float32))
    squares, mixtures = (found[..., ::-1] for found in ascending)
    lengths = np.sqrt(np.maximum(squares, LEAST_SPREAD))
    spread_along = mixtures.T @ chests - np.outer(mixtures.sum(axis=0), mean)
    directions, spreads = spread_along / lengths[:, None], lengths[:FOREMOST] / np.sqrt(len(chests))
    return (middle + mean).astype(np.float16), directions.astype(np.float16), spreads.astype(np.float32)


def _projected(
    features: NDArray[np.floating[Any]], centre: NDArray[np.float16], directions: NDArray[np.float16]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """How far (N,) features (N, F) lie from the plane through the centre, and where (N, K) in it."""
    centred = features[:, :-1].astype(np.float32, copy=False) - centre.astype(np.float32)
    along = centred @ directions.T.astype(np.float32)
    squares = np.einsum("nf,nf->n", centred, centred) - np.einsum("nk,nk->n", along, along)
    distances: NDArray[np.float64] = np.sqrt(np.maximum(squares, 0, dtype=np.float64))
    return distances, along


def _reach(along: NDArray[np.float32], spreads: NDArray[np.float32]) -> NDArray[np.float64]:
    """How far out (N,) places along the directions (N, 32) lie: Mahalanobis' distance, by direction."""
    squares = np.square(along[:, : len(spreads)] / spreads, dtype=np.float64)
    reach: NDArray[np.float64] = np.sqrt(squares.mean(axis=1))
    return reach


def _likeness(features: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    return features[:, -1].astype(np.float64)


def _weights(
    distances: NDArray[np.float64], likeness: NDArray[np.float64], reach: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The share of each, and of 1, in a score of mean 0 and deviation 1."""
    parts = np.array([1 / distances.std(), -LIKENESS_SHARE / likeness.std(), REACH_SHARE / reach.std()])
    summed = parts @ [distances, likeness, reach]
    weights: NDArray[np.float64] = np.append(parts, -summed.mean()) / summed.std()
    return weights
