"""Makes a model from a set of images: taught outside the holdout, examined on it."""

import numpy as np

from ml import heads
from ml.base_set import BaseSet
from ml.evaluation import Evaluation, evaluate
from ml.model_file import Model
from ml.training import OnEpoch, TrainingConfig, fit, unheard

THRESHOLD = 0.5  # the paper calls the larger of the two outputs


def teach(base: BaseSet, config: TrainingConfig, on_epoch: OnEpoch = unheard) -> Model:
    """A model trained on the images outside the holdout: the same bytes from the same set on one machine."""
    taught = ~base.holdout
    covid = base.covid[taught]
    head = fit(base.features[taught], covid, config, on_epoch)
    positives = int(covid.sum())
    return Model(head, base.backbone, THRESHOLD, config.seed, positives, len(covid) - positives)


def examine(model: Model, base: BaseSet) -> Evaluation:
    """The model's figures on the holdout. Raises EvaluationError where it lacks one of the classes."""
    held = base.holdout
    probabilities = heads.probability(model.head.params, base.features[held])
    return evaluate(base.covid[held], np.asarray(probabilities), model.threshold)
