"""What is stored of a file: its picture, as it was, and not a word about whose it is."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin
from pydicom import uid

from ml.formats.stripping import strip
from ml.image import ImageError, Reason, decode
from tests.bad_images import BOMBS, NOT_IMAGES, OTHER_FORMATS, REFUSED
from tests.dicom_files import LOSSLESS_SYNTAXES, LOSSY_SYNTAXES, NAME, compressed, dicom
from tests.image_files import (
    COLOUR,
    DEEP_FILES,
    GREY,
    LOSSLESS,
    LOSSY,
    chunk,
    encoded,
    grey_tiff,
    png,
    read,
    with_alpha,
)

SECRET = b"Jane Doe, 1952-02-29, MRN 4711"
ROUNDING = 1e-6
OF_32_BITS = 1 / 131_070 + ROUNDING


def made(name: str) -> bytes:
    image, file_format, options = {**LOSSLESS, **LOSSY}[name]
    return encoded(image, file_format, **options)


FILES: dict[str, Callable[[], bytes]] = {
    **{name: (lambda name=name: made(name)) for name in (*LOSSLESS, *LOSSY)},
    **{f"{name}.": maker for name, maker in DEEP_FILES.items()},
    **LOSSLESS_SYNTAXES,
    **LOSSY_SYNTAXES,
    "PNG of deep colour": lambda: png(
        *GREY.size,
        zlib.compress(b"".join(b"\0" + bytes(row) for row in np.asarray(COLOUR).repeat(2, axis=2) // 3)),
        depth=16,
        colour=2,
    ),
    "TIFF of 14 bits": lambda: encoded(
        Image.fromarray(np.asarray(GREY, dtype=np.uint16) ** 2 % 9973), "TIFF"
    ),
    "TIFF of one value": lambda: encoded(Image.fromarray(np.full((80, 90), 777, np.uint16)), "TIFF"),
}


@pytest.mark.parametrize("name", FILES)
def test_the_picture_stays_as_it_is(name: str) -> None:
    data = FILES[name]()
    before, after = decode(data), decode(strip(data))
    assert (after.width, after.height) == (before.width, before.height)
    tolerance = OF_32_BITS if "32 bits" in name or "floats" in name else ROUNDING
    np.testing.assert_allclose(after.pixels, before.pixels, atol=tolerance)


@pytest.mark.parametrize("name", FILES)
def test_stripping_again_changes_nothing(name: str) -> None:
    once = strip(FILES[name]())
    assert strip(once) == once


def test_real_files_as_users_have_them(site_a: Path) -> None:
    for file in sorted((site_a / "originals").iterdir()):
        data = file.read_bytes()
        np.testing.assert_array_equal(read(strip(data)), read(data), err_msg=file.name)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_kept(file_format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    exif[315] = SECRET.decode()
    data = encoded(GREY, file_format, exif=exif)
    stripped = strip(data)
    np.testing.assert_allclose(decode(stripped).pixels, decode(data).pixels, atol=ROUNDING)
    assert SECRET in data
    assert SECRET not in stripped
    with Image.open(io.BytesIO(stripped)) as image:  # for browsers, which turn it too
        assert dict(image.getexif()) == ({274: orientation} if orientation != 1 else {})


def test_cut_files_keep_their_pixels_as_they_are_compressed() -> None:
    for name in ("PNG colour", "JPEG progressive", "JPEG CMYK", "WebP", "WebP colour alpha", "BMP palette"):
        data = FILES[name]()
        with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(strip(data))) as after:
            np.testing.assert_array_equal(
                np.asarray(after.convert("RGBA")), np.asarray(before.convert("RGBA"))
            )


def test_what_becomes_png_is_what_browsers_show() -> None:
    for name in ("TIFF grey", "TIFF CMYK", "BMP palette", "TIFF of floats.", "explicit"):
        assert strip(FILES[name]()).startswith(b"\x89PNG")
    twelve_bits = Image.open(io.BytesIO(strip(FILES["TIFF of 16 bits."]())))
    assert np.asarray(twelve_bits).max() > 60_000  # and not nearly black


# ---------------------------------------------------------------- what goes


def segment(code: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(body) + 2) + body


def jpeg(*segments: bytes, between: bytes = b"", after: bytes = b"") -> bytes:
    """A progressive JPEG with these segments at its head, between its scans, and after its end."""
    data = encoded(COLOUR, "JPEG", progressive=True)
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    second = max(data.rfind(b"\xff\xc4", 0, second), 0) or second
    return data[:2] + b"".join(segments) + data[2:second] + between + data[second:] + after


def gps() -> bytes:
    exif = Image.Exif()
    exif[271] = SECRET.decode()
    exif.get_ifd(0x8825)[29] = SECRET.decode()
    return exif.tobytes()


def webp(**options: Any) -> bytes:
    return encoded(COLOUR, "WEBP", **options)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP with these chunks at its end."""
    body = webp(exif=gps())[12:] + b"".join(
        kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def png_text() -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", SECRET.decode())
    text.add_itxt("Name", SECRET.decode(), "es", "Nombre")
    return text


def tiff_tags() -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag in (269, 270, 271, 305, 315, 316, 33432, 65000):
        tags[tag] = SECRET.decode()
    return encoded(GREY, "TIFF", tiffinfo=tags)


THUMBNAIL = b"JFIF\0\1\1\0\0\1\0\1\3\3" + SECRET[:27]

TELLING: dict[str, Callable[[], bytes]] = {
    "comment in a JPEG": lambda: jpeg(segment(0xFE, SECRET)),
    "EXIF and GPS in a JPEG": lambda: encoded(COLOUR, "JPEG", exif=gps()),
    "XMP in a JPEG": lambda: jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET)),
    "IPTC in a JPEG": lambda: jpeg(segment(0xED, b"Photoshop 3.0\0" + SECRET)),
    "profile in a JPEG": lambda: encoded(COLOUR, "JPEG", icc_profile=SECRET),
    "private segment in a JPEG": lambda: jpeg(segment(0xEF, SECRET)),
    "reserved segment in a JPEG": lambda: jpeg(segment(0xF5, SECRET)),
    "thumbnail in a JPEG's JFIF": lambda: jpeg(segment(0xE0, THUMBNAIL)),
    "tail of a JPEG's Adobe": lambda: jpeg(segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + SECRET)),
    "comment between a JPEG's scans": lambda: jpeg(between=segment(0xFE, SECRET)),
    "after a JPEG": lambda: jpeg(after=SECRET),
    "text in a PNG": lambda: encoded(COLOUR, "PNG", pnginfo=png_text()),
    "EXIF in a PNG": lambda: encoded(COLOUR, "PNG", exif=gps()),
    "private chunk in a PNG": lambda: png(
        64, 64, zlib.compress(bytes(65 * 64)), extra=chunk(b"prIv", SECRET)
    ),
    "after a PNG": lambda: encoded(COLOUR, "PNG") + SECRET,
    "EXIF in a WebP": lambda: webp(exif=gps()),
    "XMP in a WebP": lambda: webp(xmp=SECRET),
    "profile in a WebP": lambda: webp(icc_profile=SECRET),
    "private chunk in a WebP": lambda: riff((b"priv", SECRET)),
    "after a WebP": lambda: webp() + SECRET,
    "tags in a TIFF": tiff_tags,
    "EXIF in a TIFF": lambda: encoded(GREY, "TIFF", exif=gps()),
    "between the strips of a TIFF": lambda: grey_tiff(64, 64, bytes(64 * 64) + SECRET),
    "after a BMP": lambda: encoded(GREY, "BMP") + SECRET,
    "attributes of a DICOM file": lambda: dicom(PatientComments=SECRET.decode(), ImageComments="x"),
    "preamble of a DICOM file": lambda: SECRET.ljust(128, b"\0") + dicom()[128:],
    "after a DICOM picture": lambda: dicom(DataSetTrailingPadding=SECRET),
}


@pytest.mark.parametrize("name", TELLING)
def test_nothing_that_tells_who_it_is_stays(name: str) -> None:
    data = TELLING[name]()
    stripped = strip(data)
    assert SECRET[:27] in data or SECRET in zlib.decompress(data[data.index(b"x\x9c") :])
    for telling in (SECRET[:10], b"Doe", b"4711", NAME.encode(), b"Photoshop", b"MRN"):
        assert telling not in stripped
    np.testing.assert_allclose(decode(stripped).pixels, decode(data).pixels, atol=ROUNDING)


@pytest.mark.parametrize("name", FILES)
def test_only_what_is_known_stays(name: str) -> None:
    """Of each format, the kinds of parts that may be there, by Pillow's reading."""
    stripped = strip(FILES[name]())
    with Image.open(io.BytesIO(stripped)) as image:
        image.load()
        assert set(image.info) <= {"transparency", "jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi",
                                   "adobe", "adobe_transform", "progressive", "progression", "loop",
                                   "background", "timestamp", "duration"}  # fmt: skip
    if stripped.startswith(b"\x89PNG"):
        kinds = [stripped[at - 4 : at] for at in _bodies(stripped)]
        assert set(kinds) <= {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


def _bodies(data: bytes) -> list[int]:
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        found.append(at + 8)
        at += 12 + length
    return found


def test_transparency_and_adobes_colours_survive() -> None:
    for image in (with_alpha(COLOUR), with_alpha(GREY).convert("LA")):
        data = encoded(image, "PNG", exif=gps())
        np.testing.assert_array_equal(decode(strip(data)).pixels, decode(data).pixels)
    rgb = encoded(COLOUR, "JPEG", keep_rgb=True, quality=95)
    for name, number in ((b"R", b"\1"), (b"G", b"\2"), (b"B", b"\3")):
        rgb = rgb.replace(name + b"\x11\0", number + b"\x11\0").replace(name + b"\0", number + b"\0")
    np.testing.assert_array_equal(decode(strip(rgb)).pixels, decode(rgb).pixels)


@pytest.mark.parametrize("name", [*REFUSED, *BOMBS, *NOT_IMAGES, *OTHER_FORMATS])
def test_what_is_refused_is_refused_here_or_when_it_is_read_again(name: str) -> None:
    makers = {**BOMBS, **OTHER_FORMATS, **{key: maker for key, (_, maker) in REFUSED.items()}}
    data = makers[name]() if name in makers else NOT_IMAGES[name]
    with pytest.raises(ImageError):
        decode(strip(data))


def test_a_picture_that_would_be_too_large_without_loss_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 65_536, (4200, 4200), dtype=np.uint16)
    smooth = compressed(imagecodecs.jpegls_encode(noise & 0x0FFF), uid.JPEGLSLossless, noise)
    assert len(smooth) < 32 * 2**20
    with pytest.raises(ImageError) as caught:
        strip(smooth)
    assert caught.value.reason == Reason.TOO_LARGE
