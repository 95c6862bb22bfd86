"""A picture at its full size, written anew: all of its pixels, and nothing of the file that they came in."""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml import full_size as module
from ml.formats.stripping import strip
from ml.full_size import full_size
from ml.image import ImageError
from ml.png import Raster, written
from tests.bad_images import BOMBS, REFUSED
from tests.image_files import COLOUR, GREY, chunk, encoded, png, with_alpha
from tests.ml.test_stripping import FILES, SECRET, TELLING
from tests.rendered import rendered

DEEP = Image.fromarray(np.asarray(GREY, dtype=np.uint16) * 257 - 9)
RUN = 12
"""Bytes in a row that no two files have in common by chance."""
EMPTY = b"\0\0\0\xff\xff"
"""A stored block of deflate without any bytes."""


def anew(data: bytes) -> bytes:
    """The file that a browser gets of one that is kept."""
    return b"".join(written(full_size(data)))


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk of a PNG, whose checksum has to hold, and which has to end with the file."""
    at = 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert data[at : at + 12 + length] == chunk(kind, body)
        yield kind, body
        at += 12 + length
    assert at == len(data)


@pytest.fixture(params=[module.STRIP_PIXELS, 1000], ids=["in one strip", "in many"])
def strips(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STRIP_PIXELS", request.param)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.usefixtures("strips")
def test_every_pixel_is_as_it_is_kept(name: str) -> None:
    kept = strip(FILES[name]())
    assert rendered(anew(kept)) == rendered(kept)


@pytest.mark.parametrize("image", [GREY, DEEP, COLOUR, with_alpha(COLOUR)], ids=lambda image: image.mode)
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.usefixtures("strips")
def test_it_is_upright(image: Image.Image, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    kept = strip(encoded(image, "PNG", exif=exif))
    assert rendered(anew(kept)) == rendered(kept)


def test_real_files_as_users_have_them(site_a: Path) -> None:
    for file in sorted((site_a / "originals").iterdir()):
        data = file.read_bytes()
        assert rendered(anew(strip(data))) == rendered(data), file.name


@pytest.mark.parametrize("name", FILES)
def test_it_holds_pixels_and_nothing_else(name: str) -> None:
    found = list(chunks(anew(strip(FILES[name]()))))
    assert [kind for kind, _ in found] == [b"IHDR", *[b"IDAT"] * (len(found) - 2), b"IEND"]
    (width, height, depth, colour, *rest) = struct.unpack(">IIBBBBB", found[0][1])
    assert (rest, found[-1][1]) == ([0, 0, 0], b"")
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[colour] * depth // 8
    pixels = zlib.decompressobj()
    assert len(pixels.decompress(b"".join(body for _, body in found[1:]))) == height * (1 + width * samples)
    assert (pixels.eof, pixels.unused_data) == (True, b"")


@pytest.mark.parametrize("name", TELLING)
def test_nothing_of_what_else_is_in_a_file_is_in_it(name: str) -> None:
    """Even where nothing was dropped before."""
    data = TELLING[name]()
    for kept in (strip(data), data):
        written_anew = anew(kept)
        assert SECRET[:RUN] not in written_anew
        assert rendered(written_anew) == rendered(strip(data))


@pytest.mark.parametrize("name", ["PNG colour", "PNG palette", "JPEG colour", "JPEG progressive", "WebP"])
def test_no_run_of_bytes_is_the_sender_s(name: str) -> None:
    """Behind the head of a PNG, which says the size."""
    kept = strip(FILES[name]())
    (_, *rest) = chunks(anew(kept))
    runs = {body[at : at + RUN] for _, body in rest for at in range(len(body) - RUN + 1)}
    assert runs
    assert not [at for at in range(33, len(kept)) if kept[at : at + RUN] in runs]


def test_what_a_sender_has_compressed_by_hand_is_compressed_anew() -> None:
    """A stream that is lawful, and odd: stored blocks, of which the last are empty."""
    rows = b"".join(b"\0" + bytes(row) for row in np.asarray(GREY))
    stored = zlib.compressobj(0)
    odd = stored.compress(rows) + stored.flush(zlib.Z_FULL_FLUSH) + EMPTY * 50
    kept = strip(png(*GREY.size, odd + stored.flush()))
    assert kept.count(EMPTY) >= 50
    assert EMPTY not in anew(kept)
    assert rendered(anew(kept)) == rendered(encoded(GREY, "PNG"))


@pytest.mark.parametrize("name", [*REFUSED, *BOMBS])
def test_what_is_refused_is_not_shown(name: str) -> None:
    makers = {**BOMBS, **{key: maker for key, (_, maker) in REFUSED.items()}}
    with pytest.raises(ImageError):
        anew(strip(makers[name]()))


@pytest.mark.parametrize("strips", [[b"ab"], [b"abc"], [b"abcd", b"ef"], [b"abcd", b"efg"], [b"", b"abcd"]])
def test_strips_that_are_not_the_rows_are_no_picture(strips: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"rows|reshape|broadcast"):
        list(written(Raster(2, 2, 1, 8, strips)))


def test_a_damaged_file_is_none() -> None:
    data = encoded(COLOUR, "JPEG")
    with pytest.raises(ImageError):
        anew(data[:-200])


def test_colours_that_are_all_grey_are_one_channel() -> None:
    """Most films that come in colour are grey: a third of the samples says the same."""
    grey = anew(encoded(GREY.convert("RGB"), "PNG"))
    assert grey == anew(encoded(GREY, "PNG"))
    one = GREY.convert("RGB")
    one.putpixel((7, 80), (1, 1, 2))
    assert Image.open(io.BytesIO(anew(encoded(one, "PNG")))).mode == "RGB"


def test_browsers_are_told_of_16_bits_high_byte_first() -> None:
    found = Image.open(io.BytesIO(anew(encoded(DEEP, "PNG"))))
    assert found.mode == "I;16"
    np.testing.assert_array_equal(np.asarray(found), np.asarray(DEEP))
