"""DICOM radiographs in, what a viewer shows out: transfer syntaxes, depths, windows, tables, padding."""

import io
import struct
import warnings
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from ml.formats.stripping import strip
from ml.image import decode
from tests.dicom_files import (
    EIGHT,
    LOSSLESS_SYNTAXES,
    LOSSY_SYNTAXES,
    TWELVE,
    as_chest,
    bundled,
    compressed,
    data_set,
    dicom,
    sequence,
    written,
)

HALF_A_GREY = 0.51 / 65_535


def shown(data: bytes) -> NDArray[np.float64]:
    """The picture as it is stored and shown, 0 to 1."""
    with Image.open(io.BytesIO(strip(data))) as image:
        assert image.mode == "I;16"
        return np.asarray(image) / 65_535


def stretched(values: NDArray[Any]) -> NDArray[np.float64]:
    values = values.astype(np.float64)
    return (values - values.min()) / np.ptp(values)


# ---------------------------------------------------------------- what is taken


@pytest.mark.parametrize("name", LOSSLESS_SYNTAXES)
def test_lossless_syntaxes_give_the_samples(name: str) -> None:
    decoded = decode(LOSSLESS_SYNTAXES[name]())
    assert (decoded.format, decoded.media_type) == ("DICOM", "application/dicom")
    assert (decoded.height, decoded.width) == TWELVE.shape
    np.testing.assert_allclose(decoded.pixels, TWELVE / 4080, atol=HALF_A_GREY)


@pytest.mark.parametrize("name", LOSSY_SYNTAXES)
def test_lossy_syntaxes_give_nearly_the_samples(name: str) -> None:
    assert np.abs(decode(LOSSY_SYNTAXES[name]()).pixels - TWELVE / 4080).mean() < 0.02


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("signed", [False, True])
def test_eight_to_sixteen_bits_with_and_without_a_sign(bits: int, signed: bool) -> None:
    dtype = np.dtype(f"{'i' if signed else 'u'}{1 if bits == 8 else 2}")
    low = -(2 ** (bits - 1)) if signed else 0
    samples = (low + EIGHT.astype(np.int64) * (2**bits - 1) // 255).astype(dtype)
    np.testing.assert_allclose(shown(dicom(samples, bits)), stretched(samples), atol=HALF_A_GREY)


@pytest.mark.parametrize("bits", [8, 12, 14, 16])
@pytest.mark.parametrize("codec", ["JPEG", "JPEG-LS", "JPEG 2000"])
def test_compressed_samples_of_all_depths(codec: str, bits: int) -> None:
    samples = (EIGHT.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint8 if bits == 8 else np.uint16)
    stream, syntax = {
        "JPEG": (imagecodecs.jpeg8_encode(samples, lossless=True, bitspersample=bits), uid.JPEGLosslessSV1),
        "JPEG-LS": (imagecodecs.jpegls_encode(samples), uid.JPEGLSLossless),
        "JPEG 2000": (
            imagecodecs.jpeg2k_encode(samples, reversible=True, bitspersample=bits, codecformat="j2k"),
            uid.JPEG2000Lossless,
        ),
    }[codec]
    data = compressed(bytes(stream), syntax, samples, bits)
    np.testing.assert_allclose(shown(data), stretched(samples), atol=HALF_A_GREY)


def test_only_the_bits_that_are_stored_count() -> None:
    """Old files keep overlays in the bits above, and some put their 12 bits into the upper ones."""
    with_overlay = TWELVE | np.where(EIGHT > 99, 0x8000, 0).astype(np.uint16)
    np.testing.assert_array_equal(shown(dicom(with_overlay)), shown(dicom()))
    np.testing.assert_array_equal(shown(dicom(TWELVE << 4, HighBit=15)), shown(dicom()))


def test_eight_bits_in_big_endian_words() -> None:
    swapped = EIGHT.reshape(-1, 2)[:, ::-1].reshape(EIGHT.shape)
    made = data_set(swapped, 8)
    made["PixelData"].VR = "OW"
    np.testing.assert_allclose(
        shown(written(made, uid.ExplicitVRBigEndian)), stretched(EIGHT), atol=HALF_A_GREY
    )


@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian])
def test_a_transfer_syntax_that_is_not_given_is_guessed(syntax: uid.UID) -> None:
    data = written(data_set(TWELVE), syntax)
    at = data.index(b"\2\0\x10\0UI")
    (length,) = struct.unpack_from("<H", data, at + 6)
    without = data[:at] + data[at + 8 + length :]
    np.testing.assert_array_equal(shown(without), shown(data))


def test_fragments_are_put_together() -> None:
    stream = imagecodecs.jpegls_encode(TWELVE)
    made = data_set(TWELVE)
    half = len(stream) // 2 & ~1
    made.PixelData = pydicom.encaps.encapsulate([stream], fragments_per_frame=len(stream) // half + 1)
    made["PixelData"].is_undefined_length, made["PixelData"].VR = True, "OB"
    np.testing.assert_array_equal(shown(written(made, uid.JPEGLSLossless)), shown(dicom()))


REFERENCES = [
    "693_J2KI.dcm",
    "CT_small.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "JPEG2000.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_expb.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_padded.dcm",
    "examples_overlay.dcm",
    "image_dfl.dcm",
]


@pytest.mark.parametrize("name", REFERENCES)
def test_pydicoms_own_files_look_as_pydicom_shows_them(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = pydicom.dcmread(bundled(name))
        values = apply_modality_lut(reference.pixel_array, reference)
        expected = apply_voi_lut(values, reference)
    if "WindowCenter" in reference and np.ptp(expected):
        low, high = apply_voi_lut(np.array([-1e6, 1e6]), reference)
        expected = (expected - low) / (high - low)
    else:
        expected = stretched(values)
    np.testing.assert_allclose(shown(as_chest(name)), expected, atol=2e-5)


def test_pydicoms_lossless_jpeg_ls_is_its_uncompressed_twin() -> None:
    compressed_one, plain = as_chest("MR_small_jpeg_ls_lossless.dcm"), as_chest("MR_small.dcm")
    np.testing.assert_array_equal(decode(compressed_one).pixels, decode(plain).pixels)


# ---------------------------------------------------------------- what a viewer shows


def reference(**attributes: Any) -> NDArray[np.float64]:
    """The window as pydicom reckons it, 0 to 1."""
    made = data_set(TWELVE, **attributes)
    values = apply_modality_lut(TWELVE, made)
    low, high = apply_voi_lut(np.array([-1e5, 1e5]), made)
    return (apply_voi_lut(values, made) - low) / (high - low)


@pytest.mark.parametrize("function", [None, "LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("rescale", [(None, None), (0.5, -300), (-2, 9000)])
def test_windows_are_as_the_standard_reckons_them(
    function: str | None, rescale: tuple[float | None, float | None]
) -> None:
    slope, intercept = rescale
    attributes = {
        "WindowCenter": [1900, 40],
        "WindowWidth": [1500, 80],
        "VOILUTFunction": function,
        "RescaleSlope": slope,
        "RescaleIntercept": intercept,
    }
    np.testing.assert_allclose(shown(dicom(**attributes)), reference(**attributes), atol=1e-4)


def test_without_a_window_the_file_runs_from_its_lowest_to_its_highest() -> None:
    np.testing.assert_allclose(shown(dicom(TWELVE // 4 + 100)), stretched(TWELVE // 4), atol=HALF_A_GREY)


@pytest.mark.parametrize("window", [(-5000, 100), (9000, 10), (2000, 0), (2000, 1), (2000, -7), (2000, None)])
def test_a_window_that_shows_nothing_is_passed_over(window: tuple[float, float | None]) -> None:
    data = dicom(WindowCenter=window[0], WindowWidth=window[1])
    np.testing.assert_array_equal(shown(data), shown(dicom()))


@pytest.mark.parametrize("bits", [8, 10, 16])
def test_a_table_of_values_of_interest_comes_before_a_window(bits: int) -> None:
    most = 2**bits - 1
    entries = np.rint(np.linspace(0, 1, 3000) ** 2 * most).astype(np.uint16)
    table = sequence(LUTDescriptor=[3000, 500, bits], LUTData=entries.tobytes())
    table[0]["LUTDescriptor"].VR, table[0]["LUTData"].VR = "US", "OW"
    expected = entries[np.clip(TWELVE.astype(int) - 500, 0, 2999)] / most
    data = dicom(VOILUTSequence=table, WindowCenter=40, WindowWidth=80)
    np.testing.assert_allclose(shown(data), expected, atol=HALF_A_GREY)


def test_a_modality_table_takes_the_place_of_the_rescaling() -> None:
    entries = (np.arange(4096)[::-1] // 2).astype(np.uint16)
    table = sequence(LUTDescriptor=[4096, 0, 16], LUTData=entries.tobytes())
    table[0]["LUTDescriptor"].VR, table[0]["LUTData"].VR = "US", "OW"
    for syntax in (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian):
        data = written(data_set(TWELVE, ModalityLUTSequence=table), syntax)
        np.testing.assert_allclose(shown(data), stretched(4095 - TWELVE.astype(int)), atol=4e-4)


@pytest.mark.parametrize(
    ("photometric", "shape", "inverse"),
    [
        ("MONOCHROME1", None, True),
        ("MONOCHROME2", None, False),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", False),
    ],
)
def test_the_presentation_says_whether_low_is_white(
    photometric: str, shape: str | None, inverse: bool
) -> None:
    data = dicom(PhotometricInterpretation=photometric, PresentationLUTShape=shape)
    expected = 1 - stretched(TWELVE) if inverse else stretched(TWELVE)
    np.testing.assert_allclose(shown(data), expected, atol=HALF_A_GREY)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("signed", [False, True])
def test_padding_is_black_and_out_of_the_reckoning(photometric: str, signed: bool) -> None:
    samples = TWELVE.astype(np.int16 if signed else np.uint16) // 2 + 1000
    low, high = (-2000, -1990) if signed else (60_000, 60_010)
    padded = samples.copy()
    padded[:, :10], padded[:, 10:20] = low, high
    made = data_set(padded, 16, PhotometricInterpretation=photometric)
    made.add_new("PixelPaddingValue", "SS" if signed else "US", low)
    made.add_new("PixelPaddingRangeLimit", "SS" if signed else "US", high)
    picture = shown(written(made))
    expected = stretched(samples[:, 20:])
    assert not picture[:, :20].any()
    np.testing.assert_allclose(
        picture[:, 20:], 1 - expected if photometric == "MONOCHROME1" else expected, atol=HALF_A_GREY
    )


def test_a_picture_of_one_value_is_black() -> None:
    assert not decode(dicom(np.full((80, 90), 777, np.uint16))).pixels.any()


def test_a_large_picture_is_read_in_strips() -> None:
    y, x = np.mgrid[:2600, :2400]
    samples = (2000 + 1900 * np.sin(x / 50) * np.cos(y / 70)).astype(np.uint16)
    decoded = decode(compressed(imagecodecs.jpegls_encode(samples), uid.JPEGLSLossless, samples))
    assert (decoded.width, decoded.height) == (2400, 2600)
    assert decoded.pixels.shape == (1024, 1024)
    plain = decode(dicom(samples))
    np.testing.assert_array_equal(decoded.pixels, plain.pixels)
