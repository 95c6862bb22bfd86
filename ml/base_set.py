"""The base set: features and truth of the images that the default model learned from, without the images."""

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.backbone import Backbone
from ml.splits import holdout_mask
from ml.vgg16 import FEATURES

POSITIVE = "covid"
COLUMNS = ("labels", "patients", "sources", "sha256")
LABELS = (POSITIVE, "pneumonia", "no_finding")


class BaseSetError(ValueError):
    """The bytes are no base set, or a damaged one."""


@dataclass(frozen=True, eq=False)
class BaseSet:
    """N images as features (N, 25088) float16, each with its label, patient, source and SHA-256 (N,) str.

    Patients are pseudonyms: their images stay together and on one side of the holdout.
    """

    features: np.ndarray
    labels: np.ndarray
    patients: np.ndarray
    sources: np.ndarray
    sha256: np.ndarray
    backbone: Backbone

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def covid(self) -> np.ndarray:
        """Whether each image shows COVID (N,) bool: the positive class; all other labels are negative."""
        mask: np.ndarray = self.labels == POSITIVE
        return mask

    @property
    def holdout(self) -> np.ndarray:
        """Whether each image is kept to judge models (N,) bool, and never trained on."""
        return holdout_mask(self.patients.tolist())


def save(base: BaseSet) -> bytes:
    """The base set as a compressed .npz without pickles; the same set and zlib give the same bytes.

    Four fifths of the features are zeros. What is stored is which are not, and the two bytes of those apart,
    since high bytes are alike and low bytes are not: 8.6 MB for 890 images, where whole rows deflate to 12.3.
    """
    bits = np.ascontiguousarray(base.features).view(np.uint16)
    values = bits[bits != 0]
    backbone = (base.backbone.network, base.backbone.weights, base.backbone.preprocessing)
    columns = {name: getattr(base, name) for name in COLUMNS}
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        nonzero=np.packbits(bits != 0),
        low=(values & 0xFF).astype(np.uint8),
        high=(values >> 8).astype(np.uint8),
        backbone=np.array(backbone),
        **columns,
    )
    return buffer.getvalue()


def load(data: bytes) -> BaseSet:
    """The base set in a file's bytes. Raises BaseSetError."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            columns = {name: file[name] for name in COLUMNS}
            features = _features(len(columns["labels"]), file["nonzero"], file["low"], file["high"])
            return BaseSet(features, **columns, backbone=Backbone(*map(str, file["backbone"])))
    except (zipfile.BadZipFile, zlib.error, ValueError, TypeError, KeyError, OSError, EOFError) as error:
        raise BaseSetError(f"the base set is damaged ({error}): check it out again") from error


def _features(count: int, nonzero: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    bits = np.zeros(count * FEATURES, np.uint16)
    bits[np.unpackbits(nonzero, count=bits.size).astype(bool)] = low + high.astype(np.uint16) * 256
    return bits.view(np.float16).reshape(count, FEATURES)


def stack(columns: Sequence[str]) -> np.ndarray:
    """Strings as one array (N,)."""
    return np.array(columns, dtype=np.str_)
