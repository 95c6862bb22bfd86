"""What a DICOM file may show: chest radiographs. What it does not say is no reason to refuse it."""

import re
from typing import Final

from ml.formats.dicom_attributes import Attributes, Tag
from ml.formats.image_error import ImageError, Reason

# Computed and digital radiography, its older name, digitised film, and what only says that it is none of
# the others: secondary captures.
_MODALITIES: Final = ("", "CR", "DX", "DR", "RG", "OT")

_STANDARD_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."
_STORAGE: Final = {
    _STANDARD_STORAGE + kind for kind in ("1", "1.1", "1.1.1", "7", "7.1", "7.2", "7.3", "7.4")
}  # computed and digital radiography; secondary capture

# Other words, of other languages too, say nothing clearly.
_CHEST: Final = re.compile(r"CHEST|HEART|LUNG|MEDIASTIN|\bRIBS?\b|THORA|TORAX")
_ELSEWHERE: Final = re.compile(
    r"\b(ABDOMEN|ANKLE|ARM|BREAST|CALCANEUS|CLAVICLE|COCCYX|[CLT]?SPINE|ELBOW|EXTREMITY|FEMUR|FINGER|FOOT"
    r"|FOREARM|HAND|HEAD|HIP|HUMERUS|JAW|KNEE|LEG|MANDIBLE|MAXILLA|NECK|ORBIT|PATELLA|PELVIS|RADIUS|SACRUM"
    r"|SCAPULA|SHOULDER|SINUS|SKULL|TEETH|THIGH|TIBIA|TOE|ULNA|WRIST)"
)
_NOT_FRONTAL: Final = re.compile(r"\b(LL|RL|LAT|LATERAL|OBL|OBLIQUE|LAO|LPO|LLO|RAO|RPO|RLO)\b")
_WORD: Final = re.compile(r"[A-Z]+")


def check_kind(attributes: Attributes) -> None:
    """Raises ImageError where the file says clearly that it is no frontal chest radiograph for eyes."""
    modality, part = attributes.text(Tag.MODALITY), attributes.text(Tag.BODY_PART)
    view, sop_class = attributes.text(Tag.VIEW_POSITION), attributes.text(Tag.SOP_CLASS)
    if modality not in _MODALITIES:
        raise _refusal(f"of modality {_shown(modality)}")
    if sop_class.startswith(_STANDARD_STORAGE) and sop_class not in _STORAGE:
        raise _refusal("of another kind of examination")
    if _ELSEWHERE.search(part) and not _CHEST.search(part):
        raise _refusal(f"of another part of the body, {_shown(part)}")
    if _NOT_FRONTAL.search(view):
        raise _refusal(f"a lateral or oblique view, {_shown(view)}")
    if attributes.text(Tag.PRESENTATION_INTENT) == "FOR PROCESSING":
        raise _refusal("raw data of a detector; export what is FOR PRESENTATION")
    if attributes.text(Tag.BURNED_IN) == "YES":
        message = "The DICOM file says that its pixels tell who the patient is; take the writing out of them."
        raise ImageError(Reason.IDENTIFYING, message)


def _refusal(what: str) -> ImageError:
    message = f"The DICOM file is {what}. Frontal chest radiographs (CR, DX) are taken."
    return ImageError(Reason.NOT_A_CHEST_XRAY, message)


def _shown(text: str) -> str:
    """What may be repeated of a file's own words."""
    return " ".join(_WORD.findall(text))[:16] or "unknown"
