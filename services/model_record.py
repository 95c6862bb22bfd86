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
from ml.evaluation import calibration_bins, roc_curve
from ml.making import probabilities
from ml.model_file import Model
from ml.rows import Features
from ml.training import TrainingConfig
from services import origins
from services.elsewhere import Elsewhere
from services.origins import Origins
from services.study_results import Result

CLASSES = {"covid": True, "no_covid": False}
MOST_POINTS = 200
"""Of an ROC curve that is kept: more cannot be told apart on a screen."""
SOFTWARE = ("jax", "flax", "optax", "numpy", "scipy", "pillow")


def recorded(
    model: Model,
    config: TrainingConfig,
    taught: Origins,
    judged: Origins,
    features: Features,
    audit: Mapping[str, Any],
) -> dict[str, Any]:
    """The record; ``features`` (N, F) are of the images of ``judged``, ``audit`` is of `version_audit`.

    Its ``reference``, of `ml.drift.Figures`, is what images that come in later are held against.
    """
    result = _result(model, judged, features)
    return {
        "data": origins.described(taught, judged),
        "method": _method(model, config),
        "figures": _figures(result),
        "curves": curves(result),
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


def _result(model: Model, judged: Origins, features: Features) -> Result:
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


def curves(result: Result) -> dict[str, Any]:
    """The ROC curve, and how probabilities compare with frequencies."""
    false, found = roc_curve(result.covid, result.probabilities)
    kept = np.linspace(0, len(false) - 1, min(len(false), MOST_POINTS)).round().astype(int)
    bins = calibration_bins(result.covid, result.probabilities)
    return {
        "roc": {"specificity": (1 - false[kept]).tolist(), "sensitivity": found[kept].tolist()},
        "calibration": [asdict(one) for one in bins],
    }
