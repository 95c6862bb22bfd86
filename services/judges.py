"""Who judges whom: each image is judged by a model that has not seen its patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml import heads
from ml.base_set import BaseSet
from ml.evaluation import Estimate, wilson
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

    def refused(self, rows: np.ndarray, features: np.ndarray) -> Estimate | None:
        """The share of pictures of some images (M,) that are taken for no chest X-rays, by features (M, F).

        None where the models judge whatever they are shown.
        """
        judge = self.of[rows]
        if all(self.models[number].novelty is None for number in np.unique(judge)):
            return None
        reasons = [
            reason
            for number in np.unique(judge)
            for reason in self.models[number].strangeness(features[judge == number])
        ]
        return wilson(reasons.count("NOT_A_CHEST_XRAY"), len(rows))


def single(model: Model, base: BaseSet) -> Judges:
    """One model, which judges the holdout: nothing there has taught it."""
    return Judges([model], np.where(base.holdout, 0, NOBODY))
