"""Relay connections over keyset pages: stable while rows come and go."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Generic, TypeVar

import strawberry

from schema.arguments import given
from schema.errors import bad_input
from schema.fields import field
from store import tables
from store.pages import Key, Page, Window

DEFAULT_SIZE = 20
MAX_SIZE = 100
LARGEST_KEY = 2**63
"""Beyond what the databases keep."""

N = TypeVar("N")
Entry = TypeVar("Entry", tables.Label, tables.Prediction)
Row = TypeVar(
    "Row",
    tables.User,
    tables.Image,
    tables.Prediction,
    tables.Label,
    tables.ModelVersion,
    tables.TrainingRun,
    tables.RetrainingPolicy,
    tables.NewsPost,
    tables.ContactMessage,
    tables.TrailEntry,
)

First = Annotated[
    int | None,
    strawberry.argument(
        description=f"So many from the beginning, or behind `after`: 0 to {MAX_SIZE}, "
        f"{DEFAULT_SIZE} where neither this nor `last` is given."
    ),
]
After = Annotated[
    str | None, strawberry.argument(description="Only what lies behind this cursor of an edge.")
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description=f"So many from the end, or before `before`: 0 to {MAX_SIZE}. Not together with `first`."
    ),
]
Before = Annotated[
    str | None, strawberry.argument(description="Only what lies before this cursor of an edge.")
]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more behind this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge, if there is one.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge, if there is one.")


@strawberry.type(description="An entry of a list, with its place.")
class Edge(Generic[N]):
    cursor: str = strawberry.field(description="The entry's place, for `after` and `before`. Opaque.")
    node: N = strawberry.field(description="The entry itself.")


@strawberry.type(description="A page of a list. Entries that come or go elsewhere do not shift it.")
class Connection(Generic[N]):
    edges: list[Edge[N]] = strawberry.field(description="The entries with their places.")
    nodes: list[N] = strawberry.field(description="The entries alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @field("How many entries the whole list has; counted only where it is asked for.")
    async def total_count(self) -> int:
        return await self.count()


def window_of(
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    key: tuple[type, ...] = (int,),
) -> Window:
    """The rows that a connection's arguments ask for; ``key`` tells the types in its cursors.

    Raises:
        GraphQLError: BAD_USER_INPUT.
    """
    first, after, last, before = given(first), given(after), given(last), given(before)
    if first is not None and last is not None:
        raise bad_input("give first or last, not both")
    name, size = ("last", last) if last is not None else ("first", DEFAULT_SIZE if first is None else first)
    if not 0 <= size <= MAX_SIZE:
        raise bad_input(f"{name} is from 0 to {MAX_SIZE}")
    return Window(size, _key("after", after, key), _key("before", before, key), from_end=last is not None)


def connection(page: Page[Row], node: Callable[[Row], N]) -> Connection[N]:
    """The page as GraphQL shows it."""
    return connect([node(row) for row in page.rows], page.keys, page)


def connect(nodes: Sequence[N], keys: Sequence[Key], page: Page[Row]) -> Connection[N]:
    """Nodes at these places of a page."""
    edges = [Edge(cursor=encode_cursor(key), node=node) for node, key in zip(nodes, keys, strict=True)]
    info = PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, nodes=list(nodes), page_info=info, count=page.count)


def cut(rows: Sequence[Entry], window: Window) -> Page[Entry]:
    """The page that `store.pages.page` would make, of rows at hand, newest first.

    What belongs to many images is fetched at once and cut here: one query, not one an image.
    """
    inside = [row for row in rows if _is_inside(row.id, window)]
    more = len(inside) > window.size
    if window.from_end:
        kept = inside[len(inside) - window.size :]
        has_next, has_previous = window.before is not None, more
    else:
        kept = inside[: window.size]
        has_next, has_previous = more, window.after is not None

    async def count() -> int:
        return len(rows)

    return Page(kept, [(row.id,) for row in kept], has_next, has_previous, count)


def _is_inside(row_id: int, window: Window) -> bool:
    is_behind = window.after is None or row_id < window.after[0]
    return is_behind and (window.before is None or row_id > window.before[0])


def encode_cursor(key: Key) -> str:
    """The opaque form of a row's place."""
    text = json.dumps(key, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _key(name: str, cursor: str | None, types: tuple[type, ...]) -> Key | None:
    if cursor is None:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        parts = None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(types):
        raise bad_input(f"{name} is no cursor of this list: start again without it")
    if not all(_is_kept(part) for part in parts):
        raise bad_input(f"{name} is no cursor of this list: start again without it")
    return tuple(parts)


def _is_kept(part: float | str) -> bool:
    """Whether a database could hold it: a number within its range, or text without halves of characters."""
    if isinstance(part, str):
        return "\0" not in part and part.encode(errors="ignore").decode() == part
    return math.isfinite(part) and abs(part) < LARGEST_KEY
