"""The newest events at hand, and who waits for which: what all streams of a process are fed from."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from itertools import chain, takewhile

from events.log import CursorExpired, Delivery, Interest, Interests, interests_of

RECENT = 4096
"""Deliveries kept at hand, and kept for a stream; one that has fallen further behind reads the log."""
PAGE = 500

Read = Callable[[int, int], Awaitable[list[Delivery]]]
Bounds = Callable[[], Awaitable[tuple[int, int]]]


class Window:
    """The end of a log. An event costs by the streams that it concerns, however many others there are."""

    def __init__(self, read: Read, bounds: Bounds) -> None:
        """``read`` gives at most so many deliveries behind a place, ``bounds`` how far events are no longer
        kept, and the place of the newest."""
        self._read, self._bounds = read, bounds
        # Without a gap: what the log holds behind its first delivery is all here, up to the newest.
        self._recent: deque[Delivery] = deque(maxlen=RECENT)
        self._newest = 0
        self._has_gap = False
        self._readers: defaultdict[Interest, set[_Reader]] = defaultdict(set)

    @property
    def interests(self) -> Interests:
        """What any stream waits for."""
        return frozenset(self._readers)

    @property
    def is_behind(self) -> bool:
        """Whether a stream has yet to be given something; one of everything is work's and takes its time."""
        listening = [several for interest, several in self._readers.items() if interest != Interest()]
        return any(reader.is_behind or reader.waiting for reader in chain.from_iterable(listening))

    def add(self, deliveries: Sequence[Delivery]) -> None:
        """Hand on what the log has got, in its order."""
        if self._has_gap:
            self._send_to_the_log()
        self._recent.extend(deliveries)
        for delivery in deliveries:
            self._newest = max(self._newest, delivery.position)
            for reader in self._concerned(delivery):
                reader.hand(delivery)

    def reaches(self, newest: int) -> None:
        """The log has something up to a place, at hand or not."""
        if newest > self._newest:
            self.forget()
            self._send_to_the_log()
            self._newest = newest

    def forget(self) -> None:
        """What is at hand may lack something; the log has it."""
        self._recent.clear()
        self._has_gap = True

    async def stream(self, after: int, interests: Interests) -> AsyncGenerator[Delivery]:
        """As `events.log.EventLog.stream`."""
        await self._refuse_expired(after)
        reader = _Reader(after, interests)
        for interest in reader.interests:
            self._readers[interest].add(reader)
        try:
            while True:
                reader.bell.clear()
                while reader.waiting:
                    yield reader.waiting.popleft()
                if reader.is_behind:
                    async for delivery in self._caught_up(reader):
                        yield delivery
                else:
                    await reader.bell.wait()
        finally:
            self._leave(reader)

    async def _refuse_expired(self, after: int) -> None:
        dropped, newest = await self._bounds()
        if after < dropped:
            raise CursorExpired(f"events up to {dropped} are no longer kept")
        if after > newest:
            raise CursorExpired("this cursor is of another log")

    async def _caught_up(self, reader: _Reader) -> AsyncGenerator[Delivery]:
        """What the log has for a reader, until what it lacks is at hand: the rest it is handed."""
        while not self._has_at_hand(reader.whole):
            newest = self._newest
            page = await self._read(reader.whole, PAGE)
            for delivery in page:
                reader.whole = delivery.position
                if reader.wants(delivery):
                    yield delivery
            if not page and newest == self._newest:
                break
        # Without a pause from the last look on, in which something might come that it is not handed yet.
        reader.is_behind = False
        for delivery in self._behind(reader.whole):
            if reader.wants(delivery):
                reader.hand(delivery)

    def _behind(self, place: int) -> list[Delivery]:
        """What is at hand behind a place, from the end: most who come lack little of it, or nothing."""
        newer = list(takewhile(lambda one: one.position > place, reversed(self._recent)))
        return newer[::-1]

    def _has_at_hand(self, place: int) -> bool:
        """Whether all that came behind a place is."""
        recent = self._recent
        return bool(recent) and place >= recent[0].position - 1

    def _send_to_the_log(self) -> None:
        """Let everybody look there for what nobody was handed."""
        self._has_gap = False
        for reader in {reader for several in self._readers.values() for reader in several}:
            reader.fall_behind(self._newest)

    def _concerned(self, delivery: Delivery) -> Iterator[_Reader]:
        for interest in interests_of(delivery.event):
            yield from self._readers.get(interest, ())

    def _leave(self, reader: _Reader) -> None:
        for interest in reader.interests:
            self._readers[interest].discard(reader)
            if not self._readers[interest]:
                del self._readers[interest]


class _Reader:
    """One stream: what waits for it, and up to where nothing that it wants is missing."""

    def __init__(self, after: int, interests: Interests) -> None:
        self.interests = interests
        self.whole = after
        self.waiting: deque[Delivery] = deque()
        self.is_behind = True
        self.bell = asyncio.Event()

    def wants(self, delivery: Delivery) -> bool:
        return not self.interests.isdisjoint(interests_of(delivery.event))

    def hand(self, delivery: Delivery) -> None:
        """What it has already, and what it will find in the log, is passed over."""
        if self.is_behind or delivery.position <= self.whole:
            return
        if len(self.waiting) >= RECENT:
            self.is_behind = True
            return
        self.waiting.append(delivery)
        self.whole = delivery.position
        self.bell.set()

    def fall_behind(self, handed_on: int) -> None:
        """Events behind a place, up to which all were handed on, are in the log alone."""
        if not self.is_behind:
            self.is_behind = True
            self.whole = max(self.whole, handed_on)
            self.bell.set()
