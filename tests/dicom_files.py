"""DICOM files written by pydicom, and those that it brings, made to pass for chest radiographs."""

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import imagecodecs
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import encaps, uid
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset

from tests.image_files import GREY

NAME: Final = "Doe^Jane"
TWELVE: Final = np.asarray(GREY, dtype=np.uint16) * 16  # 12 bits: 0 to 4080


def data_set(pixels: NDArray[Any], stored: int = 12, **attributes: Any) -> Dataset:
    """A digital radiograph of somebody's chest; ``attributes`` change some or, with None, drop them."""
    made = Dataset()
    usual: Mapping[str, Any] = {
        "SOPClassUID": uid.DigitalXRayImageStorageForPresentation,
        "SOPInstanceUID": "1.2.3.4",
        "Modality": "DX",
        "PatientName": NAME,
        "PatientID": "MRN-4711",
        "PatientBirthDate": "19520229",
        "InstitutionName": "Hospital San Bernardo",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "BitsAllocated": pixels.dtype.itemsize * 8,
        "BitsStored": stored,
        "HighBit": stored - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.tobytes(),
    }
    for keyword, value in {**usual, **attributes}.items():
        if value is not None:
            setattr(made, keyword, value)
    return made


def written(made: Dataset, syntax: uid.UID = uid.ExplicitVRLittleEndian) -> bytes:
    """The data set as a file."""
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.file_meta.MediaStorageSOPClassUID = made.get("SOPClassUID", "1.2")
    made.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pydicom, about what the tests get wrong on purpose
        pydicom.dcmwrite(
            file,
            made,
            enforce_file_format=True,
            implicit_vr=syntax.is_implicit_VR,
            little_endian=syntax.is_little_endian,
        )
    return file.getvalue()


def dicom(pixels: NDArray[Any] = TWELVE, stored: int = 12, **attributes: Any) -> bytes:
    """A file of these samples, uncompressed."""
    return written(data_set(pixels, stored, **attributes))


def compressed(
    stream: bytes, syntax: uid.UID, pixels: NDArray[Any], stored: int = 12, **attributes: Any
) -> bytes:
    """A file of samples that were compressed to ``stream``."""
    made = data_set(pixels, stored, **attributes)
    made.PixelData = encaps.encapsulate([stream])
    made["PixelData"].is_undefined_length = True
    made["PixelData"].VR = "OB"
    return written(made, syntax)


def rle(pixels: NDArray[Any], **attributes: Any) -> bytes:
    """A file that is run-length encoded by pydicom itself."""
    made = data_set(pixels, **attributes)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.compress(uid.RLELossless, generate_instance_uid=False)
    return written(made, uid.RLELossless)


def sequence(**attributes: Any) -> list[Dataset]:
    """A sequence of one item."""
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return [item]


def bundled(name: str) -> Path:
    """One of the files that pydicom brings."""
    found = get_testdata_file(name, download=False)
    assert isinstance(found, str)
    return Path(found)


def as_chest(name: str, **attributes: Any) -> bytes:
    """A file of pydicom's, its pixels as they are, said to be of a chest."""
    made = pydicom.dcmread(bundled(name), force=True)
    chest = {"Modality": "DX", "SOPClassUID": uid.DigitalXRayImageStorageForPresentation}
    for keyword in ("BodyPartExamined", "ViewPosition"):
        made.pop(keyword, None)
    for keyword, value in {**chest, **attributes}.items():
        setattr(made, keyword, value)
    return written(made, made.file_meta.TransferSyntaxUID)


def _lossless_jpeg(predictor: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(TWELVE, lossless=True, bitspersample=12, predictor=predictor))


EIGHT: Final = np.asarray(GREY)
LOSSLESS_SYNTAXES: Final = {
    "explicit": lambda: dicom(),
    "implicit": lambda: written(data_set(TWELVE), uid.ImplicitVRLittleEndian),
    "deflated": lambda: written(data_set(TWELVE), uid.DeflatedExplicitVRLittleEndian),
    "big-endian": lambda: written(data_set(TWELVE.astype(">u2"), 12), uid.ExplicitVRBigEndian),
    "RLE": lambda: rle(TWELVE),
    "JPEG lossless": lambda: compressed(_lossless_jpeg(4), uid.JPEGLossless, TWELVE),
    "JPEG lossless, first predictor": lambda: compressed(_lossless_jpeg(1), uid.JPEGLosslessSV1, TWELVE),
    "JPEG-LS": lambda: compressed(imagecodecs.jpegls_encode(TWELVE), uid.JPEGLSLossless, TWELVE),
    "JPEG 2000": lambda: compressed(
        imagecodecs.jpeg2k_encode(TWELVE, reversible=True, bitspersample=12, codecformat="j2k"),
        uid.JPEG2000Lossless,
        TWELVE,
    ),
    "JPEG 2000 in its own file": lambda: compressed(
        imagecodecs.jpeg2k_encode(TWELVE, reversible=True, bitspersample=12, codecformat="jp2"),
        uid.JPEG2000Lossless,
        TWELVE,
    ),
}
LOSSY_SYNTAXES: Final = {
    "JPEG baseline": lambda: compressed(
        imagecodecs.jpeg8_encode(EIGHT, level=95), uid.JPEGBaseline8Bit, EIGHT, 8
    ),
    "JPEG extended, 12 bits": lambda: compressed(
        imagecodecs.jpeg8_encode(TWELVE, level=95, bitspersample=12), uid.JPEGExtended12Bit, TWELVE
    ),
    "JPEG-LS, near-lossless": lambda: compressed(
        imagecodecs.jpegls_encode(TWELVE, level=9), uid.JPEGLSNearLossless, TWELVE
    ),
    "JPEG 2000, lossy": lambda: compressed(
        imagecodecs.jpeg2k_encode(TWELVE, level=60, bitspersample=12, codecformat="j2k"), uid.JPEG2000, TWELVE
    ),
}
