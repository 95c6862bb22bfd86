"""Who judges whom: each image is judged by a model that has not seen its patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml import heads
from ml.base_set import BaseSet
from ml.making import probabilities
from ml.model_file import Model
from services.study_results import Result

NOBODY = -1


@dataclass(frozen=True, eq=False)
class Judges:
    """Models, and by image (N,) the number of the one that judges it, or NOBODY where it has taught them all.

    ``chosen`` are thresholds chosen inside each model's training images, for models served with another.
    """

    models: Sequence[Model]
    of: np.ndarray
    chosen: Sequence[float] | None = None

    @property
    def inputs(self) -> int:
        """How many features they read."""
        return heads.inputs(self.models[0].head)

    def result(self, base: BaseSet, rows: np.ndarray, features: np.ndarray | None = None) -> Result:
        """What they say of some of the images (M,), or of these other ``features`` (M, F) of the same."""
        seen = base.features[rows] if features is None else features
        judge = self.of[rows]
        found, left_open = np.empty(len(rows), np.float32), np.zeros(len(rows), bool)
        for number in np.unique(judge):
            part = judge == number
            found[part] = probabilities(self.models[number].head, seen[part])
            left_open[part] = self.models[number].leaves_open(found[part])
        return Result(
            base.covid[rows],
            found,
            np.array([model.threshold for model in self.models])[judge],
            left_open,
            base.sources[rows],
            base.patients[rows],
            None if self.chosen is None else np.array(self.chosen)[judge],
        )


def single(model: Model, base: BaseSet) -> Judges:
    """One model, which judges the holdout: nothing there has taught it."""
    return Judges([model], np.where(base.holdout, 0, NOBODY))
