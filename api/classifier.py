"""Loads the real classifier: the network with its weights, and the default model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import jax

from api.preparation import CannotStart, compilation_cache
from ml import default_model, model_file, networks, recipes
from ml.base_set import BaseSetError
from ml.classifier import BackboneMismatch, Classifier, FeatureExtractor
from ml.default_model import DefaultModel
from ml.keras_networks import KerasMissing
from ml.model_file import Model, ModelFileError
from ml.recipes import UnknownRecipe
from ml.weights import WeightsError
from services.models import NewModel

GPU_MEMORY_SHARE = "0.7"
"""What the server takes of a GPU; the trainer takes what it needs of the rest."""
UNUSABLE = (
    OSError,
    BackboneMismatch,
    BaseSetError,
    KerasMissing,
    ModelFileError,
    UnknownRecipe,
    WeightsError,
)
"""What people can mend of a model, a base set or a network."""
PLATFORMS = {"auto": None, "cpu": "cpu", "gpu": "cuda"}


def prepare_jax(data_dir: Path, device: str) -> None:
    """Choose the device and keep what is compiled; before the first use of a device.

    Raises:
        CannotStart: there is no such device.
    """
    os.environ.setdefault("XLA_CLIENT_MEM_FRACTION", GPU_MEMORY_SHARE)
    os.environ.setdefault("KERAS_HOME", str(data_dir / "cache" / "keras"))
    if PLATFORMS[device]:
        jax.config.update("jax_platforms", PLATFORMS[device])
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(compilation_cache(data_dir)))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # the latter of jax without its CUDA plugin
        raise CannotStart(_no_device(device, str(error).partition("\n")[0])) from error


def _no_device(device: str, reason: str) -> str:
    if device == "gpu":
        return (
            f"COVIDXR_DEVICE=gpu, but jax finds no GPU{f' ({reason})' if reason else ''}. Install the extra: "
            "make extra-cuda, see that nvidia-smi lists one, or set COVIDXR_DEVICE=cpu."
        )
    return f"jax finds no device: {reason}. Mend or unset JAX_PLATFORMS, or set COVIDXR_DEVICE=cpu."


@dataclass(frozen=True)
class Beginning:
    """What the platform begins with: the default model in its folder, and the network that it reads, warm."""

    folder: Path
    default: DefaultModel
    extractor: FeatureExtractor

    def first_model(self) -> NewModel:
        """The default model as the platform records it."""
        model = self.default.model
        return NewModel(
            data=model_file.save(model),
            backbone=model.backbone.network,
            head=model.head.name,
            extractor=model.backbone.name,
            trained_on=model.positives + model.negatives,
            evaluation=self.default.evaluation.as_dict(),
            verdict="The default model, in service from the first start.",
            record=default_model.load_record(self.folder),
        )


def load_beginning(data_dir: Path, named: Path | None = None, warm: bool = True) -> Beginning:
    """The default model as shipped, or another that lies in the folder ``named``; warm it is compiled.

    Raises:
        CannotStart: it cannot be used.
    """
    folder = named or default_model.FOLDER
    try:
        default = default_model.load(folder)
        extractor = _extractor(data_dir, folder, default.model)
    except UNUSABLE as error:
        remedy = "name a folder that `covidxr default-model --out` made, or unset COVIDXR_DEFAULT_MODEL"
        raise CannotStart(
            f"the default model in {folder} cannot be used: {error}. Remedy: {remedy}."
        ) from error
    if warm:
        extractor.warm_up()
    return Beginning(folder, default, extractor)


def _extractor(data_dir: Path, folder: Path, model: Model) -> FeatureExtractor:
    """The network that a model reads."""
    found = networks.load(
        model.backbone.network, data_dir / "cache" / "weights", default_model.weights_file(folder)
    )
    extractor = FeatureExtractor(found, recipes.of(model.backbone))
    if extractor.backbone != model.backbone:
        raise BackboneMismatch(
            f"the weights beside it are of {extractor.name}, and it reads {model.backbone.name}"
        )
    return extractor


def load_head(data: bytes, extractor: FeatureExtractor) -> Classifier:
    """A model's head, on the device and warm."""
    classifier = Classifier(model_file.load(data), extractor.backbone, extractor.device)
    classifier.warm_up()
    return classifier
