"""Pictures that are no chest X-rays, made here or brought by the packages of the tests."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.data import get_testdata_file

from ml.image import Decoded, decode

Grey = NDArray[np.floating]
SIDE: Final = 300
Y, X = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
SLICES: Final = ("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "693_J2KI.dcm", "examples_overlay.dcm")


def decoded(grey: Grey) -> Decoded:
    """A picture of values 0..1, (H, W), as if it had been read from a PNG."""
    height, width = grey.shape
    return Decoded(np.ascontiguousarray(grey, np.float32), "PNG", "image/png", width, height)


def made() -> Mapping[str, Decoded]:
    """Blank ones, noise, gradients, patterns, pages of text, plots, and ellipses that pass for lungs."""
    greys = {**_blank(), **_noise(), **_gradients(), **_patterns(), **_lungs()}
    pages = {f"page of text in {size} points": _page(size) for size in (10, 14, 24, 48)}
    return {name: decoded(grey) for name, grey in (greys | pages).items()} | _plots()


def brought() -> Mapping[str, Decoded]:
    """The photograph and the drawings that matplotlib brings, and slices of CT and MR that pydicom brings."""
    folder = Path(mpl.get_data_path())
    files = [*(folder / "sample_data").glob("*.[pj][pn]g"), *(folder / "images").glob("*_large.png")]
    return {file.name: decode(_enlarged(file)) for file in sorted(files)} | {
        name: decoded(_slice(name)) for name in SLICES
    }


def _blank() -> dict[str, Grey]:
    return {f"blank of {level}": np.full_like(X, level) for level in (0.0, 0.5, 1.0)}


def _noise() -> dict[str, Grey]:
    """Noise of ever coarser grain."""
    generator = np.random.default_rng(0)
    noises = {}
    for grain in (1, 4, 15, 60):
        coarse = generator.random((SIDE // grain, SIDE // grain)).astype(np.float32)
        noises[f"noise of grain {grain}"] = np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE)))
    return noises


def _gradients() -> dict[str, Grey]:
    return {
        "gradient across": X / 2 + 0.5,
        "gradient down": Y / 2 + 0.5,
        "vignette": np.exp(-3 * (X**2 + Y**2)),
        "two dark columns": 0.5 - 0.5 * np.cos(2 * np.pi * X),
    }


def _patterns() -> dict[str, Grey]:
    patterns = {}
    for count in (4, 12, 40):
        across, down = np.sin(count * X) > 0, np.sin(count * Y) > 0
        patterns[f"{count} stripes"] = across.astype(float)
        patterns[f"checkerboard of {count}"] = (across ^ down).astype(float)
        patterns[f"{count} rings"] = (np.sin(count * np.hypot(X, Y)) > 0).astype(float)
    return patterns


def _lungs() -> dict[str, Grey]:
    """Two dark ellipses in a bright body, with noise; a careless measure takes them for a chest."""
    generator = np.random.default_rng(1)
    drawings = {}
    for width in (0.22, 0.28, 0.34):
        for height in (0.5, 0.7):
            lungs = ((np.abs(X) - 0.42) / width) ** 2 + ((Y + 0.05) / height) ** 2 < 1
            noisy = np.where(lungs, 0.15, 0.75) + generator.normal(0, 0.03, X.shape)
            drawings[f"ellipses of {width} by {height}"] = np.clip(noisy, 0, 1)
    return drawings


def _page(size: int) -> Grey:
    page = Image.new("L", (600, 800), 255)
    words = "Findings: the heart is of normal size and both lungs are clear. No effusion. "
    lines = "\n".join([words * 2] * (700 // (size + 4)))
    ImageDraw.Draw(page).text((50, 50), lines, fill=0, font=ImageFont.load_default(size))
    return np.asarray(page) / 255


def _plots() -> dict[str, Decoded]:
    values = np.random.default_rng(2).normal(size=(40, 40))
    plots = {}
    for kind in ("plot", "hist", "imshow", "contourf"):
        figure = Figure()
        getattr(figure.subplots(), kind)(values.cumsum() if kind in ("plot", "hist") else values)
        buffer = io.BytesIO()
        figure.savefig(buffer)
        plots[f"matplotlib's {kind}"] = decode(buffer.getvalue())
    return plots


def _enlarged(file: Path) -> bytes:
    """A drawing's file, with no side too small to be taken."""
    image = Image.open(file).convert("RGBA")
    scale = max(1, -(-128 // min(image.size)))
    buffer = io.BytesIO()
    image.resize((image.width * scale, image.height * scale)).save(buffer, "PNG")
    return buffer.getvalue()


def _slice(name: str) -> Grey:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str), f"pydicom no longer brings {name}"
    samples = dcmread(path).pixel_array.astype(np.float32)
    low, high = np.quantile(samples, (0.005, 0.995))
    return np.clip((samples - low) / (high - low), 0, 1)
