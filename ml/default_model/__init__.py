"""The model in service from the first start: its file, its base set and its figures, beside this module."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml import base_set, heads, model_file
from ml.base_set import BaseSet
from ml.evaluation import Evaluation, evaluate
from ml.model_file import Model
from ml.training import TrainingConfig, fit

__all__ = ["CONFIG", "FOLDER", "BaseSet", "DefaultModel", "load", "make", "save"]

FOLDER = Path(__file__).parent
MODEL_FILE = "head.safetensors"
BASE_SET_FILE = "base_set.npz"
EVALUATION_FILE = "evaluation.json"
CONFIG = TrainingConfig(head="C", seed=0)
THRESHOLD = 0.5


@dataclass(frozen=True)
class DefaultModel:
    """A model trained on the base set outside the holdout, and its evaluation on the holdout."""

    model: Model
    base_set: BaseSet
    evaluation: Evaluation


def load(folder: Path = FOLDER) -> DefaultModel:
    """The default model as shipped. Raises ModelFileError or BaseSetError where a file is damaged."""
    return DefaultModel(
        model_file.load((folder / MODEL_FILE).read_bytes()),
        base_set.load((folder / BASE_SET_FILE).read_bytes()),
        Evaluation.from_dict(json.loads((folder / EVALUATION_FILE).read_text())),
    )


def make(base: BaseSet, on_epoch: Callable[[int, float], None] = lambda epoch, loss: None) -> DefaultModel:
    """Train the default model from a base set: the same set gives the same model on one machine."""
    taught, covid = ~base.holdout, base.covid
    head = fit(base.features[taught], covid[taught], CONFIG, on_epoch)
    positives, negatives = int(covid[taught].sum()), int((~covid[taught]).sum())
    model = Model(head, base.backbone, THRESHOLD, CONFIG.seed, positives, negatives)
    probabilities = np.asarray(heads.probability(head.params, base.features[base.holdout]))
    return DefaultModel(model, base, evaluate(covid[base.holdout], probabilities, THRESHOLD))


def save(default: DefaultModel, folder: Path = FOLDER) -> None:
    """Write the three files."""
    (folder / MODEL_FILE).write_bytes(model_file.save(default.model))
    (folder / BASE_SET_FILE).write_bytes(base_set.save(default.base_set))
    (folder / EVALUATION_FILE).write_text(json.dumps(default.evaluation.as_dict(), indent=2) + "\n")
