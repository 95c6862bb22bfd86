"""The model in service from the first start: its file, its base set and its figures, beside this module."""

import json
from dataclasses import dataclass
from pathlib import Path

from ml import base_set, model_file
from ml.base_set import BaseSet
from ml.evaluation import Evaluation
from ml.making import examine, teach
from ml.model_file import Model
from ml.training import OnEpoch, TrainingConfig, unheard

__all__ = ["CONFIG", "FOLDER", "BaseSet", "DefaultModel", "load", "make", "save"]

FOLDER = Path(__file__).parent
MODEL_FILE = "head.safetensors"
BASE_SET_FILE = "base_set.npz"
EVALUATION_FILE = "evaluation.json"
CONFIG = TrainingConfig(head="C", seed=0)


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


def make(base: BaseSet, on_epoch: OnEpoch = unheard) -> DefaultModel:
    """Train the default model from a base set: the same set gives the same model on one machine."""
    model = teach(base, CONFIG, on_epoch)
    return DefaultModel(model, base, examine(model, base))


def save(default: DefaultModel, folder: Path = FOLDER) -> None:
    """Write the three files."""
    (folder / MODEL_FILE).write_bytes(model_file.save(default.model))
    (folder / BASE_SET_FILE).write_bytes(base_set.save(default.base_set))
    (folder / EVALUATION_FILE).write_text(json.dumps(default.evaluation.as_dict(), indent=2) + "\n")
