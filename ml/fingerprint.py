"""Perceptual fingerprints: which pictures are one film, stored anew, resized or slightly cropped.

The DCT hash of Zauner 2010 (Implementation and Benchmarking of Perceptual Image Hash Functions), with 16 × 16
low frequencies instead of 8 × 8: chests are so alike that 64 bits take different patients for one another
before they know a film that was cropped by 1 % (`python -m benchmarks.near_duplicates`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.image import prepare

SIDE: Final = 16
WORDS: Final = SIDE * SIDE // 64
STRETCHED: Final = 64
"""Pixels of a side of the picture whose frequencies are taken."""
ALIKE: Final = 40
"""Bits in which fingerprints of one film may differ."""
AT_ONCE: Final = 256
DECIMALS: Final = 6
"""Beyond these a frequency is rounding error: all even pictures have one fingerprint."""

Words = NDArray[np.uint64]

_PLACES = np.pi / STRETCHED * (np.arange(STRETCHED) + 0.5)


def bits(pixels: NDArray[np.floating], side: int = SIDE) -> NDArray[np.bool_]:
    """Whether each of the lowest frequencies of luminance (H, W) lies above their median, (side²,) bool.

    The mean, and what changes in one direction alone, are left out.
    """
    picture = prepare(pixels, STRETCHED).astype(np.float64)
    waves = np.cos(np.arange(1, side + 1)[:, None] * _PLACES)
    found = np.round(waves @ picture @ waves.T, DECIMALS).ravel()
    above: NDArray[np.bool_] = found > np.median(found)
    return above


def fingerprint(pixels: NDArray[np.floating]) -> str:
    """The fingerprint of luminance (H, W) in 0..1: 256 bits as 64 hexadecimal digits."""
    return np.packbits(bits(pixels)).tobytes().hex()


def words(fingerprints: Sequence[str]) -> Words:
    """Fingerprints as (N, 4) uint64, to be compared."""
    return np.frombuffer(bytes.fromhex("".join(fingerprints)), np.uint64).reshape(-1, WORDS)


def distances(first: Words, second: Words) -> NDArray[np.uint16]:
    """In how many bits each of N differs from each of M: (N, M)."""
    found = np.zeros((len(first), len(second)), np.uint16)
    for one, other in zip(first.T, second.T, strict=True):
        found += np.bitwise_count(one[:, None] ^ other[None])
    return found


def are_alike(first: Words, second: Words) -> NDArray[np.bool_]:
    """Whether each of N has the film of any of M, (N,) bool; in blocks that a processor's cache holds."""
    found = np.zeros(len(first), bool)
    for left in range(0, len(first), AT_ONCE):
        some = slice(left, left + AT_ONCE)
        for start in range(0, len(second), AT_ONCE):
            found[some] |= (distances(second[start : start + AT_ONCE], first[some]) <= ALIKE).any(axis=0)
    return found
