"""How well the source of an image can be read from its features, be it the disease or not."""

import numpy as np

from ml import logistic
from ml.blocks import Blocks
from ml.evaluation import Estimate, delong
from ml.logistic import Lessons, Scale
from ml.mesh import all_devices
from ml.splits import grouped_folds

FOLDS = 5
EPOCHS = 3  # by then the order of the scores stands still
NOTHING = 1e-6  # of the largest direction: what is smaller is rounding


def told_apart(features: np.ndarray, which: np.ndarray, groups: np.ndarray) -> Estimate:
    """The AUC of telling two sources apart, by logistic regression on features (N, F), cross-validated.

    ``which`` (N,) bool is the source, ``groups`` (N,) are patients, who stay together. One half is no better
    than chance. Raises SplitError where a source has fewer patients than there are folds.
    """
    lessons = _lessons(rotated(features), which)
    scores = np.empty(len(which))
    for fold in grouped_folds(which.astype(str).tolist(), groups.tolist(), FOLDS):
        used = np.ones(len(which), np.float32)
        used[fold] = 0
        state = logistic.start(lessons.inputs)
        for _ in range(EPOCHS):
            state, _ = logistic.train_epoch(state, lessons, used)
        scores[fold] = lessons.log_odds(state.point)[fold]
    return delong(scores[which], scores[~which])


def _lessons(features: np.ndarray, which: np.ndarray) -> Lessons:
    unscaled = Scale(np.zeros(features.shape[1]), 1.0)
    return Lessons(Blocks(features, all_devices()), unscaled, which.astype(np.float32))


def rotated(features: np.ndarray) -> np.ndarray:
    """Features (N, F) as (N, N) at most: a linear model knows their products alone, and these stay."""
    centred = features.astype(np.float32) - features.mean(axis=0, dtype=np.float32)
    centred /= np.sqrt((centred**2).sum(axis=1).mean()) or 1.0
    values, vectors = np.linalg.eigh(centred @ centred.T)
    kept = values > NOTHING * values[-1]
    found: np.ndarray = vectors[:, kept] * np.sqrt(values[kept])
    return found.astype(np.float32)
