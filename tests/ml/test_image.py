"""Image files in, what the classifier sees out: formats, depths, orientation, size."""

import io
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from ml.image import decode, prepare
from tests.image_files import COLOUR, DEEP, DEEP_FILES, GREY, LOSSLESS, LOSSY, encoded, png, read, tiff

ROUNDING = 1.51 / 255  # of Pillow in integers: half a step for luminance, up to one for alpha


def luminance(image: Image.Image) -> NDArray[np.float64]:
    """Rec. 601 in double precision, over black: what ``decode`` is measured against."""
    image = image.convert("RGB") if image.mode == "LAB" else image
    rgba = np.asarray(image.convert("RGBA"), dtype=np.float64) / 255
    return rgba[..., :3] @ (0.299, 0.587, 0.114) * rgba[..., 3]


def difference(data: bytes, image: Image.Image) -> float:
    """The largest difference of a file's pixels from an image's luminance."""
    return float(np.abs(decode(data).pixels - luminance(image)).max())


# ---------------------------------------------------------------- what is taken


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


def test_adobes_marker_says_which_colours_a_jpeg_has() -> None:
    data = encoded(COLOUR, "JPEG", keep_rgb=True, quality=95)
    for name, number in ((b"R", b"\1"), (b"G", b"\2"), (b"B", b"\3")):
        data = data.replace(name + b"\x11\0", number + b"\x11\0").replace(name + b"\0", number + b"\0")
    assert np.abs(decode(data).pixels - luminance(COLOUR)).mean() < 0.02


def test_what_follows_a_picture_is_no_part_of_it() -> None:
    """Telephones put a depth map, a second view or a film behind the picture."""
    for file_format in ("PNG", "JPEG", "WEBP"):
        data = encoded(GREY, file_format)
        np.testing.assert_array_equal(decode(data + data).pixels, decode(data).pixels)
    pair = encoded(GREY, "MPO", save_all=True, append_images=[COLOUR])
    assert decode(pair).format == "JPEG"
    assert np.abs(decode(pair).pixels - luminance(GREY)).mean() < 0.02


# ---------------------------------------------------------------- more than eight bits


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


UNREADABLE_EXIF = {
    "empty": b"",
    "directory outside": b"II*\0\xff\xff\xff\xff",
    "nonsense": b"MM\0*" + b"\x01" * 90,
    "orientation nine": tiff([(274, 3, 1, 9)]),
    "orientations without end": tiff([(274, 3, 2**32 - 1, 6)]),
}


@pytest.mark.parametrize("exif", UNREADABLE_EXIF.values(), ids=UNREADABLE_EXIF.keys())
def test_exif_that_cannot_be_read_does_not_spoil_a_picture(exif: bytes) -> None:
    spoilt, plain = encoded(GREY, "JPEG", exif=b"Exif\0\0" + exif), encoded(GREY, "JPEG")
    np.testing.assert_array_equal(decode(spoilt).pixels, decode(plain).pixels)


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


def test_pillows_switches_stay_as_they_are() -> None:
    before = Image.MAX_IMAGE_PIXELS
    decode(encoded(GREY, "TIFF"))
    assert before == Image.MAX_IMAGE_PIXELS
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
