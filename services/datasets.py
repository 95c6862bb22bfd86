"""Folders of labelled images: their manifest, and their features, which are computed once and kept."""

import csv
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml import features as packing
from ml import image as ml_image
from ml.base_set import LABELS, BaseSet, stack
from ml.classifier import FeatureExtractor
from ml.recipes import Prepared
from ml.splits import pseudonym

AT_ONCE = 8
"""Images at least that are read, and told of, together."""
MANIFEST = "manifest.csv"
COLUMNS = ("file", "label", "patient", "source")
SHOWN_PROBLEMS = 5

Progress = Callable[[int, int], None]  # done, of


class DatasetError(Exception):
    """A folder of images that cannot be used, and what to mend in it."""


@dataclass(frozen=True)
class Record:
    """One line of a manifest."""

    path: Path
    label: str
    patient: str
    source: str


def read_manifest(folder: Path) -> list[Record]:
    """The images that `manifest.csv` in a folder lists, in its order.

    Raises DatasetError, naming the lines, where a column, a file or a value is missing or a label is none of
    covid, pneumonia and no_finding.
    """
    manifest = folder / MANIFEST
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise DatasetError(
                    f"{manifest} has no column {', '.join(missing)}; it needs {', '.join(COLUMNS)}"
                )
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{manifest} cannot be read: {error}") from error
    _check(manifest, rows)
    return [Record(folder / row["file"], row["label"], row["patient"], row["source"]) for row in rows]


def _check(manifest: Path, rows: Sequence[dict[str, str]]) -> None:
    problems = [
        f"line {line}: {what}" for line, row in enumerate(rows, 2) for what in _problems(manifest.parent, row)
    ]
    if problems:
        more = f"; and {len(problems) - SHOWN_PROBLEMS} more" if len(problems) > SHOWN_PROBLEMS else ""
        raise DatasetError(f"{manifest}, {'; '.join(problems[:SHOWN_PROBLEMS])}{more}")
    if not rows:
        raise DatasetError(f"{manifest} lists no images")


def _problems(folder: Path, row: dict[str, str]) -> Iterator[str]:
    if row["label"] not in LABELS:
        yield f"the label {row['label']!r} is none of {', '.join(LABELS)}"
    if not row["patient"]:
        yield "the patient is missing"
    if not row["file"] or not (folder / row["file"]).is_file():
        yield f"there is no file {row['file']!r}"


def load(
    folder: Path, extractor: FeatureExtractor, cache: Path, progress: Progress = lambda done, of: None
) -> BaseSet:
    """The features and truth of a folder of images; ``cache`` keeps each image's features by its content.

    Raises DatasetError for the folder, or for a file in it that is not taken.
    """
    records = read_manifest(folder)
    features = np.empty((len(records), extractor.recipe.features), np.float16)
    digests: list[str] = []
    for part in _parts(records, max(AT_ONCE, extractor.batch_size)):
        contents = [_content(record) for record in part]
        keys = [hashlib.sha256(content).hexdigest() for content in contents]
        features[len(digests) : len(digests) + len(part)] = _features(part, contents, keys, extractor, cache)
        digests += keys
        progress(len(digests), len(records))
    return BaseSet(
        features,
        labels=stack([record.label for record in records]),
        patients=stack([pseudonym(record.patient) for record in records]),
        sources=stack([record.source for record in records]),
        sha256=stack(digests),
        backbone=extractor.backbone,
    )


def _parts(records: Sequence[Record], size: int) -> Iterator[Sequence[Record]]:
    return (records[start : start + size] for start in range(0, len(records), size))


def _content(record: Record) -> bytes:
    try:
        return record.path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{record.path} cannot be read: {error}") from error


def _features(
    part: Sequence[Record],
    contents: Sequence[bytes],
    keys: Sequence[str],
    extractor: FeatureExtractor,
    cache: Path,
) -> np.ndarray:
    """Features of a batch: those kept are read, the others are computed together and kept."""
    files = [cache / extractor.name / key[:2] / key for key in keys]
    rows = [_kept(file, extractor.recipe.features) for file in files]
    absent = [number for number, row in enumerate(rows) if row is None]
    images = [_prepared(part[number], contents[number], extractor) for number in absent]
    for number, row in zip(absent, extractor.extract(images), strict=True):
        rows[number] = row
        _keep(files[number], row)
    return np.array(rows)


def _prepared(record: Record, content: bytes, extractor: FeatureExtractor) -> Prepared:
    try:
        return extractor.prepare(ml_image.decode(content))
    except ml_image.ImageError as error:
        raise DatasetError(f"{record.path}: {error}") from error


def _kept(file: Path, features: int) -> np.ndarray | None:
    try:
        row = packing.unpack(file.read_bytes())
    except (OSError, packing.FeaturesError):  # not there, or damaged: computed again
        return None
    return row if row.shape == (features,) else None


def _keep(file: Path, row: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.write_bytes(packing.pack(row))
    unfinished.replace(file)
