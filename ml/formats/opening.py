"""From an image file's bytes to its decoder: within limits, and by named decoders alone."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ml.formats.container import Container, read_container
from ml.formats.dicom_display import displayed
from ml.formats.dicom_pixels import read_samples
from ml.formats.image_error import ImageError, Reason, corrupt, unsupported

MAX_BYTES: Final = 32 * 1024 * 1024
MAX_PIXELS: Final = 100_000_000  # and fewer where a decoder holds more than 4 bytes for each
MIN_SIDE: Final = 64

DEEP_MODES: Final = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
MEDIA_TYPES: Final = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WebP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "DICOM": "application/dicom",
}


class TiffFile(TiffImageFile):
    """A TIFF whose size has been checked: Pillow's own check warns from 89 megapixels on."""

    def load_prepare(self) -> None:
        ImageFile.ImageFile.load_prepare(self)


# Named decoders, not Image.open: no other one is reachable (EPS would start Ghostscript), and the limit of
# pixels is ours alone, with no global of Pillow's to change.
_DECODERS: Final[dict[str, type[ImageFile.ImageFile]]] = {
    "PNG": PngImageFile,
    "JPEG": JpegImageFile,
    "WebP": WebPImageFile,
    "TIFF": TiffFile,
    "BMP": BmpImageFile,
}


def accepted(data: bytes) -> Container:
    """The file's description, if all that it says of itself is taken; nothing is decoded before that.

    Raises ImageError.
    """
    if len(data) > MAX_BYTES:
        raise ImageError(Reason.TOO_LARGE, f"The file is larger than {MAX_BYTES // 2**20} MB.")
    container = read_container(data)
    size = f"{container.width} x {container.height} pixels"
    if container.frames > 1:
        raise ImageError(
            Reason.ANIMATED, "The file holds several pictures (an animation, pages, frames); one is taken."
        )
    if min(container.width, container.height) < MIN_SIDE:
        raise ImageError(Reason.TOO_SMALL, f"The picture has {size}; a side must have at least {MIN_SIDE}.")
    limit = MAX_PIXELS * 4 // container.weight
    if container.width * container.height > limit:
        most = f"{limit // 10**6} megapixels of such a {container.format} file"
        raise ImageError(Reason.TOO_MANY_PIXELS, f"The picture has {size}; at most {most} are taken.")
    if not container.sound:
        raise corrupt(container.format)
    return container


def opened(container: Container) -> Image.Image:
    """The file under its decoder, no pixel decoded yet; of DICOM the picture that a viewer shows, mode I;16.

    Raises ImageError.
    """
    try:
        image = _opened(container)
    except Exception as error:  # a dozen kinds; every lawful PNG and WebP opens, not every JPEG, TIFF and BMP
        if container.format in ("PNG", "WebP", "DICOM"):
            raise corrupt(container.format) from error
        raise unsupported(f"{container.format} images of this depth, colour or compression") from error
    if image.size != (container.width, container.height):
        raise corrupt(container.format)
    return image


def _opened(container: Container) -> Image.Image:
    if container.picture is not None:
        return Image.fromarray(displayed(container.picture, read_samples(container.picture)))
    return _DECODERS[container.format](BytesIO(b"".join(container.parts)))
