"""Finds the place in a radiograph that is most like a template, whatever the exposure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from scipy.fft import irfft2, next_fast_len, rfft2

from ml.image import Pixels
from ml.smoothing import blurred

SEARCHED: Final = 96  # pixels on the long side where the chest is looked for
MARGIN: Final = 8  # of them around the picture, since a chest may reach over its edge
INVERTED: Final = 0.07  # a negative must match by so much better; of 1,307 radiographs none did


class Box(NamedTuple):
    """A rectangle, in pixels of a picture; it may reach over the edge."""

    x: float
    y: float
    width: float
    height: float


class Match(NamedTuple):
    """Where a template fits best, in pixels of what was searched, and how well: see `ml.chest.Chest`."""

    score: float
    likeness: float
    box: Box
    inverted: bool


def shrunk(picture: Pixels) -> Pixels:
    """The picture at the size at which it is searched."""
    scale = min(1.0, SEARCHED / max(picture.shape))
    height, width = (max(8, round(side * scale)) for side in picture.shape)
    return resized(picture, width, height)


@dataclass(frozen=True, eq=False)
class Template:
    """What is looked for, ``shape`` (h, w): at mean 0 and variance 1, the conjugate of its spectrum."""

    shape: tuple[int, int]
    spectrum: NDArray[np.complex64]

    @classmethod
    def of(cls, picture: Pixels, w: int, h: int, padded: tuple[int, int]) -> "Template":
        """A picture at a size, to be looked for in pictures that are padded so."""
        sized = resized(picture, w, h)
        centred = sized - sized.mean()
        return cls((h, w), np.conj(rfft2(centred / centred.std(), padded)))


@dataclass(frozen=True, eq=False)
class Searched:
    """Where templates are looked for, with what all of them need of it.

    ``shape`` is that of the picture without the margin; ``padded`` is the size of the spectrum before its
    transform; ``sums`` are those of all values above and to the left, and of their squares.
    """

    shape: tuple[int, int]
    padded: tuple[int, int]
    spectrum: NDArray[np.complex64]
    sums: tuple[NDArray[np.float64], NDArray[np.float64]]

    @classmethod
    def of(cls, small: Pixels) -> "Searched":
        """A picture as `shrunk` makes it."""
        # What is searched has a margin around it, and its local contrast evened out.
        searched = local_contrast(np.pad(small, MARGIN, mode="edge"), 12, 0.3)
        height, width = searched.shape
        # Transforms take what is padded for endless repetitions, and no template is moved over the edge.
        padded = next_fast_len(height, real=True), next_fast_len(width, real=True)
        sums = _sums(searched), _sums(searched**2)
        return cls((small.shape[0], small.shape[1]), padded, rfft2(searched, padded), sums)

    def matches(self, templates: Sequence[Template], priors: Sequence[float]) -> Iterator[Match]:
        """The best place for each template, less its prior, as it is and in negative."""
        spectra = np.stack([template.spectrum for template in templates])
        products = irfft2(self.spectrum * spectra, self.padded)
        for template, prior, product in zip(templates, priors, products, strict=True):
            yield from self._match(template.shape, prior, product)

    def _match(self, template: tuple[int, int], prior: float, products: Pixels) -> Iterator[Match]:
        (h, w), (height, width) = template, self.shape
        mean, square = (_means(sums, w, h) for sums in self.sums)
        rows, columns = mean.shape
        correlation = products[:rows, :columns] / (w * h) / np.sqrt(np.maximum(square - mean**2, 1e-3))
        x, y = np.arange(columns) - MARGIN, np.arange(rows)[:, None] - MARGIN
        penalty = prior + ((x + w / 2) / width - 0.5) ** 2 + 0.6 * ((y + h / 2) / height - 0.47) ** 2
        for inverted, likeness in ((False, correlation), (True, -correlation)):
            place = np.unravel_index((likeness - penalty).argmax(), likeness.shape)
            score = float((likeness - penalty)[place]) - INVERTED * inverted
            box = Box(float(x[place[1]]), float(y[place[0], 0]), w, h)
            yield Match(score, float(likeness[place]), box, inverted)


def _sums(values: Pixels) -> NDArray[np.float64]:
    sums: NDArray[np.float64] = np.pad(values.astype(np.float64), ((1, 0), (1, 0)))
    return sums.cumsum(axis=0).cumsum(axis=1)


def _means(sums: NDArray[np.float64], w: int, h: int) -> NDArray[np.float64]:
    """The mean of every window of h by w, by sums over the corner."""
    means: NDArray[np.float64] = (sums[h:, w:] - sums[:-h, w:] - sums[h:, :-w] + sums[:-h, :-w]) / (w * h)
    return means


def local_contrast(picture: Pixels, sigma: float, floor: float) -> Pixels:
    """Less the local mean, over the local deviation, so that any exposure looks alike.

    ``floor`` is added to the deviation, as a share of its mean, so that even parts do not become noise.
    """
    centred: Pixels = picture - blurred(picture, sigma)
    # Of squares that are nearly nothing rounding may leave less.
    deviation: Pixels = np.sqrt(np.maximum(blurred(centred**2, sigma), 0))
    return centred / (deviation + floor * deviation.mean() + 1e-3)


def resized(picture: Pixels, width: int, height: int) -> Pixels:
    """The picture stretched to a size."""
    image = Image.fromarray(np.ascontiguousarray(picture, dtype=np.float32))
    stretched: Pixels = np.asarray(image.resize((width, height), Resampling.BILINEAR))
    return stretched
