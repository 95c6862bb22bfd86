"""Arrays in one safetensors file, with a card that says what they are."""

import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.numpy

METADATA = "covid-xr"  # one key: safetensors writes several in no fixed order


def save(arrays: Mapping[str, np.ndarray], card: Mapping[str, Any]) -> bytes:
    """The file of arrays and a card of plain values: the same give the same bytes."""
    return safetensors.numpy.save(dict(arrays), {METADATA: json.dumps(card, sort_keys=True)})


def card_of(data: bytes) -> dict[str, Any]:
    """The card, which safetensors' own reader of bytes leaves out.

    Raises struct.error, ValueError, KeyError or TypeError where there is none.
    """
    (length,) = struct.unpack_from("<Q", data)
    card: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][METADATA])
    return card


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """The SHA-256 of all arrays, in the order of their names."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(np.ascontiguousarray(arrays[name]).data)
    return found.hexdigest()
