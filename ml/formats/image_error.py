"""Why a file is not taken: a code for programs and a sentence for people."""

import re
from enum import StrEnum
from typing import Final

TAKEN: Final = "PNG, JPEG, WebP, TIFF, BMP and DICOM images are taken."


class Reason(StrEnum):
    """The stable code of a refusal."""

    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    CORRUPT = "corrupt"
    ANIMATED = "animated"
    TOO_SMALL = "too_small"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_LARGE = "too_large"
    NOT_A_CHEST_XRAY = "not_a_chest_xray"
    IDENTIFYING = "identifying"


class ImageError(Exception):
    """A file that is refused; ``str(error)`` is a sentence that its user can act on."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(reason, message)  # both, so that it can be sent between processes
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


def corrupt(format_name: str) -> ImageError:
    """The refusal of a file that begins like an image of this format and does not keep the promise."""
    return ImageError(Reason.CORRUPT, f"The {format_name} file is cut short or corrupt.")


def unsupported(what: str) -> ImageError:
    """The refusal of images of a kind that is not taken; ``what`` names the kind, in the plural."""
    return ImageError(Reason.UNSUPPORTED_FORMAT, f"{what} are not taken. {TAKEN}")


def not_taken(data: bytes) -> ImageError:
    """The refusal of a file that does not begin like any of the formats taken."""
    for magic, name in _KNOWN:
        if magic.match(data):
            return unsupported(f"{name} images")
    what = "is not an image" if data else "is empty"
    return ImageError(Reason.NOT_AN_IMAGE, f"The file {what}. {TAKEN}")


_KNOWN: Final = tuple(
    (re.compile(magic, re.DOTALL), name)
    for magic, name in (
        (rb"GIF8[79]a", "GIF"),
        (rb"\0\0[\1\2]\0", "ICO"),
        (rb"8BPS", "Photoshop"),
        (rb"%!PS|\xc5\xd0\xd3\xc6", "EPS"),
        (rb".{4}ftyp(avif|avis)", "AVIF"),
        (rb".{4}ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", "HEIC"),
        (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
        (rb"\0\0\0\x0cJXL |\xff\x0a", "JPEG XL"),
        (rb"P[1-7fF]\n", "PNM"),
        (rb"SIMPLE  =", "FITS"),
        (rb"\x76\x2f\x31\x01", "OpenEXR"),
        (rb"qoif", "QOI"),
        (rb"DDS ", "DDS"),
        (rb"gimp xcf", "GIMP"),
    )
)
