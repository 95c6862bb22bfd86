"""What a run learns from: the stored features of labelled images, laid out in a folder for the trainer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml.rows import RowFile
from services import kept_features
from services.examples import Example
from store.blobs import Blobs
from store.tables import Finding

READ_AT_ONCE = 64

FEATURES_FILE = "features.f16"
IMAGES_FILE = "images.npz"
INCUMBENT_FILE = "incumbent.safetensors"
CHECKPOINTS = "checkpoints"
CANDIDATE_FILE = "candidate.safetensors"
TASK_FILE = "task.json"
OUTCOME_FILE = "outcome.json"


async def lay_out(found: Sequence[Example], extractor: str, blobs: Blobs, folder: Path) -> list[Example]:
    """Write the examples' features and truth into the folder, a few at a time; returns those written."""
    kept: list[Example] = []
    with (folder / FEATURES_FILE).open("wb") as rows:
        for start in range(0, len(found), READ_AT_ONCE):
            part = found[start : start + READ_AT_ONCE]
            read = await kept_features.read(blobs, extractor, [example.image.key for example in part])
            for example, features in zip(part, read, strict=True):
                if features is not None:
                    rows.write(features.astype("<f2").tobytes())
                    kept.append(example)
    _write_truth(kept, folder)
    return kept


def features_in(folder: Path, count: int, width: int) -> RowFile:
    """The features (count, width) that `lay_out` wrote."""
    return RowFile(folder / FEATURES_FILE, (count, width))


def _write_truth(kept: Sequence[Example], folder: Path) -> None:
    np.savez(
        folder / IMAGES_FILE,
        covid=np.array([example.label.finding is Finding.COVID for example in kept], bool),
        group=np.array([example.image.patient_ref or example.image.sha256 for example in kept], str),
        holdout=np.array([example.holdout for example in kept], bool),
        sha256=np.array([example.image.sha256 for example in kept], str),
        evidence=np.array([example.label.evidence.value for example in kept], str),
    )
