"""Files that are refused, each with its reason, at no cost; and bytes that lie."""

import pickle
import random
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.formats.stripping import strip
from ml.image import ImageError, Reason, decode
from tests.bad_images import BOMBS, FOLDED, NOT_IMAGES, OTHER_FORMATS, REFUSED
from tests.dicom_files import LOSSLESS_SYNTAXES, LOSSY_SYNTAXES
from tests.image_files import COLOUR, DEEP_FILES, GREY, LOSSLESS, LOSSY, chunk, encoded, picture, read

ROOT = Path(__file__).parents[2]


def refusal(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(data)
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.mark.parametrize("name", NOT_IMAGES)
def test_what_is_not_an_image(name: str) -> None:
    error = refusal(NOT_IMAGES[name])
    assert error.reason == Reason.NOT_AN_IMAGE
    assert "PNG, JPEG, WebP, TIFF, BMP and DICOM" in str(error)


@pytest.mark.parametrize("name", OTHER_FORMATS)
def test_formats_that_are_not_taken_are_named(name: str) -> None:
    error = refusal(OTHER_FORMATS[name]())
    assert error.reason == Reason.UNSUPPORTED_FORMAT
    assert str(error).startswith(f"{name} images are not taken. PNG, JPEG, WebP, TIFF, BMP and DICOM")


@pytest.mark.parametrize("name", REFUSED)
def test_each_refusal_has_its_reason(name: str) -> None:
    reason, make = REFUSED[name]
    assert refusal(make()).reason == reason


def test_a_refusal_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(refusal(b"")))
    assert (error.reason, str(error)) == (Reason.NOT_AN_IMAGE, str(refusal(b"")))


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
from ml.image import ImageError, decode

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

first, *files = map(Path, sys.argv[1:])
decode(first.read_bytes())
for file in files:
    data, before = file.read_bytes(), peak()
    try:
        decode(data)
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
    assert max(grown.values()) <= 64, grown


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


DICOM_FILES = {**LOSSLESS_SYNTAXES, **LOSSY_SYNTAXES}


@pytest.mark.parametrize("name", [*LOSSLESS, *LOSSY, *DEEP_FILES, *DICOM_FILES])
def test_mutated_files_are_read_or_refused(name: str) -> None:
    """Whatever the bytes say, a result in range or an ImageError comes out, and no warning."""
    image, file_format, options = {**LOSSLESS, **LOSSY}.get(name, (None, "", {}))
    data = encoded(image, file_format, **options) if image else {**DEEP_FILES, **DICOM_FILES}[name]()
    rng = random.Random(name)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(100):
            try:
                spoilt = mutated(rng, data)
                seen, kept = read(spoilt), read(strip(spoilt))
            except ImageError:
                continue
            np.testing.assert_allclose(seen, kept, atol=1e-4)
            assert seen.shape == (224, 224)
            assert seen.min() >= 0
            assert seen.max() <= 1
    assert not warned
