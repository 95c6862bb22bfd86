"""Feature vectors at rest: float16, deflated; four fifths of a vector are zeros."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 1
"""zlib's fastest; a vector of 50 kB becomes about 16 kB, and higher levels gain little."""


class FeaturesError(ValueError):
    """Bytes that are no packed feature vector."""


def pack(features: NDArray[np.floating[Any]]) -> bytes:
    """The vector, (n,), as bytes."""
    return zlib.compress(np.ascontiguousarray(features, dtype="<f2").tobytes(), LEVEL)


def unpack(data: bytes) -> NDArray[np.float16]:
    """The vector, (n,), that `pack` made bytes of.

    Raises:
        FeaturesError: the bytes are damaged.
    """
    try:
        return np.frombuffer(zlib.decompress(data), dtype="<f2")
    except (zlib.error, ValueError) as error:
        raise FeaturesError(f"damaged features: {error}") from error
