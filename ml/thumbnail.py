"""A radiograph in small, for lists of many."""

from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from ml.image import Decoded

LONGEST: Final = 320
"""Pixels of its longer side."""
QUALITY: Final = 82
"""Of JPEG."""


def thumbnail(decoded: Decoded) -> bytes:
    """The picture in its true proportions, grey, as a JPEG that holds pixels and nothing else."""
    scale = min(1.0, LONGEST / max(decoded.width, decoded.height))
    size = max(1, round(decoded.width * scale)), max(1, round(decoded.height * scale))
    grey = np.round(255 * decoded.pixels.clip(0, 1)).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(grey).resize(size, Resampling.BILINEAR).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
