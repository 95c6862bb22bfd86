"""Loads the real classifier: the network with its weights, and the default model."""

from __future__ import annotations

import os
from pathlib import Path

import jax

from ml import default_model, model_file, weights
from ml.classifier import Classifier, FeatureExtractor
from services.models import NewModel

GPU_MEMORY_SHARE = "0.7"
"""What the server takes of a GPU; the trainer takes what it needs of the rest."""
PLATFORMS = {"auto": None, "cpu": "cpu", "gpu": "cuda"}


def prepare_jax(data_dir: Path, device: str) -> None:
    """Choose the device and keep what is compiled; before the first use of a device."""
    os.environ.setdefault("XLA_CLIENT_MEM_FRACTION", GPU_MEMORY_SHARE)
    if PLATFORMS[device]:
        jax.config.update("jax_platforms", PLATFORMS[device])
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(data_dir / "cache" / "jax"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


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
    )
