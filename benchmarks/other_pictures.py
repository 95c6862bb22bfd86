"""Pictures that are no films of chests: drawn by seed, or found in folders."""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Resampling
from pydicom import dcmread

from ml import image
from ml.fingerprint import are_alike, fingerprint, words
from ml.image import Decoded, ImageError, Reason

SIDE = 320
Y, X = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
TEXT = """the heart is of normal size and both lungs are clear no effusion is seen patient was born in and
came with cough invoice total amount due on receipt please sign here chapter one the boat came back at dusk"""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".dcm")
PLOTS = ("plot", "scatter", "hist", "bar", "imshow", "contourf", "pie", "step")

Grey = np.ndarray


def blank(generator: Generator) -> Grey:
    """One level, in every second picture with a little noise."""
    level, grain = generator.random(), generator.integers(2) * generator.normal(0, 0.01, X.shape)
    found: Grey = level + grain + np.zeros_like(X)
    return found


def noise(generator: Generator) -> Grey:
    """From white to clouds: amplitudes fall with a power of the frequency."""
    frequencies = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    frequencies[0, 0] = 1
    spectrum = np.fft.rfft2(generator.normal(size=X.shape)) / frequencies ** generator.uniform(0, 2.5)
    clouds = np.fft.irfft2(spectrum, X.shape)
    return 0.5 + generator.uniform(0.05, 0.3) * (clouds - clouds.mean()) / clouds.std()


def gradient(generator: Generator) -> Grey:
    """Across, at any angle, or from the middle outwards; either may be the bright end."""
    angle, far = generator.uniform(0, 2 * np.pi), generator.uniform(0.3, 3)
    across = X * np.cos(angle) + Y * np.sin(angle)
    found: Grey = generator.choice(
        [0.5 + across / 3, np.exp(-far * (X**2 + Y**2)), 1 - np.exp(-far * across**2)]
    )
    return found


def pattern(generator: Generator) -> Grey:
    """Stripes, rings or a checkerboard, soft or hard."""
    count, shift = generator.uniform(3, 40), generator.uniform(-0.5, 0.5, 2)
    x, y = X - shift[0], Y - shift[1]
    waves = [np.sin(count * x), np.sin(count * (x + y)), np.sin(count * np.hypot(x, y))]
    wave = generator.choice([*waves, np.sin(count * x) * np.sin(count * y)])
    found: Grey = 0.5 + 0.5 * (np.sign(wave) if generator.integers(2) else wave)
    return found


def page(generator: Generator) -> Grey:
    """Lines of text in one column or two, black on white or white on black."""
    width, size, columns = 600, int(generator.integers(9, 40)), int(generator.integers(1, 3))
    sheet = Image.new("L", (width, 800), 255)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size)
    for column in range(columns):
        lines = [
            " ".join(generator.choice(TEXT.split(), max(1, 900 // size // columns // 6)))
            for _ in range(generator.integers(3, 1 + max(4, 720 // (size + 6))))
        ]
        draw.text((40 + column * width // 2, 40), "\n".join(lines), fill=0, font=font)
    grey = np.asarray(sheet) / 255
    return 1 - grey if generator.integers(4) == 0 else grey


def plot(generator: Generator) -> Grey:
    """As matplotlib draws them."""
    figure, kind = Figure(figsize=(5, 4)), str(generator.choice(PLOTS))
    walk = generator.normal(size=int(generator.integers(8, 60))).cumsum()
    values = {"imshow": (np.outer(walk, walk),), "contourf": (np.outer(walk, walk),), "pie": (np.abs(walk),)}
    pairs = (np.arange(len(walk)), walk)
    getattr(figure.subplots(), kind)(*values.get(kind, (walk,) if kind == "hist" else pairs))
    file = io.BytesIO()
    figure.savefig(file, dpi=80)
    return np.asarray(Image.open(file).convert("L")) / 255


def shapes(generator: Generator) -> Grey:
    """Filled ellipses, boxes and lines over one another, some of them blurred."""
    image = Image.new("L", (SIDE, SIDE), int(generator.integers(256)))
    draw = ImageDraw.Draw(image)
    for _ in range(generator.integers(2, 25)):
        (left, right), (top, bottom) = (np.sort(generator.integers(-40, SIDE + 40, 2)).tolist() for _ in "xy")
        form = str(generator.choice(["ellipse", "rectangle", "line"]))
        getattr(draw, form)((left, top, right, bottom), fill=int(generator.integers(256)))
    coarse = image.resize([SIDE // int(generator.integers(1, 12))] * 2, Resampling.BOX)
    return np.asarray(coarse.resize((SIDE, SIDE), Resampling.BICUBIC)) / 255


def lungs(generator: Generator) -> Grey:
    """Two dark ellipses in a bright body, with noise: what a careless measure takes for a chest."""
    width, height, apart = generator.uniform((0.2, 0.45, 0.36), (0.36, 0.8, 0.5))
    inside = ((np.abs(X) - apart) / width) ** 2 + ((Y + generator.uniform(-0.1, 0.1)) / height) ** 2 < 1
    dark, bright = generator.uniform((0.05, 0.6), (0.35, 0.95))
    found: Grey = np.where(inside, dark, bright) + generator.normal(0, generator.uniform(0, 0.08), X.shape)
    return found


KINDS: Mapping[str, Callable[[Generator], Grey]] = {
    "blank": blank,
    "noise": noise,
    "gradients": gradient,
    "patterns": pattern,
    "pages of text": page,
    "plots": plot,
    "shapes": shapes,
    "ellipses for lungs": lungs,
}


def drawn(kind: str, count: int, seed: int = 0) -> Iterator[tuple[str, Decoded]]:
    """So many pictures of a kind, each with its name: the same seed draws the same."""
    for number, child in enumerate(np.random.default_rng([seed, len(kind)]).spawn(count)):
        yield f"{kind} {number}", stored(KINDS[kind](child))


def stored(grey: Grey) -> Decoded:
    """A picture of 0..1 as it is read from a PNG of 8 bits. Raises ImageError where it is too small."""
    file = io.BytesIO()
    Image.fromarray((255 * np.clip(grey, 0, 1)).round().astype(np.uint8)).save(file, "PNG")
    return image.decode(file.getvalue())


def keep(picture: Decoded, file: Path) -> None:
    """The picture as a PNG of 8 bits."""
    file.parent.mkdir(parents=True, exist_ok=True)
    grey = Image.fromarray((255 * picture.pixels).round().astype(np.uint8))
    grey.resize((picture.width, picture.height)).save(file)


def brought(
    paths: Iterable[Path], most: int, known: list[str], left: Counter[str]
) -> Iterator[tuple[str, Decoded]]:
    """The pictures in these files and folders, with their names, but for those like one that is known.

    Of more than so many files as many are read, spread evenly over all. ``known`` are fingerprints, to which
    theirs are added; ``left`` counts what is left out.
    """
    below = (file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path]))
    files = [file for file in below if file.suffix.lower() in SUFFIXES]
    for number in np.unique(np.linspace(0, len(files) - 1, min(most, len(files))).round().astype(int)):
        file = files[number]
        if (picture := uploaded(file, left)) is None:
            continue
        seen_as = fingerprint(picture.pixels)
        if known and are_alike(words([seen_as]), words(known))[0]:
            left["alike"] += 1
            continue
        known.append(seen_as)
        yield "/".join(file.parts[-3:]), picture


def uploaded(file: Path, left: Counter[str]) -> Decoded | None:
    """The picture in a file. What DICOM says itself to be no chest X-ray might have come as a PNG."""
    try:
        return image.decode(file.read_bytes())
    except ImageError as error:
        said_so = error.reason is Reason.NOT_A_CHEST_XRAY
        left["at the door" if said_so else "not taken"] += 1
        return exported(file) if said_so else None


def exported(file: Path) -> Decoded | None:
    """The middle frame of a DICOM file as a viewer might save it; None where it has none of use."""
    try:
        dataset = dcmread(file)
        samples = dataset.pixel_array.astype(np.float32)
        if dataset.SamplesPerPixel == 3:
            samples = samples.mean(axis=-1)
        frame = samples[len(samples) // 2] if samples.ndim == 3 else samples
        low, high = np.quantile(frame, (0.005, 0.995))
        grey = (frame - low) / max(high - low, 1e-6)
        return stored(1 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey)
    except (AttributeError, NotImplementedError, RuntimeError, ValueError, ImageError):  # pydicom's, and ours
        return None
