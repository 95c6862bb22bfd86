"""Folders of small made-up radiographs, with a manifest."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from services.datasets import COLUMNS

SIDE = 96


def radiograph(label: str, seed: int) -> Image.Image:
    """Two dark lungs on a grey chest with noise; with COVID bright discs in them, with pneumonia one."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    pixels = np.full((SIDE, SIDE), 0.6) + generator.normal(0, 0.02, (SIDE, SIDE))
    for centre in (0.3, 0.7):
        pixels[((x - centre) / 0.15) ** 2 + ((y - 0.5) / 0.35) ** 2 < 1] -= 0.4
    for _ in range({"covid": 8, "pneumonia": 1, "no_finding": 0}[label]):
        column, row = generator.choice([0.3, 0.7]), generator.uniform(0.3, 0.75)
        pixels[(x - column) ** 2 + (y - row) ** 2 < 0.004] += 0.5
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))


def write_folder(
    folder: Path, labels: Sequence[str], patients: Sequence[str], source: str = "made up"
) -> Path:
    """A folder of radiographs, one for each label and patient; returns it."""
    folder.mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number, (label, patient) in enumerate(zip(labels, patients, strict=True)):
            radiograph(label, seed=number).save(folder / f"{number}.png")
            writer.writerow([f"{number}.png", label, patient, source])
    return folder


def small_site(folder: Path, count: int = 24) -> Path:
    """Thirds of COVID, pneumonia and no finding; every patient has two images."""
    labels = [("covid", "pneumonia", "no_finding")[number // 2 % 3] for number in range(count)]
    return write_folder(folder, labels, [f"patient {number // 2}" for number in range(count)])
