"""Whether fingerprints know copies of a film: `.venv/bin/python -m benchmarks.near_duplicates FOLDER…`.

Every film is compared with all others, by 64 bits and by the 256 of `ml.fingerprint`: those of one patient
and the known twins aside, two films are different, and every pair within a distance is one too many. And
every film is copied: compressed, resized, brightened, cropped by a share of each side, turned. Some minutes
on two cores.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from ml import image as ml_image
from ml.default_model import FOLDER, TWINS_FILE
from ml.fingerprint import ALIKE, SIDE, bits
from services.datasets import Record, read_manifest

SIDES = (8, SIDE)
LIMITS = {8: (0, 2, 4, 6, 8), SIDE: (8, 24, 32, ALIKE, 48, 56, 64)}
Copy = Callable[[Image.Image], Image.Image]


def resized(side: int) -> Copy:
    """The longer side so many pixels long."""
    return lambda film: film.resize(
        [max(8, one * side // max(film.size)) for one in film.size], Resampling.LANCZOS
    )


def cropped(share: float) -> Copy:
    """Without a share of the width and the height on each side."""
    return lambda film: film.crop(
        tuple(round(one * part) for part in (share, 1 - share) for one in film.size)  # type: ignore[arg-type]
    )


COPIES: Mapping[str, Copy] = {
    "compressed (JPEG, 85)": lambda film: film,
    "512 pixels": resized(512),
    "256 pixels": resized(256),
    "brightened (gamma 0.8)": lambda film: film.point([round(255 * (x / 255) ** 0.8) for x in range(256)]),
    "less contrast (0.8)": lambda film: film.point([round(0.8 * x + 20) for x in range(256)]),
    "cropped by 1 %": cropped(0.01),
    "cropped by 2 %": cropped(0.02),
    "cropped by 5 %": cropped(0.05),
    "turned by 2 degrees": lambda film: film.rotate(2, Resampling.BICUBIC),
}


def seen(record: Record) -> tuple[str, list[np.ndarray]]:
    """The SHA-256 of a film's file, and by number of bits those of it and its copies, (1 + copies, B)."""
    data = record.path.read_bytes()
    pixels = ml_image.decode(data).pixels
    film = Image.fromarray((pixels * 255).round().astype(np.uint8))
    pictures = [pixels, *(_stored(copy(film)) for copy in COPIES.values())]
    found = [np.stack([bits(picture, side) for picture in pictures]) for side in SIDES]
    return hashlib.sha256(data).hexdigest(), found


def _stored(film: Image.Image) -> np.ndarray:
    file = io.BytesIO()
    film.save(file, "JPEG", quality=85)
    return ml_image.decode(file.getvalue()).pixels


def different(records: list[Record], digests: list[str]) -> np.ndarray:
    """Which pairs (N, N) bool show two films: of two patients, and no known twins; each pair once."""
    patients = np.array([record.patient for record in records])
    found = np.triu(patients[:, None] != patients, 1)
    row_of = {digest: row for row, digest in enumerate(digests)}
    for twins in json.loads((FOLDER / TWINS_FILE).read_text()):
        rows = [row_of[digest] for digest in twins if digest in row_of]
        found[np.ix_(rows, rows)] = False
    return found


def report(side: int, found: np.ndarray, pairs: np.ndarray) -> dict[str, object]:
    """A table for people, and the same for programs, of bits (N, 1 + copies, B)."""
    films = np.packbits(found, axis=2)
    own = np.bitwise_count(films[:, :1] ^ films[:, 1:]).sum(axis=2)
    first = films[:, 0]
    apart = np.concatenate(
        [np.bitwise_count(first[row] ^ first).sum(axis=1)[pairs[row]] for row in range(len(first))]
    )
    limits = LIMITS[side]
    wrong = {str(limit): int((apart <= limit).sum()) for limit in limits}
    known = {
        name: {str(limit): float((own[:, k] <= limit).mean()) for limit in limits}
        for k, name in enumerate(COPIES)
    }
    print(f"\n{side * side} bits: within a distance of".ljust(38), *(f"{limit:>6}" for limit in limits))
    print(f"of {len(apart):,} pairs of different films".ljust(37), *(f"{one:>6}" for one in wrong.values()))
    for name, shares in known.items():
        print(f"{name}, %".ljust(37), *(f"{100 * share:6.1f}" for share in shares.values()))
    return {"pairs": len(apart), "wrong": wrong, "known": known}


def main() -> None:
    """Print the tables, and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    records = [record for folder in parser.parse_args().folders for record in read_manifest(folder)]
    with ProcessPoolExecutor() as processes:
        digests, films = zip(*processes.map(seen, records, chunksize=8), strict=True)
    pairs = different(records, list(digests))
    print(f"{len(records)} films, and {len(COPIES)} copies of each")
    found = {
        f"{side * side} bits": report(side, np.stack([film[k] for film in films]), pairs)
        for k, side in enumerate(SIDES)
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
