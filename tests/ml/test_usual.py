"""The usual chest is kept as bytes, and is of the network that models name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml import default_model, recipes, usual
from ml.recipes import WHOLE
from ml.weights import Weights


def test_the_default_model_has_one_and_other_networks_have_none(weights: Weights) -> None:
    backbone = default_model.load_model().backbone
    maps = usual.maps_of(backbone)
    assert maps is not None
    assert maps.shape == (20, 20, 512)
    assert maps.min() >= 0
    assert np.isfinite(recipes.CHEST.read(maps[None])).all()
    assert usual.maps_of(replace(backbone, weights="b" * 64)) is None
    assert usual.maps_of(WHOLE.backbone(weights.sha256)) is None


def test_it_is_kept_to_half_a_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maps = np.random.default_rng(0).random((4, 4, 8), np.float32) * np.arange(8, dtype=np.float32)
    backbone = default_model.load_model().backbone
    usual.save(backbone, maps, tmp_path / "usual.npz")
    monkeypatch.setattr(usual, "FILE", tmp_path / "usual.npz")
    usual._load.cache_clear()
    kept = usual.maps_of(backbone)
    usual._load.cache_clear()
    assert kept is not None
    assert (np.abs(kept - maps) <= maps.max(axis=(0, 1)) / 255 * 0.51 + 1e-6).all()
