"""Keyset pages: stable while rows come and go, as fast at the end as at the beginning."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Generic, TypeVar

from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

M = TypeVar("M", bound=Model)
Key = tuple[Any, ...]

NEWEST_FIRST = ("-id",)


@dataclass(frozen=True)
class Window:
    """Which rows: ``size`` from the start, or from the end, of what lies between two keys."""

    size: int
    after: Key | None = None
    before: Key | None = None
    from_end: bool = False


@dataclass(frozen=True)
class Page(Generic[M]):
    """Rows in order, their keys, and whether there are more on either side."""

    rows: list[M]
    keys: list[Key]
    has_next: bool
    has_previous: bool
    count: Callable[[], Awaitable[int]]


async def page(query: QuerySet[M], window: Window, order: tuple[str, ...] = NEWEST_FIRST) -> Page[M]:
    """One page of ``query``, ordered by ``order``, whose last field must be unique."""
    bounded = query
    if window.after is not None:
        bounded = bounded.filter(_beyond(order, window.after))
    if window.before is not None:
        bounded = bounded.filter(_beyond(_reversed(order), window.before))
    direction = _reversed(order) if window.from_end else order
    rows = await bounded.order_by(*direction).limit(window.size + 1)
    more, rows = len(rows) > window.size, rows[: window.size]
    if window.from_end:
        rows.reverse()
    has_next, has_previous = (
        (window.before is not None, more) if window.from_end else (more, window.after is not None)
    )
    keys = [tuple(getattr(row, field.lstrip("-")) for field in order) for row in rows]
    return Page(rows, keys, has_next, has_previous, lambda: _count(query))


async def _count(query: QuerySet[Any]) -> int:
    return await query.count()


def _reversed(order: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(field[1:] if field.startswith("-") else f"-{field}" for field in order)


def _beyond(order: tuple[str, ...], key: Key) -> Q:
    """Rows strictly behind ``key``: equal in the first fields, beyond it in the next."""
    names = [field.lstrip("-") for field in order]
    steps = []
    for depth, field in enumerate(order):
        compare = "lt" if field.startswith("-") else "gt"
        equal = {names[i]: key[i] for i in range(depth)}
        steps.append(Q(**equal, **{f"{names[depth]}__{compare}": key[depth]}))
    return reduce(or_, steps)
