"""Why an administrator did something: asked for, and kept."""

from __future__ import annotations

from services.errors import Code, refuse

REASON_LENGTH = 500


def checked(reason: str) -> str:
    """The reason as it is kept.

    Raises:
        Refused: REQUIRED or TOO_LARGE.
    """
    if not reason.strip():
        raise refuse(Code.REQUIRED, "say why: it is kept in the history", "reason")
    if len(reason.strip()) > REASON_LENGTH:
        raise refuse(Code.TOO_LARGE, f"a reason has at most {REASON_LENGTH} characters", "reason")
    return reason.strip()
