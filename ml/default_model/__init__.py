"""The model in service from the first start: its file, its base set, its figures, beside this module."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ml import audit_set, base_set, model_file
from ml.audit_set import AuditSet
from ml.base_set import BaseSet, BaseSetError
from ml.evaluation import Evaluation
from ml.making import examine, images_of, teach
from ml.model_file import Model
from ml.runner import OnEpoch, unheard
from ml.training import TrainingConfig

__all__ = ["CONFIG", "FOLDER", "BaseSet", "DefaultModel", "load", "make", "save"]

FOLDER = Path(__file__).parent
MODEL_FILE = "head.safetensors"
BASE_SET_FILE = "base_set.npz"
EVALUATION_FILE = "evaluation.json"
AUDIT_SET_FILE = "audit_set.npz"
RECORD_FILE = "record.json"
WEIGHTS_FILE = "weights.safetensors"
"""The network's, beside models of another than torchvision's VGG16."""
TWINS_FILE = "twins.json"
FINGERPRINTS_FILE = "fingerprints.json"
CONFIG = TrainingConfig(head="D")


@dataclass(frozen=True)
class DefaultModel:
    """A model trained on the base set outside the holdout, and its evaluation on the holdout."""

    model: Model
    base_set: BaseSet
    evaluation: Evaluation


def load(folder: Path = FOLDER) -> DefaultModel:
    """The default model as shipped, or another that was made in its way and lies in ``folder``.

    Raises ModelFileError or BaseSetError where a file is damaged, or they are of two models.
    """
    made = DefaultModel(
        load_model(folder),
        base_set.load((folder / BASE_SET_FILE).read_bytes()),
        Evaluation.from_dict(json.loads((folder / EVALUATION_FILE).read_text())),
    )
    if made.model.backbone != made.base_set.backbone:
        raise BaseSetError(
            f"the model reads {made.model.backbone.name}, the base set holds {made.base_set.backbone.name}"
        )
    return made


def load_model(folder: Path = FOLDER) -> Model:
    """The default model alone, which takes no time. Raises ModelFileError."""
    return model_file.load((folder / MODEL_FILE).read_bytes())


def weights_file(folder: Path = FOLDER) -> Path | None:
    """The weights of the network that the model reads; None where they are torchvision's VGG16's."""
    file = folder / WEIGHTS_FILE
    return file if file.is_file() else None


def load_audit_set(folder: Path = FOLDER) -> AuditSet:
    """The films by which models of the base set are audited. Raises BaseSetError."""
    return audit_set.load((folder / AUDIT_SET_FILE).read_bytes())


def load_record(folder: Path = FOLDER) -> dict[str, Any]:
    """The default model's record, as `services.model_record` makes it."""
    record: dict[str, Any] = json.loads((folder / RECORD_FILE).read_text())
    return record


def load_fingerprints(folder: Path = FOLDER) -> dict[str, str]:
    """By SHA-256, the fingerprints of the base set's images; of older folders none are known."""
    file = folder / FINGERPRINTS_FILE
    found: dict[str, str] = json.loads(file.read_text()) if file.is_file() else {}
    return found


def save_fingerprints(found: Mapping[str, str], folder: Path = FOLDER) -> None:
    """Write the fingerprints of the base set's images, by which copies of its films are known."""
    (folder / FINGERPRINTS_FILE).write_text(json.dumps(dict(sorted(found.items())), indent=0) + "\n")


def make(base: BaseSet, on_epoch: OnEpoch = unheard) -> DefaultModel:
    """Train the default model from a base set: the same set gives the same model on one machine."""
    base = base_set.rounded(together(base))
    model = teach(images_of(base)[~base.holdout], base.backbone, CONFIG, on_epoch)
    return DefaultModel(model, base, examine(model, base))


def together(base: BaseSet) -> BaseSet:
    """The base set with the patients of films that two collections hold as one patient.

    Found by the correlation of the standardised chests, and by eye; named by the SHA-256 of their files.
    """
    patients = base.patients.copy()
    for first, second in json.loads((FOLDER / TWINS_FILE).read_text()):
        known, twins = (patients[base.sha256 == film] for film in (first, second))
        if len(known):
            patients[np.isin(patients, twins)] = known[0]
    return replace(base, patients=patients)


def save(default: DefaultModel, folder: Path = FOLDER) -> None:
    """Write the model, its base set and its evaluation."""
    (folder / MODEL_FILE).write_bytes(model_file.save(default.model))
    (folder / BASE_SET_FILE).write_bytes(base_set.save(default.base_set))
    (folder / EVALUATION_FILE).write_text(json.dumps(default.evaluation.as_dict(), indent=2) + "\n")


def save_audit(films: AuditSet, record: dict[str, Any], folder: Path = FOLDER) -> None:
    """Write what models are audited by, and the record."""
    (folder / AUDIT_SET_FILE).write_bytes(audit_set.save(films))
    (folder / RECORD_FILE).write_text(json.dumps(record, indent=2) + "\n")
