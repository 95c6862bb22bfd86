"""What a look at an installation found: a line for each part, with the remedy where something is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How it is with a part."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Checked:
    """What is known of one part, and how to mend it where that is to be done."""

    part: str
    level: Level
    words: str
    remedy: str | None = None


def ok(part: str, words: str) -> Checked:
    return Checked(part, Level.OK, words)


def warning(part: str, words: str, remedy: str) -> Checked:
    return Checked(part, Level.WARNING, words, remedy)


def fault(part: str, words: str, remedy: str) -> Checked:
    return Checked(part, Level.FAULT, words, remedy)
