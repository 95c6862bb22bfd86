"""Loads the real classifier: the network with its weights, and the default model."""

from __future__ import annotations

import os
from pathlib import Path

import jax

from api.preparation import CannotStart, compilation_cache
from ml import default_model, model_file, weights
from ml.classifier import Classifier, FeatureExtractor
from services.models import NewModel

GPU_MEMORY_SHARE = "0.7"
"""What the server takes of a GPU; the trainer takes what it needs of the rest."""
PLATFORMS = {"auto": None, "cpu": "cpu", "gpu": "cuda"}


def prepare_jax(data_dir: Path, device: str) -> None:
    """Choose the device and keep what is compiled; before the first use of a device.

    Raises:
        CannotStart: there is no such device.
    """
    os.environ.setdefault("XLA_CLIENT_MEM_FRACTION", GPU_MEMORY_SHARE)
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
            ".venv/bin/pip install -e '.[cuda]', see that nvidia-smi lists one, or set COVIDXR_DEVICE=cpu."
        )
    return f"jax finds no device: {reason}. Mend or unset JAX_PLATFORMS, or set COVIDXR_DEVICE=cpu."


def load_extractor(data_dir: Path) -> FeatureExtractor:
    """VGG16 with ImageNet's weights, compiled for every size of batch."""
    extractor = FeatureExtractor(weights.load(data_dir / "cache" / "weights"))
    extractor.warm_up()
    return extractor


def load_head(data: bytes, extractor: FeatureExtractor) -> Classifier:
    """A model's head, on the device and warm."""
    classifier = Classifier(model_file.load(data), extractor.backbone, extractor.device)
    classifier.warm_up()
    return classifier


def first_model(default: default_model.DefaultModel) -> NewModel:
    """The default model as the platform records it."""
    model = default.model
    return NewModel(
        data=model_file.save(model),
        backbone=model.backbone.network,
        head=model.head.name,
        extractor=model.backbone.name,
        trained_on=model.positives + model.negatives,
        evaluation=default.evaluation.as_dict(),
        verdict="The default model, in service from the first start.",
        record=default_model.load_record(),
    )
