"""A part of one kind of the label queue's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=tuple[float, ...])


@dataclass(frozen=True)
class Part(Generic[K]):
    """``size`` rows from the start, or from the end, of those behind ``after`` and before ``end``.

    The row of ``end`` itself is one of them where ``with_end`` says so.
    """

    size: int
    after: K
    end: K | None
    with_end: bool
    from_end: bool
