"""Text from outside as we keep it."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

from services.errors import Code, refuse

PATIENT_REF_LENGTH = 100
FILENAME_LENGTH = 255
LINE_ENDS = "\u2028\u2029"


def visible(text: str) -> str:
    """The text without control and format characters, lone surrogates and line ends, and without blank ends.

    What would turn the direction of writing or break a line makes a text look like another one.
    """
    return "".join(
        one for one in text if unicodedata.category(one)[0] != "C" and one not in LINE_ENDS
    ).strip()


def clean_filename(name: str) -> str:
    """The last part of a path, without what is invisible, of a length that we keep."""
    last = visible(PureWindowsPath(PurePosixPath(name).name).name)[-FILENAME_LENGTH:]
    return "unnamed" if last in ("", ".", "..") else last


def checked_filename(name: str) -> str:
    """The filename that somebody chooses, as we keep it.

    Raises:
        Refused: REQUIRED or TOO_LARGE.
    """
    if not visible(name):
        raise refuse(Code.REQUIRED, "a filename is needed", "filename")
    if len(name) > FILENAME_LENGTH:
        raise refuse(Code.TOO_LARGE, f"a filename has at most {FILENAME_LENGTH} characters", "filename")
    return clean_filename(name)


def clean_patient_ref(reference: str | None) -> str | None:
    """The reference as we keep it; blank is none.

    Raises:
        Refused: TOO_LARGE.
    """
    kept = visible(reference or "")
    if len(kept) > PATIENT_REF_LENGTH:
        raise refuse(
            Code.TOO_LARGE, f"a patient reference has at most {PATIENT_REF_LENGTH} characters", "patientRef"
        )
    return kept or None
