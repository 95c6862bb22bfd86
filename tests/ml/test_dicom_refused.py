"""DICOM files that are refused with a reason, those that say little and are taken, and bytes that lie."""

import random
import struct
import time
import warnings
from typing import Any

import imagecodecs
import pytest
from pydicom import uid
from pydicom.data import get_testdata_files

from ml.image import ImageError, Reason, decode
from tests.bad_images import dicom_of_size, jpeg_2000, nested, runs, with_private
from tests.dicom_files import LOSSLESS_SYNTAXES, NAME, TWELVE, as_chest, bundled, compressed, dicom


def refusal(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(data)
    assert NAME not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"Modality": "CT"}, "modality CT"),
        ({"Modality": "MR"}, "modality MR"),
        ({"Modality": "MG"}, "modality MG"),
        ({"Modality": "US"}, "modality US"),
        ({"Modality": "PX"}, "modality PX"),
        ({"Modality": None, "SOPClassUID": uid.CTImageStorage}, "another kind of examination"),
        ({"BodyPartExamined": "SKULL"}, "another part of the body, SKULL"),
        ({"BodyPartExamined": "L HAND"}, "another part of the body, L HAND"),
        ({"BodyPartExamined": "KNEE"}, "another part of the body, KNEE"),
        ({"BodyPartExamined": "TSPINE"}, "another part of the body, TSPINE"),
        ({"ViewPosition": "LL"}, "lateral or oblique view, LL"),
        ({"ViewPosition": "LATERAL"}, "lateral or oblique view, LATERAL"),
        ({"ViewPosition": "RAO"}, "lateral or oblique view, RAO"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw data of a detector"),
    ],
)
def test_what_is_clearly_no_frontal_chest_radiograph(attributes: dict[str, Any], named: str) -> None:
    error = refusal(dicom(**attributes))
    assert error.reason == Reason.NOT_A_CHEST_XRAY
    assert named in str(error)
    assert "Frontal chest radiographs (CR, DX) are taken." in str(error)


def test_writing_that_tells_who_the_patient_is() -> None:
    assert refusal(dicom(BurnedInAnnotation="YES")).reason == Reason.IDENTIFYING
    assert decode(dicom(BurnedInAnnotation="NO")).format == "DICOM"


@pytest.mark.parametrize(
    "attributes",
    [
        {"Modality": "CR", "SOPClassUID": uid.ComputedRadiographyImageStorage},
        {"Modality": "CR", "SOPClassUID": "1.2.392.200036.9125.1.1.2"},
        {"Modality": "OT", "SOPClassUID": uid.SecondaryCaptureImageStorage},
        {"Modality": None, "BodyPartExamined": None, "ViewPosition": None},
        {"Modality": "", "BodyPartExamined": "", "ViewPosition": ""},
        {"BodyPartExamined": "CHESTABDOMEN"},
        {"BodyPartExamined": "ABDOMEN CHEST"},
        {"BodyPartExamined": "TORAX"},
        {"BodyPartExamined": "POITRINE"},
        {"BodyPartExamined": "PORT CHEST", "ViewPosition": "AP"},
        {"ViewPosition": "LLD"},
        {"PresentationIntentType": "FOR PRESENTATION"},
        {"SamplesPerPixel": None, "PixelRepresentation": None, "HighBit": None},
        {"NumberOfFrames": 1},
    ],
)
def test_what_may_be_one_is_taken(attributes: dict[str, Any]) -> None:
    assert decode(dicom(**attributes)).pixels.shape == TWELVE.shape


def test_pydicoms_scans_are_refused_for_what_they_are() -> None:
    for name in ("CT_small", "MR_small", "MR_small_RLE", "rtdose", "waveform_ecg", "test-SR"):
        assert refusal(bundled(f"{name}.dcm").read_bytes()).reason == Reason.NOT_A_CHEST_XRAY
    assert refusal(as_chest("examples_rgb_color.dcm")).reason == Reason.UNSUPPORTED_FORMAT
    assert refusal(as_chest("SC_rgb_rle_2frame.dcm")).reason == Reason.UNSUPPORTED_FORMAT
    assert refusal(as_chest("MR_truncated.dcm")).reason == Reason.CORRUPT


def test_all_that_pydicom_brings_is_read_or_refused() -> None:
    files = [path for path in map(str, get_testdata_files()) if path.endswith(".dcm")]
    assert len(files) > 70
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for path in files:
            with open(path, "rb") as file:
                data = file.read()
            try:
                assert decode(data).pixels.max() <= 1
            except ImageError:
                continue
    assert not warned


def test_a_cut_anywhere_is_noticed() -> None:
    rng = random.Random(7)
    for name, make in LOSSLESS_SYNTAXES.items():
        data = make()
        for cut in (8, 9, *(rng.randrange(10, len(data) - 140) for _ in range(30))):
            assert refusal(data[:-cut]).reason in (Reason.CORRUPT, Reason.UNSUPPORTED_FORMAT), (name, cut)


NONSENSE = {
    "more bits than there are": {"BitsStored": 17, "HighBit": 16},
    "a high bit below the others": {"HighBit": 3},
    "a table of nothing": {"RescaleSlope": 0},
    "no rows": {"Rows": 0},
}


def test_a_jpeg_ls_scan_that_is_cut_short_is_soon_refused() -> None:
    """Left to itself the codec looks for its end for five seconds."""
    stream = imagecodecs.jpegls_encode(TWELVE)
    began = time.thread_time()
    for end in range(200, len(stream), 1000):
        assert refusal(compressed(stream[:end], uid.JPEGLSLossless, TWELVE)).reason is Reason.CORRUPT
    assert time.thread_time() - began < 5


@pytest.mark.parametrize("attributes", NONSENSE.values(), ids=NONSENSE.keys())
def test_attributes_that_make_no_sense(attributes: dict[str, Any]) -> None:
    assert refusal(dicom(**attributes)).reason == Reason.CORRUPT


def test_decimals_that_make_no_sense() -> None:
    data = dicom(RescaleSlope="1.000000")
    for text in (b"NaN     ", b"1e400   ", b"infinity", b"1_0__0  ", b"\xff" * 8, b"one     "):
        assert refusal(data.replace(b"1.000000", text)).reason == Reason.CORRUPT, text


def test_the_makers_of_bad_files_make_good_ones_too() -> None:
    """Else the refusals would be for another reason than the one meant."""
    few = struct.pack("<HH2sH", 0x19, 0x1001, b"LO", 0) * 100
    for data in (
        with_private(dicom(), few),
        with_private(dicom(), nested(20)),
        dicom_of_size(*TWELVE.shape),
        dicom_of_size(*TWELVE.shape, "JPEG-LS"),
        compressed(runs(TWELVE), uid.RLELossless, TWELVE),
        jpeg_2000(),
        jpeg_2000(layers=5),
        jpeg_2000(precinct=8),
    ):
        assert decode(data).format == "DICOM"
