"""The record of a model version in plain numbers: its data, its method, its figures, its audit."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np

from ml import drift
from ml.base_set import POSITIVE
from ml.making import probabilities
from ml.model_file import Model
from ml.training import TrainingConfig
from services import origins
from services.elsewhere import Elsewhere
from services.origins import Origins
from services.study_results import Result

CLASSES = {"covid": True, "no_covid": False}
SOFTWARE = ("jax", "flax", "optax", "numpy", "scipy", "pillow")


def recorded(
    model: Model,
    config: TrainingConfig,
    taught: Origins,
    judged: Origins,
    features: np.ndarray,
    audit: Mapping[str, Any],
) -> dict[str, Any]:
    """The record; ``features`` (N, F) are of the images of ``judged``, ``audit`` is of `version_audit`.

    Its ``reference``, of `ml.drift.Figures`, is what images that come in later are held against.
    """
    return {
        "data": origins.described(taught, judged),
        "method": _method(model, config),
        "figures": _figures(_result(model, judged, features)),
        "reference": drift.figures(model, features, judged.labels == POSITIVE).as_dict(),
        "audit": dict(audit),
    }


def plain(found: Sequence[Elsewhere]) -> list[dict[str, Any]]:
    """What heads reach elsewhere, for the record."""
    return [asdict(one) for one in found]


def _method(model: Model, config: TrainingConfig) -> dict[str, Any]:
    """How the model was made, and how what it says is to be read."""
    return {
        "head": model.head.name,
        **asdict(model.backbone),
        "seed": config.seed,
        "epochs": config.epochs,
        "threshold": model.threshold,
        "calibration": model.calibration,
        "band": model.band,
        "error": model.error,
        "novelty": model.novelty.limits.tolist() if model.novelty else None,
        "software": {"python": platform.python_version(), **{name: version(name) for name in SOFTWARE}},
    }


def _result(model: Model, judged: Origins, features: np.ndarray) -> Result:
    said = probabilities(model.head, features)
    return Result(
        judged.labels == POSITIVE,
        said,
        np.full(len(said), model.threshold),
        model.leaves_open(said),
        judged.sources,
        judged.patients,
    )


def _figures(result: Result) -> dict[str, Any]:
    """What the evaluation on the holdout leaves out: by source, and what the band does."""
    decided = result.decided
    return {
        "by_source": {name: asdict(found) for name, found in result.by_source().items()},
        "left_open": asdict(result.open_share),
        "decided": decided.as_dict() if decided else None,
        "covered": {name: asdict(result.covered(covid)) for name, covid in CLASSES.items()},
    }
