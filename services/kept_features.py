"""The features that are kept of images: read many at a time, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.features import FeaturesError, unpack
from services.keys import features_key
from store.blobs import Blobs


async def read(blobs: Blobs, extractor: str, keys: Sequence[str]) -> list[NDArray[np.float16] | None]:
    """The features (F,) of each image by its key, None where they are missing or damaged."""
    packed = await blobs.get_all([features_key(extractor, key) for key in keys])
    return await asyncio.to_thread(lambda: [_unpacked(data) for data in packed])


def _unpacked(data: bytes | None) -> NDArray[np.float16] | None:
    try:
        return None if data is None else unpack(data)
    except FeaturesError:
        return None
