"""The audit set: features of films of the base set after each change that a finding should not hang on."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.backbone import Backbone
from ml.base_set import BaseSet, BaseSetError, from_bytes, to_bytes
from ml.recipes import of


@dataclass(frozen=True, eq=False)
class AuditSet:
    """M films, named by the SHA-256 of their files (M,) str, and by change their features (M, F) float16."""

    sha256: np.ndarray
    altered: Mapping[str, np.ndarray]
    backbone: Backbone

    def __len__(self) -> int:
        return len(self.sha256)

    def rows(self, base: BaseSet) -> np.ndarray:
        """Where (M,) in a base set the films are as they were. Raises BaseSetError where one is missing."""
        row_of = {name: row for row, name in enumerate(base.sha256.tolist())}
        try:
            return np.array([row_of[name] for name in self.sha256.tolist()])
        except KeyError as error:
            raise BaseSetError("the audit set is of another base set: check both out again") from error


def save(found: AuditSet) -> bytes:
    """An audit set of chests as a compressed .npz without pickles; features are kept as in the base set."""
    features = np.stack(list(found.altered.values()))
    backbone, own = found.backbone, of(found.backbone).of_network
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        features=to_bytes(features[..., :own]),
        measures=features[..., own:],
        changes=np.array(list(found.altered)),
        sha256=found.sha256,
        backbone=np.array([backbone.network, backbone.weights, backbone.preprocessing]),
    )
    return buffer.getvalue()


def load(data: bytes) -> AuditSet:
    """The audit set in a file's bytes. Raises BaseSetError."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            backbone = Backbone(*map(str, file["backbone"]))
            changes, sha256 = file["changes"].tolist(), file["sha256"]
            features = np.concatenate([from_bytes(file["features"]), file["measures"]], axis=-1)
        if features.shape != (len(changes), len(sha256), of(backbone).features):
            raise BaseSetError("the audit set does not hold what it names: check it out again")
        return AuditSet(sha256, dict(zip(changes, features, strict=True)), backbone)
    except BaseSetError:
        raise
    except (zipfile.BadZipFile, zlib.error, ValueError, TypeError, KeyError, OSError, EOFError) as error:
        raise BaseSetError(f"the audit set is damaged ({error}): check it out again") from error
