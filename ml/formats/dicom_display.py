"""What a viewer shows of a DICOM radiograph's samples (PS3.3, C.11): 16-bit greys, 0 black."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.formats.dicom import Picture
from ml.formats.dicom_attributes import Attributes, Tag
from ml.formats.dicom_pixels import Samples

WHITE: Final = 65_535
STRIP_SAMPLES: Final = 2**22  # are looked at at a time
NARROWEST: Final = 1e-6  # of a window; those of LINEAR are wider than 1

Values = NDArray[np.float64]


def displayed(picture: Picture, samples: Samples) -> NDArray[np.uint16]:
    """The picture (rows, columns) as a viewer shows it first.

    In this order: rescale slope and intercept, or the modality's table; the first table of values of
    interest, or else the first window, or else the whole range of the file; the inversion that the
    presentation's shape asks for or, where it is silent, MONOCHROME1. Padding is black. Everything is a
    function of one word alone, so it is worked out once for each word that there can be.
    """
    table = _table(picture, samples)
    shown = np.empty(samples.words.shape, np.uint16)
    for rows in _strips(samples.words.shape):
        shown[rows] = table[samples.words[rows]]
    return shown


def _table(picture: Picture, samples: Samples) -> NDArray[np.uint16]:
    """The grey of each word, of which there are 256 or 65,536."""
    attributes = picture.attributes
    stored = _stored(samples, picture.signed)
    padding = _padding(attributes, stored, picture)
    present = _present(samples.words) & ~padding
    values = _modality(attributes, stored, picture.signed)
    greys = _of_interest(attributes, values, present, picture.signed)
    if _is_inverse(attributes):
        greys = 1 - greys
    greys[padding] = 0
    return np.rint(greys * WHITE).astype(np.uint16)


def _stored(samples: Samples, signed: bool) -> NDArray[np.int64]:
    """The stored value that each word stands for."""
    words = np.arange(np.iinfo(samples.words.dtype).max + 1)
    values = words >> samples.shift & (1 << samples.bits) - 1
    return values - (values >> samples.bits - 1 << samples.bits) if signed else values


def _padding(attributes: Attributes, stored: NDArray[np.int64], picture: Picture) -> NDArray[np.bool_]:
    """Which words fill up the picture where nothing was taken."""
    if Tag.PADDING not in attributes.elements:
        return np.zeros(stored.shape, np.bool_)
    first = _signed(attributes.integer(Tag.PADDING, 0), picture.signed)
    limit = attributes.integer(Tag.PADDING_LIMIT, -1)
    last = first if limit < 0 else _signed(limit, picture.signed)
    return (stored >= min(first, last)) & (stored <= max(first, last))


def _signed(word: int, signed: bool) -> int:
    return word - (word >> 15 << 16) if signed else word


def _present(words: NDArray[np.uint16] | NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which words the picture holds."""
    present = np.zeros(np.iinfo(words.dtype).max + 1, np.bool_)
    for rows in _strips(words.shape):
        present |= np.bincount(words[rows].ravel(), minlength=len(present)) > 0
    return present


def _strips(shape: tuple[int, ...]) -> Iterator[slice]:
    rows, columns = shape
    step = max(1, STRIP_SAMPLES // columns)
    return (slice(top, top + step) for top in range(0, rows, step))


def _modality(attributes: Attributes, stored: NDArray[np.int64], signed: bool) -> Values:
    """What the values mean to the machine that took them."""
    table = attributes.item(Tag.MODALITY_LUT)
    if table:
        return _looked_up(table, stored.astype(np.float64), signed)[0]
    slope, intercept = attributes.decimal(Tag.SLOPE), attributes.decimal(Tag.INTERCEPT)
    if slope == 0:
        raise ValueError("a rescale slope of nothing")
    return stored.astype(np.float64) * (1.0 if slope is None else slope) + (intercept or 0.0)


def _of_interest(attributes: Attributes, values: Values, present: NDArray[np.bool_], signed: bool) -> Values:
    """The greys, 0 to 1, of the values; one that shows nothing of this picture is passed over."""
    for greys in _chosen(attributes, values, signed):
        if present.any() and np.ptp(greys[present]) > 0:
            return greys
    return _stretched(values, present)


def _chosen(attributes: Attributes, values: Values, signed: bool) -> Iterator[Values]:
    table = attributes.item(Tag.VOI_LUT)
    if table:
        greys, bits = _looked_up(table, values, signed)
        yield np.minimum(greys / (2**bits - 1), 1)
    centre, width = attributes.decimal(Tag.WINDOW_CENTRE), attributes.decimal(Tag.WINDOW_WIDTH)
    function = attributes.text(Tag.WINDOW_FUNCTION)
    if centre is not None and width is not None and width > (NARROWEST if function in _WINDOWS else 1):
        yield _WINDOWS.get(function, _linear)(values, centre, width)


def _linear(values: Values, centre: float, width: float) -> Values:
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def _linear_exact(values: Values, centre: float, width: float) -> Values:
    return np.clip((values - centre) / width + 0.5, 0, 1)


def _sigmoid(values: Values, centre: float, width: float) -> Values:
    return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -50, 50)))


_WINDOWS: Final[dict[str, Callable[[Values, float, float], Values]]] = {
    "LINEAR_EXACT": _linear_exact,
    "SIGMOID": _sigmoid,
}


def _stretched(values: Values, present: NDArray[np.bool_]) -> Values:
    """From the picture's lowest value to its highest; black where all are the same."""
    held = values[present] if present.any() else values
    stretched: Values = np.clip((values - held.min()) / (np.ptp(held) or 1.0), 0, 1)
    return stretched


def _looked_up(table: Attributes, values: Values, signed: bool) -> tuple[Values, int]:
    """The entries of a table for the values, the ends for those beyond them; and the entries' bits."""
    count, first, bits = table.words(Tag.LUT_DESCRIPTOR)
    count, first = count or 2**16, _signed(first, signed)
    if not 8 <= bits <= 16:
        raise ValueError(f"a table of {bits} bits")
    raw = table.raw(Tag.LUT_DATA)
    entries = np.frombuffer(raw, f"{table.encoding.order}u{2 if len(raw) >= 2 * count else 1}", count)
    places = np.clip(np.rint(values) - first, 0, count - 1).astype(np.int64)
    return entries[places].astype(np.float64), bits


def _is_inverse(attributes: Attributes) -> bool:
    shape = attributes.text(Tag.PRESENTATION_SHAPE)
    return shape == "INVERSE" if shape else attributes.text(Tag.PHOTOMETRIC) == "MONOCHROME1"
