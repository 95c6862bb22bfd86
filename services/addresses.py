"""E-mail addresses: which are proper, and the one form in which we keep each."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from services.errors import Code, Problem

MAXIMUM_LENGTH = 254
"""RFC 5321's, of a path without its brackets. Looked at first: a megabyte takes the validator seconds."""


def normalised(email: str) -> tuple[str, list[Problem]]:
    """The address in lower case and composed, or "" and what is wrong with it: INVALID."""
    given = email.strip()
    if len(given) > MAXIMUM_LENGTH:
        return "", [_invalid(f"an e-mail address has at most {MAXIMUM_LENGTH} characters")]
    try:
        # A hospital's own network has names that the world does not: no look-up, no list of domains.
        parsed = validate_email(given.lower(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        return "", [_invalid(str(error))]
    return parsed.normalized, []


def _invalid(message: str) -> Problem:
    return Problem(Code.INVALID, message, "email")
