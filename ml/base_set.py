"""The base set: features and truth of the images that the default model learned from, without the images."""

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ml.backbone import Backbone
from ml.recipes import of
from ml.splits import holdout_mask

POSITIVE = "covid"
COLUMNS = ("labels", "patients", "sources", "sha256")
LABELS = (POSITIVE, "pneumonia", "no_finding")
STEP = 2.0**-11
"""Of a feature at rest, a byte: a vector of length 1 has few features over 0.12, and 0.01 is a common one."""


class BaseSetError(ValueError):
    """The bytes are no base set, or a damaged one."""


@dataclass(frozen=True, eq=False)
class BaseSet:
    """N images as features (N, F) float16, each with its label, patient, source and SHA-256 (N,) str.

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
    """A base set of chests as a compressed .npz without pickles; the same set and zlib give the same bytes.

    Each of the network's features is rounded to a byte, as `rounded` says.
    """
    backbone, own = base.backbone, of(base.backbone).of_network
    columns = {name: getattr(base, name) for name in COLUMNS}
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        features=to_bytes(base.features[:, :own]),
        measures=base.features[:, own:],
        backbone=np.array([backbone.network, backbone.weights, backbone.preprocessing]),
        **columns,
    )
    return buffer.getvalue()


def load(data: bytes) -> BaseSet:
    """The base set in a file's bytes. Raises BaseSetError."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            columns = {name: file[name] for name in COLUMNS}
            backbone = Backbone(*map(str, file["backbone"]))
            features = np.concatenate([from_bytes(file["features"]), file["measures"]], axis=1)
            if features.shape != (len(columns["labels"]), of(backbone).features):
                raise BaseSetError("the base set does not hold what it names: check it out again")
            return BaseSet(features, **columns, backbone=backbone)
    except BaseSetError:
        raise
    except (zipfile.BadZipFile, zlib.error, ValueError, TypeError, KeyError, OSError, EOFError) as error:
        raise BaseSetError(f"the base set is damaged ({error}): check it out again") from error


def rounded(base: BaseSet) -> BaseSet:
    """The set as it is after it has been saved: what learns from it must not see more."""
    features = base.features.copy()
    own = of(base.backbone).of_network
    features[:, :own] = from_bytes(to_bytes(features[:, :own]))
    return replace(base, features=features)


def join(first: BaseSet, second: BaseSet) -> BaseSet:
    """The images of both. Raises BaseSetError where their features differ in kind."""
    if first.backbone != second.backbone:
        raise BaseSetError(f"features of {first.backbone.name} and of {second.backbone.name} do not mix")
    names = ("features", *COLUMNS)
    columns = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    return BaseSet(**columns, backbone=first.backbone)


def to_bytes(features: np.ndarray) -> np.ndarray:
    """The network's features (…, F) as they are kept, uint8."""
    return np.clip(np.round(features.astype(np.float32) / STEP), 0, 255).astype(np.uint8)


def from_bytes(rounded_features: np.ndarray) -> np.ndarray:
    """The features (…, F) float16 that were kept."""
    return (rounded_features.astype(np.float32) * STEP).astype(np.float16)


def stack(columns: Sequence[str]) -> np.ndarray:
    """Strings as one array (N,)."""
    return np.array(columns, dtype=np.str_)
