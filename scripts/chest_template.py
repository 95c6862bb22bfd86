"""Makes a mean chest, like ml/chest_template.npy: `.venv/bin/python -m scripts.chest_template OUT FOLDER…`.

FOLDERs are data folders as of `covidxr train`. OUT is another file than the one in the tree, with which it is
compared: that one was made by a script that was not kept, models have learned from what it finds, and so it
stays.
"""

import sys
from pathlib import Path

import numpy as np

from ml import chest, image
from ml.chest import TEMPLATE, TEMPLATE_SIDE
from ml.image import Pixels
from ml.matching import Box, contrasted, local_contrast, matches, resized, shrunk, template_of
from services.datasets import read_manifest

FILMS, ROUNDS = 240, 3
SIDE = 128


def main(out: str, folders: list[str]) -> None:
    pictures = [chest.crop(*chest.framed(image.decode(file.read_bytes()))) for file in chosen(folders)]
    mean = ellipses()
    for _ in range(ROUNDS):
        mean = averaged(pictures, mean)
    np.save(out, mean)
    likeness = np.corrcoef(mean.ravel(), np.load(TEMPLATE).ravel())[0, 1]
    print(f"{out}: {len(pictures)} films, correlation with the mean chest in the tree {likeness:.3f}.")


def chosen(folders: list[str]) -> list[Path]:
    """As many films of each folder, evenly over its manifest."""
    files = []
    for folder in folders:
        listed = [record.path for record in read_manifest(Path(folder))]
        places = np.linspace(0, len(listed) - 1, FILMS // len(folders)).round().astype(int)
        files += [listed[place] for place in places]
    return files


def ellipses() -> Pixels:
    """Two dark lungs in a bright body."""
    y, x = np.mgrid[-1 : 1 : TEMPLATE_SIDE * 1j, -1 : 1 : TEMPLATE_SIDE * 1j]
    lungs: Pixels = np.where(((np.abs(x) - 0.45) / 0.3) ** 2 + (y / 0.8) ** 2 < 1, -1, 1).astype(np.float32)
    return lungs


def averaged(pictures: list[Pixels], mean: Pixels) -> Pixels:
    """The chests that the mean before finds, evened out and averaged, left and right alike."""
    total = sum(found(picture, mean) for picture in pictures) / len(pictures)
    both: Pixels = ((total + total[:, ::-1]) / 2).astype(np.float32)
    return both


def found(picture: Pixels, mean: Pixels) -> Pixels:
    small = shrunk(picture)
    searched = contrasted(small)
    best = max(
        (
            next(matches(searched, template_of(mean, w, h), small.shape, prior))
            for (w, h), prior in chest.sizes(*small.shape)
        ),
        key=lambda match: match.score,
    )
    scale = max(small.shape) / max(picture.shape)
    cut = chest.crop(picture, Box(*(value / scale for value in best.box)), SIDE)
    return resized(local_contrast(cut, SIDE / 8, 0.3), TEMPLATE_SIDE, TEMPLATE_SIDE)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
