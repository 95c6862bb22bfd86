"""Image files in, what the classifier sees out: formats, depths, orientation, refusals, memory, lies."""

import io
import random
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps
from PIL.Image import Transpose

from ml.image import ImageError, Reason, decode, prepare, read
from tests.bad_images import (
    BOMBS,
    FOLDED,
    NOT_IMAGES,
    OTHER_FORMATS,
    REFUSED,
    Maker,
    chunk,
    encoded,
    grey_tiff,
    picture,
    png,
)

ROOT = Path(__file__).parents[2]
GREY = picture()
COLOUR = Image.merge("RGB", [GREY, GREY.transpose(Transpose.ROTATE_180), Image.new("L", GREY.size, 90)])
ALPHA = GREY.transpose(Transpose.FLIP_LEFT_RIGHT)
DEEP = np.asarray(GREY, dtype=np.uint16) * 16  # 12 bits in 16: 0..4080
ROUNDING = 1.51 / 255  # of Pillow in integers: half a step for luminance, up to one for alpha


def luminance(image: Image.Image) -> NDArray[np.float64]:
    """Rec. 601 in double precision, over black: what ``decode`` is measured against."""
    image = image.convert("RGB") if image.mode == "LAB" else image
    rgba = np.asarray(image.convert("RGBA"), dtype=np.float64) / 255
    return rgba[..., :3] @ (0.299, 0.587, 0.114) * rgba[..., 3]


def difference(data: bytes, image: Image.Image) -> float:
    """The largest difference of a file's pixels from an image's luminance."""
    return float(np.abs(decode(data).pixels - luminance(image)).max())


def with_alpha(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    image.putalpha(ALPHA)
    return image


# ---------------------------------------------------------------- what is taken

LOSSLESS: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
    "PNG 1": (GREY.convert("1"), "PNG", {}),
    "PNG grey": (GREY, "PNG", {}),
    "PNG grey alpha": (with_alpha(GREY).convert("LA"), "PNG", {}),
    "PNG colour": (COLOUR, "PNG", {}),
    "PNG colour alpha": (with_alpha(COLOUR), "PNG", {}),
    "PNG palette": (COLOUR.quantize(40), "PNG", {}),
    "WebP colour": (COLOUR, "WEBP", {"lossless": True}),
    "WebP colour alpha": (with_alpha(COLOUR), "WEBP", {"lossless": True, "exact": True}),
    "BMP 1": (GREY.convert("1"), "BMP", {}),
    "BMP grey": (GREY, "BMP", {}),
    "BMP colour": (COLOUR, "BMP", {}),
    "BMP palette": (COLOUR.quantize(40), "BMP", {}),
    "TIFF 1": (GREY.convert("1"), "TIFF", {"compression": "group4"}),
    "TIFF grey": (GREY, "TIFF", {}),
    "TIFF grey alpha": (with_alpha(GREY).convert("LA"), "TIFF", {}),
    "TIFF LZW in strips": (COLOUR, "TIFF", {"compression": "tiff_lzw", "strip_size": 4000}),
    "TIFF deflate": (with_alpha(COLOUR), "TIFF", {"compression": "tiff_adobe_deflate"}),
    "TIFF PackBits": (COLOUR.quantize(40), "TIFF", {"compression": "packbits"}),
    "TIFF CMYK": (COLOUR.convert("CMYK"), "TIFF", {}),
    "BigTIFF": (COLOUR, "TIFF", {"big_tiff": True}),
}

LOSSY: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
    "JPEG grey": (GREY, "JPEG", {}),
    "JPEG colour": (COLOUR, "JPEG", {}),
    "JPEG progressive": (COLOUR, "JPEG", {"progressive": True}),
    "JPEG restarts": (COLOUR, "JPEG", {"restart_marker_blocks": 2}),
    "JPEG in RGB": (COLOUR, "JPEG", {"keep_rgb": True}),
    "JPEG CMYK": (COLOUR.convert("CMYK"), "JPEG", {}),
    "WebP": (COLOUR, "WEBP", {}),
    "TIFF JPEG": (COLOUR, "TIFF", {"compression": "jpeg"}),
    "TIFF YCbCr": (COLOUR.convert("YCbCr"), "TIFF", {}),
    "TIFF Lab": (COLOUR.convert("LAB"), "TIFF", {}),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_files_give_their_luminance_over_black(name: str) -> None:
    image, file_format, options = LOSSLESS[name]
    assert difference(encoded(image, file_format, **options), image) <= ROUNDING


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_files_give_nearly_their_luminance(name: str) -> None:
    image, file_format, options = LOSSY[name]
    quality = {"quality": 95} if file_format != "TIFF" or "compression" in options else {}
    decoded = decode(encoded(image, file_format, **options, **quality))
    assert np.abs(decoded.pixels - luminance(image)).mean() < 0.02


@pytest.mark.parametrize(
    ("file_format", "name", "media_type"),
    [
        ("PNG", "PNG", "image/png"),
        ("JPEG", "JPEG", "image/jpeg"),
        ("WEBP", "WebP", "image/webp"),
        ("TIFF", "TIFF", "image/tiff"),
        ("BMP", "BMP", "image/bmp"),
    ],
)
def test_a_file_is_told_by_its_content(file_format: str, name: str, media_type: str) -> None:
    decoded = decode(encoded(GREY, file_format))
    assert (decoded.format, decoded.media_type) == (name, media_type)
    assert (decoded.width, decoded.height) == GREY.size
    assert decoded.pixels.shape == GREY.size[::-1]
    assert decoded.pixels.dtype == np.float32


@pytest.mark.parametrize(
    "image",
    [
        pytest.param((COLOUR.quantize(40), {"transparency": bytes(range(0, 240, 6))}), id="palette"),
        pytest.param((COLOUR.quantize(40), {"transparency": 3}), id="one of the palette"),
        pytest.param((COLOUR, {"transparency": COLOUR.getpixel((20, 20))}), id="one colour"),
        pytest.param((GREY, {"transparency": 77}), id="one grey"),
    ],
)
def test_transparency_without_an_alpha_channel_is_black_too(
    image: tuple[Image.Image, dict[str, Any]],
) -> None:
    data = encoded(image[0], "PNG", **image[1])
    assert difference(data, Image.open(io.BytesIO(data))) <= ROUNDING
    assert difference(data, image[0]) > 0.1


# ---------------------------------------------------------------- more than eight bits

DEEP_FILES: dict[str, Maker] = {
    "PNG of 12 bits in 16": lambda: encoded(Image.fromarray(DEEP), "PNG"),
    "TIFF of 16 bits": lambda: encoded(Image.fromarray(DEEP), "TIFF"),
    "TIFF of 16 bits, deflated": lambda: encoded(
        Image.fromarray(DEEP), "TIFF", compression="tiff_adobe_deflate"
    ),
    "TIFF of 16 bits, big-endian": lambda: encoded(Image.fromarray(DEEP.astype(">u2")), "TIFF"),
    "TIFF of 32 bits": lambda: encoded(Image.fromarray(DEEP.astype(np.int32) * 1000 - 9999), "TIFF"),
    "TIFF of floats": lambda: encoded(Image.fromarray(DEEP.astype(np.float32) * 0.37 - 0.5), "TIFF"),
    "TIFF of 16 bits, white is zero": lambda: grey_tiff(
        *GREY.size, (4080 - DEEP).tobytes(), bits=(258, 3, 1, 16), photometric=(262, 3, 1, 0)
    ),
    "TIFF of floats, white is zero": lambda: grey_tiff(
        *GREY.size,
        (-DEEP.astype(np.float32)).tobytes(),
        bits=(258, 3, 1, 32),
        photometric=(262, 3, 1, 0),
        sample=(339, 3, 1, 3),
    ),
}


@pytest.mark.parametrize("name", DEEP_FILES)
def test_deep_samples_run_from_the_files_lowest_to_its_highest(name: str) -> None:
    np.testing.assert_allclose(decode(DEEP_FILES[name]()).pixels, DEEP / 4080, atol=1e-6)


def test_deep_colour_runs_from_its_lowest_to_its_highest_luminance() -> None:
    rows = np.repeat(DEEP[..., None] * 2 + 512, 3, axis=2).astype(">u2").reshape(DEEP.shape[0], -1)
    pixels = b"".join(b"\0" + row.tobytes() for row in rows)
    decoded = decode(png(*GREY.size, zlib.compress(pixels), depth=16, colour=2))
    assert decoded.pixels.min() == 0
    assert decoded.pixels.max() == 1
    assert np.abs(decoded.pixels - DEEP / 4080).max() < 1 / 31  # Pillow keeps the upper 8 bits of deep colour


def test_deep_samples_that_are_all_the_same_are_black() -> None:
    assert not decode(encoded(Image.fromarray(np.full((80, 90), 777, np.uint16)), "PNG")).pixels.any()


# ---------------------------------------------------------------- orientation


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(file_format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = encoded(GREY, file_format, exif=exif, **options)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("L")
    decoded = decode(data)
    assert (decoded.width, decoded.height) == upright.size == GREY.size[:: 1 if orientation < 5 else -1]
    np.testing.assert_allclose(decoded.pixels, np.asarray(upright) / 255, atol=1e-6)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*" + b"\x01" * 90]
)
def test_exif_that_cannot_be_read_does_not_spoil_a_picture(exif: bytes) -> None:
    np.testing.assert_array_equal(
        decode(encoded(GREY, "JPEG", exif=exif)).pixels, decode(encoded(GREY, "JPEG")).pixels
    )


# ---------------------------------------------------------------- what the classifier sees


def test_a_ramp_stays_a_ramp_at_any_size() -> None:
    """The whole field of view is kept to a fraction of a pixel, however the shrinking is split up."""
    middles = (np.arange(224) + 0.5) / 224
    for width, height in ((64, 224), (700, 901), (1025, 1023), (2049, 3001), (5003, 130)):
        ramp = np.broadcast_to(
            (255 * (np.arange(width) + 0.5) / width).round().astype(np.uint8), (height, width)
        )
        for file_format, tolerance in (("PNG", 0.003), ("JPEG", 0.006)):
            seen = read(encoded(Image.fromarray(ramp), file_format))
            inner = slice(4, -4) if width > 224 else slice(8, -8)  # where the filter does not meet an edge
            assert np.abs(seen - middles)[:, inner].max() < tolerance, (width, height, file_format)


def test_preparing_keeps_the_range_and_takes_any_size() -> None:
    checks = (np.indices((97, 501)).sum(axis=0) % 2).astype(np.float64)
    assert prepare(checks, size=64).shape == (64, 64)
    for seen in (prepare(checks), prepare(np.zeros((64, 64))), prepare(np.ones((3000, 64)))):
        assert (seen.shape, seen.dtype) == ((224, 224), np.float32)
        assert seen.min() >= 0
        assert seen.max() <= 1
    np.testing.assert_allclose(prepare(np.ones((3000, 64))), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "file_format"), [("L", "JPEG"), ("RGB", "JPEG"), ("L", "PNG"), ("RGB", "PNG"), ("L", "TIFF")]
)
def test_shrinking_while_decoding_changes_nearly_nothing(site_a: Path, mode: str, file_format: str) -> None:
    original = Image.open(next((site_a / "originals").glob("*ryct*"))).convert("L")  # 3342 x 4095
    data = encoded(
        original.convert(mode), file_format, **({"compress_level": 1} if file_format == "PNG" else {})
    )
    whole = np.asarray(Image.open(io.BytesIO(data)).convert("L"), dtype=np.float32) / 255
    error = np.abs(read(data) - prepare(whole))
    assert error.max() < 0.01
    assert error.mean() < 0.002


def test_shrinking_deep_samples_changes_nearly_nothing() -> None:
    y, x = np.mgrid[:2500, :2300]
    samples = (2000 + 1900 * np.sin(x / 50) * np.cos(y / 70)).astype(np.uint16)
    data = encoded(Image.fromarray(samples), "TIFF")
    low, high = int(samples.min()), int(samples.max())
    assert np.abs(read(data) - prepare((samples - low) / (high - low))).max() < 0.002


def test_real_files_as_users_have_them(site_a: Path) -> None:
    files = sorted((site_a / "originals").iterdir())
    assert len(files) == 10
    for file in files:
        with Image.open(file) as image:
            size, expected = image.size, prepare(luminance(image))
        decoded, seen = decode(file.read_bytes()), read(file.read_bytes())
        assert (decoded.width, decoded.height) == size
        assert np.abs(seen - expected).max() < 0.01
        assert seen.std() > 0.1


def test_threads_see_what_one_sees(site_a: Path) -> None:
    files = [file.read_bytes() for file in sorted((site_a / "originals").iterdir())] * 2
    alone = [read(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(alone, pool.map(read, files), strict=True):
            np.testing.assert_array_equal(one, other)


# ---------------------------------------------------------------- what is refused


def refusal(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(data)
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.mark.parametrize("name", NOT_IMAGES)
def test_what_is_not_an_image(name: str) -> None:
    error = refusal(NOT_IMAGES[name])
    assert error.reason == Reason.NOT_AN_IMAGE
    assert "PNG, JPEG, WebP, TIFF and BMP" in str(error)


@pytest.mark.parametrize("name", OTHER_FORMATS)
def test_formats_that_are_not_taken_are_named(name: str) -> None:
    error = refusal(OTHER_FORMATS[name]())
    assert error.reason == Reason.UNSUPPORTED_FORMAT
    assert str(error).startswith(f"{name} images are not taken. PNG, JPEG, WebP, TIFF and BMP")


@pytest.mark.parametrize("name", REFUSED)
def test_each_refusal_has_its_reason(name: str) -> None:
    reason, make = REFUSED[name]
    assert refusal(make()).reason == reason


@pytest.mark.parametrize("name", BOMBS)
def test_a_picture_of_too_many_pixels(name: str) -> None:
    assert refusal(BOMBS[name]()).reason == Reason.TOO_MANY_PIXELS


def test_the_limits_themselves_are_taken() -> None:
    assert decode(encoded(picture(64, 64), "PNG")).pixels.shape == (64, 64)
    limit = encoded(GREY, "PNG")
    assert decode(limit + bytes(32 * 2**20 - len(limit))).width == GREY.width


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_a_hundred_megapixels_are_taken(file_format: str) -> None:
    decoded = decode(encoded(Image.new("1", (10_000, 10_000), 1), file_format))
    assert (decoded.width, decoded.height) == (10_000, 10_000)
    assert decoded.pixels.shape == (1024, 1024)
    assert decoded.pixels.min() == 1


def test_a_cut_anywhere_is_noticed() -> None:
    rng = random.Random(7)
    for file_format in ("PNG", "JPEG", "WEBP", "TIFF", "BMP"):
        data = encoded(COLOUR, file_format)
        for cut in (1, 2, 3, *(rng.randrange(30, len(data) - 30) for _ in range(40))):
            assert refusal(data[:-cut]).reason == Reason.CORRUPT, (file_format, cut)


# ---------------------------------------------------------------- bytes that lie

MEASURE = """
import resource, sys
from pathlib import Path
from ml.image import ImageError, read

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

first, *files = map(Path, sys.argv[1:])
read(first.read_bytes())
for file in files:
    data, before = file.read_bytes(), peak()
    try:
        read(data)
    except ImageError:
        pass
    print(file.name, peak() - before, sep="\\t")
"""


def test_bombs_cost_no_memory(tmp_path: Path) -> None:
    """In a process of its own, since a peak of memory is never forgotten."""
    files = {"ordinary": encoded(GREY, "PNG")}
    files |= {f"{name} bomb": make() for name, make in BOMBS.items()}
    files |= {name: make() for name, make in FOLDED.items()}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    command = [sys.executable, "-c", MEASURE, *(str(tmp_path / name) for name in files)]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    grown = {name: int(mebibytes) for name, mebibytes in (line.split("\t") for line in lines)}
    assert len(grown) == len(files) - 1
    assert max(grown.values()) <= 32, grown


@pytest.mark.parametrize("name", ["text in a PNG", "profile in a PNG", "tags in a TIFF"])
def test_what_is_folded_into_a_file_beside_its_pixels_does_not_matter(name: str) -> None:
    assert decode(FOLDED[name]()).pixels.shape == (64, 64)


def mutated(rng: random.Random, data: bytes) -> bytes:
    """A file with a few bytes changed, lost, doubled or added; PNG's checksums made good again."""
    spoilt = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(min(len(spoilt), rng.choice((60, 400, len(spoilt)))))
        number = struct.pack(
            rng.choice("<>") + "I", rng.choice((0, 1, 64, 2**15, 2**16, 2**31 - 1, 2**32 - 1))
        )
        width, new = rng.choice(
            ((1, rng.randbytes(1)), (4, number), (9, b""), (0, rng.randbytes(4)), (2, number[:2]))
        )
        spoilt[at : at + width] = new
    if rng.random() < 0.1:
        del spoilt[rng.randrange(len(spoilt)) :]
    return _with_good_checksums(bytes(spoilt)) if data.startswith(b"\x89PNG") else bytes(spoilt)


def _with_good_checksums(data: bytes) -> bytes:
    good, at = data[:8], 8
    while at + 12 <= len(data):
        length = min(int.from_bytes(data[at : at + 4], "big"), len(data) - at - 12)
        good += chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length])
        at += 12 + length
    return good


@pytest.mark.parametrize("name", [*LOSSLESS, *LOSSY, *DEEP_FILES])
def test_mutated_files_are_read_or_refused(name: str) -> None:
    """Whatever the bytes say, a result in range or an ImageError comes out, and no warning."""
    image, file_format, options = {**LOSSLESS, **LOSSY}.get(name, (None, "", {}))
    data = encoded(image, file_format, **options) if image else DEEP_FILES[name]()
    rng = random.Random(name)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(100):
            try:
                seen = read(mutated(rng, data))
            except ImageError:
                continue
            assert seen.shape == (224, 224)
            assert seen.min() >= 0
            assert seen.max() <= 1
    assert not warned


def test_pillows_switches_stay_as_they_are() -> None:
    before = Image.MAX_IMAGE_PIXELS
    decode(encoded(GREY, "TIFF"))
    assert before == Image.MAX_IMAGE_PIXELS
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
