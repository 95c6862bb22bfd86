"""Arguments and input fields that may be left out."""

from __future__ import annotations

from typing import Any, TypeVar

import strawberry

T = TypeVar("T")

OMITTED: Any = strawberry.UNSET
"""The default of what may be left out: None as a default would show in the SDL as `= null`."""


def given(value: T | None) -> T | None:
    """What was given, or None where it was left out: to most of the schema both mean the same."""
    return None if value is OMITTED else value
