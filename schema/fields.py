"""Strawberry's decorators with the types that they leave out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry

F = TypeVar("F", bound=Callable[..., Any])


def field(description: str) -> Callable[[F], F]:
    """A field that is resolved by the method below."""
    return cast(Callable[[F], F], strawberry.field(description=description))


def subscription(description: str) -> Callable[[F], F]:
    """A subscription whose events the method below finds."""
    return cast(Callable[[F], F], strawberry.subscription(description=description))
