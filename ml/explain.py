"""Where in a picture a model sees COVID: Grad-CAM with the gradients left in their places, drawn as a PNG.

Grad-CAM (Selvaraju et al. 2017) weighs each map of a convolution by its mean gradient. That is right where a
network averages its maps over the whole picture, but our heads read them place by place: here each place is
weighed by its own gradient, which is Grad-CAM before its averaging (HiResCAM, Draelos and Carin 2020). The
heat of the usual chest (`ml.usual`) is taken off: what stays is what this film shows more than others.
Decision 30 has what that is worth.

Heat says what moved this model towards COVID, compared within one picture. It is no outline of a lesion,
shows nothing of what speaks against COVID, and is there in pictures without the disease too, where it was
outweighed.
"""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image
from PIL.Image import Resampling
from scipy.ndimage import gaussian_filter

from ml import heads
from ml.chest import Box
from ml.heads import Params
from ml.image import Decoded, Pixels

LONGEST: Final = 1024  # side of a drawing, in pixels
OPACITY: Final = 0.6  # of the hottest place
SPREAD: Final = 1.0  # of heat over neighbouring places, the deviation in places
INFERNO: Final = (  # matplotlib's, in tenths: evenly lighter, for the colour-blind too
    (0, 0, 4),
    (22, 11, 57),
    (66, 10, 104),
    (106, 23, 110),
    (147, 38, 103),
    (188, 55, 84),
    (221, 81, 58),
    (243, 120, 25),
    (252, 165, 10),
    (246, 215, 70),
    (252, 255, 164),
)


def heat(
    params: Params, maps: jax.Array, read: Callable[[jax.Array], jax.Array], usual: Pixels | None = None
) -> Pixels:
    """Where a head sees COVID (N, H, W): `gains`, evened out over neighbours, 0 where they are losses.

    ``usual`` (H, W, C), if given, are the maps of the usual chest, whose gains are taken off first: what is
    left is what this film shows more than others do. A max-pool lets one of four neighbours speak for all, so
    neighbours are evened out before the losses are cut off.
    """
    own = np.asarray(gains(params, maps, read))
    if usual is not None:
        own = own - np.asarray(gains(params, jnp.asarray(usual[None]), read))
    spread = gaussian_filter(own, (0, SPREAD, SPREAD))
    found: Pixels = np.maximum(spread, 0)
    return found


@partial(jax.jit, static_argnames="read")
def gains(params: Params, maps: jax.Array, read: Callable[[jax.Array], jax.Array]) -> jax.Array:
    """What the log-odds of COVID gain, (N, H, W), per relative gain of all that is seen at a place.

    ``maps`` (N, H, W, C) are those that ``read`` makes the head's features of. Head D reads proportions, so
    that its gains and losses in a picture add up to 0.
    """
    gradients = jax.grad(lambda seen: heads.log_odds(params, read(seen)).sum())(maps)
    summed: jax.Array = (maps * gradients).sum(axis=-1)
    return summed


def overlay(decoded: Decoded, found: Pixels, seen: Box) -> bytes:
    """The picture in its true proportions with heat (H, W) laid over the part that was seen, as a PNG.

    The hottest place of each picture has the same colour, so pictures do not compare. The file holds pixels
    and nothing else.
    """
    grey = _picture(decoded)
    height, width = grey.shape
    down = _spreading(height, found.shape[0], seen.y, seen.height)
    across = _spreading(width, found.shape[1], seen.x, seen.width)
    spread: Pixels = down @ found.astype(np.float32) @ across.T
    strength: Pixels = spread / (spread.max() or np.float32(1))
    opacity = OPACITY * strength[..., None]
    mixed: Pixels = (1 - opacity) * (255 * grey[..., None]) + opacity * _colours(strength)
    buffer = BytesIO()
    Image.fromarray(np.round(mixed).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _picture(decoded: Decoded) -> Pixels:
    scale = min(1.0, LONGEST / max(decoded.width, decoded.height))
    size = max(1, round(decoded.width * scale)), max(1, round(decoded.height * scale))
    image = Image.fromarray(np.ascontiguousarray(decoded.pixels, dtype=np.float32))
    picture: Pixels = np.asarray(image.resize(size, Resampling.BILINEAR)).clip(0, 1)
    return picture


def _spreading(pixels: int, cells: int, start: float, length: float) -> Pixels:
    """How much of a cell's heat a pixel shows (pixels, cells), one way: quadratic B-splines, 0 outside."""
    places = ((np.arange(pixels) + 0.5) / pixels - start) / length * cells
    distance = np.abs(places[:, None] - np.arange(cells) - 0.5)
    near, far = 0.75 - distance**2, 0.5 * np.maximum(1.5 - distance, 0) ** 2
    inside = (places >= 0) & (places <= cells)
    spreading: Pixels = (np.where(distance < 0.5, near, far) * inside[:, None]).astype(np.float32)
    return spreading


def _colours(strength: Pixels) -> Pixels:
    """Colours (H, W, 3), 0..255, of strengths 0..1."""
    knots = np.linspace(0, 1, len(INFERNO))
    channels = [np.interp(strength, knots, channel) for channel in np.transpose(INFERNO)]
    return np.stack(channels, axis=-1).astype(np.float32)
