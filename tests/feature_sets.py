"""Small made-up feature sets: vectors like those of chests, and the base sets that they fill."""

import numpy as np

from ml.backbone import Backbone
from ml.base_set import BaseSet, stack
from ml.making import Images
from ml.recipes import CHEST, WHOLE
from ml.vgg16 import CHEST_FEATURES

WEIGHTS = "a" * 64
CHESTS = CHEST.backbone(WEIGHTS)
WHOLES = WHOLE.backbone(WEIGHTS)


def chest_features(covid: np.ndarray, seed: int = 0, skill: float = 0.35) -> np.ndarray:
    """Vectors (N, 7681) float16 of length 1, and a likeness; with COVID the first hundred are larger."""
    generator = np.random.default_rng(seed)
    rooted = np.maximum(generator.normal(0.2, 1, (len(covid), CHEST_FEATURES)), 0)
    rooted[:, :100] += skill * covid[:, None]
    features = rooted / np.linalg.norm(rooted, axis=1, keepdims=True)
    likeness = generator.uniform(0.6, 0.9, (len(covid), 1))
    return np.concatenate([features, likeness], axis=1).astype(np.float16)


def lessons(count: int = 60, seed: int = 0, skill: float = 0.35) -> Images:
    """Images, a third with COVID, two of each patient."""
    covid = np.arange(count) // 2 % 3 == 0
    patients = np.array([f"patient {number // 2}" for number in range(count)])
    return Images(chest_features(covid, seed, skill), covid, patients)


def base_set(labels: list[str], features: np.ndarray, backbone: Backbone = CHESTS) -> BaseSet:
    """Images of these labels, two of each patient."""
    count = len(labels)
    return BaseSet(
        features,
        labels=stack(labels),
        patients=stack([f"p{number // 2}" for number in range(count)]),
        sources=stack(["here"] * count),
        sha256=stack([f"{number:064x}" for number in range(count)]),
        backbone=backbone,
    )
