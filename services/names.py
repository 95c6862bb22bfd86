"""Names of people, which stand in the headers and the greetings of mails."""

from __future__ import annotations

import unicodedata

from services.errors import Code, Problem

MAXIMUM_LENGTH = 100
JOINERS = "\u200c\u200d"
"""Unseen, and part of names in Persian, Sinhala and others."""


def on_one_line(text: str) -> str:
    """The text without line breaks, its words a single space apart."""
    return " ".join(text.split())


def problems_of(name: str) -> list[Problem]:
    """What is wrong with a name, once it is on one line: REQUIRED, TOO_LARGE or INVALID."""
    name = on_one_line(name)
    if not name:
        return [Problem(Code.REQUIRED, "a name is needed", "name")]
    if len(name) > MAXIMUM_LENGTH:
        return [Problem(Code.TOO_LARGE, f"a name has at most {MAXIMUM_LENGTH} characters", "name")]
    # Controls, also those that turn the direction of what follows, and half characters; some scripts join.
    if any(unicodedata.category(letter).startswith("C") and letter not in JOINERS for letter in name):
        return [Problem(Code.INVALID, "a name has no invisible characters", "name")]
    return []
