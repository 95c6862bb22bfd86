"""The log that carries events: what any carrier of it must do."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from events.messages import Event

LAST = 2**63 - 1
"""The last place that a database and a broker can count to."""


@dataclass(frozen=True)
class Entry:
    """An event to publish; ``uid`` tells a repeat from something new, which happened at ``since``.

    ``origin`` has the ids by which one follows what it comes of.
    """

    uid: str
    event: Event
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    origin: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """An event at its place in the log. Places rise; they need not be neighbours."""

    position: int
    event: Event
    uid: str = field(default="", compare=False)
    origin: Mapping[str, str] = field(default_factory=dict, compare=False)


class Interest(NamedTuple):
    """Events of a kind, and where a user is named those alone that are about them; without a kind, all."""

    kind: type[Event] | None = None
    user_id: int | None = None


Interests = frozenset[Interest]
EVERYTHING: Interests = frozenset({Interest()})


def interests_of(event: Event) -> tuple[Interest, ...]:
    """Those that an event meets."""
    kind = type(event)
    return Interest(), Interest(kind), Interest(kind, event.about)


class Backlog(NamedTuple):
    """A group's jobs that are not done, and how many have been done so far, counted from any beginning."""

    open: int
    done: int


class Job(Protocol):
    """A delivery that one worker of a group has to do. Left undone, it is delivered again."""

    @property
    def delivery(self) -> Delivery: ...

    @property
    def event(self) -> Event: ...

    @property
    def delivered(self) -> int:
        """How often it has been delivered, this time included, as far as the log counts: at least 1."""
        ...

    async def done(self) -> None:
        """Never deliver this again to the group."""
        ...


class EventLog(Protocol):
    """Two ways of delivery, never merged: a stream that everybody hears, work that one worker does."""

    async def publish(self, entries: Sequence[Entry]) -> None:
        """Append in order; an entry whose uid the log has already is passed over."""
        ...

    async def check(self) -> None:
        """Ask whether it answers.

        Raises:
            LogAway: it does not, now. A broker that is away is told of within a second.
        """
        ...

    async def head(self) -> int:
        """The place of the newest event; 0 when there is none.

        Raises:
            LogAway: it cannot be asked now.
        """
        ...

    def stream(self, after: int, interests: Interests = EVERYTHING) -> AsyncGenerator[Delivery]:
        """Every event behind ``after`` that meets an interest, in order, no gap and no repeat, and then live.

        Raises:
            CursorExpired: events behind ``after`` have been dropped already.
            LogAway: it cannot be asked now; once it has begun, a stream waits until it can.
        """
        ...

    @property
    def is_behind(self) -> bool:
        """Whether a stream of this process lacks something that the log has got."""
        ...

    def work(self, group: str, kinds: frozenset[type[Event]]) -> AsyncGenerator[Job]:
        """The group's share of the work: events of these kinds, each until it is done."""
        ...

    async def backlog(self, group: str, kinds: frozenset[type[Event]]) -> Backlog:
        """What waits for the group or is in hand, in whatever process, before it has ever worked too.

        Raises:
            LogAway: it cannot be asked now.
        """
        ...


class LogAway(ConnectionError):
    """What carries the events does not answer; what is committed meanwhile is told of later."""


class CursorError(ValueError):
    """A text that is no cursor of this log."""


class CursorExpired(CursorError):
    """A cursor whose events are no longer kept."""


def encode_cursor(position: int) -> str:
    """The opaque form of a place in the log."""
    return base64.urlsafe_b64encode(f"event:{position}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> int:
    """The place that a cursor stands for.

    Raises:
        CursorError: it is no cursor of ours.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        position = int(raw.removeprefix("event:"))
    except ValueError as error:  # of base64, of UTF-8, of the number
        raise CursorError(f"not a cursor: {cursor[:40]!r}") from error
    # Decoding forgives much; only what we would write ourselves is ours.
    if cursor != encode_cursor(position) or not 0 <= position <= LAST:
        raise CursorError(f"not a cursor: {cursor[:40]!r}")
    return position
