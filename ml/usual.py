"""What a network usually sees of a chest: its maps of many films, averaged, to hold one film against."""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from ml.backbone import Backbone
from ml.image import Pixels

FILE: Final = Path(__file__).with_name("usual_chest.npz")
"""Every fourth film of both sites, by `scripts.usual_chest`; bytes, as shares of a channel's largest."""


def maps_of(backbone: Backbone) -> Pixels | None:
    """The mean maps (H, W, C) float32 of a backbone; none where they have not been made."""
    known, maps = _load()
    return maps if backbone == known else None


def save(backbone: Backbone, maps: Pixels, file: Path = FILE) -> None:
    """Keep the mean maps (H, W, C) of a backbone."""
    scale = np.maximum(maps.max(axis=(0, 1)), 1e-6) / 255
    names = (backbone.network, backbone.weights, backbone.preprocessing)
    rounded = np.round(maps / scale).astype(np.uint8)
    np.savez_compressed(file, maps=rounded, scale=scale.astype(np.float32), backbone=np.array(names))


@cache
def _load() -> tuple[Backbone, Pixels]:
    with np.load(FILE, allow_pickle=False) as file:
        maps: Pixels = file["maps"] * file["scale"]
        return Backbone(*map(str, file["backbone"])), maps
