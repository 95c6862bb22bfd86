"""The log between processes: a JetStream stream, which all of them follow, and whose work they share."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qs

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, Header, StreamConfig
from nats.js.errors import NotFoundError

from events.log import EVERYTHING, Backlog, Delivery, Entry, Interests, LogAway
from events.messages import KINDS, Event, from_payload, origin_of, to_payload
from events.window import Window

SCHEMES = ("nats://", "tls://")
STREAM = "covidxr"
REPEATS_KNOWN = timedelta(hours=1)
"""How long the broker itself knows an entry again; for older ones the stream is searched."""
CLOCKS_APART = timedelta(minutes=5)
"""By how much the clocks of two machines may differ."""
IDLE_SECONDS = 5.0
"""How often a reader that hears nothing looks whether the broker still knows it."""
RETRY_SECONDS = 1
LEASE_SECONDS = 30.0
"""After so long without a word from its worker a job is given to another."""
IN_HAND = 64
"""Jobs of a group that one process has at a time; the others are for other processes."""
CHECK_SECONDS = 0.5
"""Balancers give whoever asks for this a second, and nothing that they want to know waits for the broker."""
BACKLOG_SECONDS = 1.0
"""Uploads wait for the answer."""
READER_SECONDS = 300.0
"""After so long without being read the broker forgets a reader."""

logger = logging.getLogger(__name__)


class Address(NamedTuple):
    """Where the broker is, what the stream is called there, and on how many servers it is kept."""

    servers: list[str]
    stream: str
    replicas: int


def address_of(url: str) -> Address:
    """What ``nats://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…][/STREAM][?replicas=3]`` names.

    Raises:
        ValueError: it names no server, or no number of replicas.
    """
    scheme = next((known for known in SCHEMES if url.startswith(known)), None)
    if scheme is None:
        raise ValueError(f"begins with {' or '.join(SCHEMES)}")
    rest, _, query = url.removeprefix(scheme).partition("?")
    place, _, stream = rest.partition("/")
    user, at, hosts = place.rpartition("@")
    servers = [f"{scheme}{user}{at}{host}" for host in hosts.split(",")]
    replicas = parse_qs(query).get("replicas", ["1"])[-1]
    if not all(hosts.split(",")) or replicas not in ("1", "3", "5") or not (stream or STREAM).isidentifier():
        raise ValueError("is nats://HOST:PORT[,HOST:PORT…][/STREAM][?replicas=3]")
    return Address(servers, stream or STREAM, int(replicas))


@asynccontextmanager
async def connected(url: str, kept: timedelta) -> AsyncIterator[JetStreamLog]:
    """The log at a URL, whose events are dropped once they are older than ``kept``.

    Waits until the broker is there.
    """
    address = address_of(url)
    client = await nats.connect(
        address.servers,
        name="covid-xr",
        max_reconnect_attempts=-1,
        reconnect_time_wait=RETRY_SECONDS,
        error_cb=_told,
    )
    log = JetStreamLog(client, address.stream)
    following: asyncio.Task[None] | None = None
    try:
        await log.prepare(kept, address.replicas)
        following = asyncio.create_task(log.follow())
        yield log
    finally:
        if following:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        with suppress(Exception):  # of a client whose broker has gone before it, in many ways
            await client.close()


async def _told(error: Exception) -> None:
    logger.warning("events: the broker is away or refuses: %s", error or type(error).__name__)


class JetStreamLog:
    """An EventLog for many processes. Places are the stream's sequence numbers."""

    def __init__(self, client: Client, stream: str) -> None:
        self._client, self._name = client, stream
        self._jetstream = client.jetstream()
        self._window = Window(self._read, self._bounds)
        self._followed = 0

    async def prepare(self, kept: timedelta, replicas: int) -> None:
        """Make the stream, or set it to what is asked for, and begin to follow at its end."""
        config = StreamConfig(
            name=self._name,
            subjects=[f"{self._name}.>"],
            max_age=kept.total_seconds(),
            duplicate_window=min(kept, REPEATS_KNOWN).total_seconds(),
            num_replicas=replicas,
        )
        try:
            await self._jetstream.update_stream(config)
        except NotFoundError:
            await self._jetstream.add_stream(config)
        self._followed = await self.head()

    async def publish(self, entries: Sequence[Entry]) -> None:
        known = await self._older_known(entries)
        for entry in entries:  # one by one: whoever publishes the same ones beside us keeps the order, too
            if entry.uid not in known:
                subject = self._subject(type(entry.event))
                payload = json.dumps(to_payload(entry.event, entry.origin)).encode()
                headers = {Header.MSG_ID.value: entry.uid}
                await self._jetstream.publish(subject, payload, headers=headers, stream=self._name)

    async def check(self) -> None:
        if not self._client.is_connected:  # what is asked now would wait, among what is sent once it is back
            raise LogAway("the broker is away")
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self.head()
        except TimeoutError as error:
            raise LogAway("the broker does not answer") from error

    async def head(self) -> int:
        _, newest = await self._bounds()
        return newest

    def stream(self, after: int, interests: Interests = EVERYTHING) -> AsyncGenerator[Delivery]:
        return self._window.stream(after, interests)

    @property
    def is_behind(self) -> bool:
        return self._window.is_behind

    async def work(self, group: str, kinds: frozenset[type[Event]]) -> AsyncGenerator[JetStreamJob]:
        hand = _Hand()
        keeping = asyncio.create_task(hand.keep())
        try:
            while True:
                try:
                    async with aclosing(self._jobs(group, kinds, hand)) as jobs:
                        async for job in jobs:
                            yield job
                except (NatsError, OSError) as error:  # jobs in hand go on meanwhile
                    await _told(error)
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            keeping.cancel()
            await hand.give_back()

    async def backlog(self, group: str, kinds: frozenset[type[Event]]) -> Backlog:
        try:
            try:
                worker = await self._jetstream.consumer_info(self._name, group, timeout=BACKLOG_SECONDS)
            except NotFoundError:
                return Backlog(await self._count(kinds), 0)
        except (NatsError, OSError) as error:
            raise LogAway("the broker does not answer") from error
        in_hand, delivered = worker.num_ack_pending or 0, worker.delivered
        return Backlog(
            (worker.num_pending or 0) + in_hand, (delivered.consumer_seq if delivered else 0) - in_hand
        )

    async def _count(self, kinds: frozenset[type[Event]]) -> int:
        """How many events of these kinds the stream holds."""
        info = await self._jetstream.stream_info(self._name, subjects_filter=f"{self._name}.>")
        found = info.state.subjects or {}
        return sum(found.get(self._subject(kind), 0) for kind in kinds)

    async def follow(self) -> None:
        """Keep the window at the end of the stream, for ever."""
        while True:
            try:
                await self._follow()
            except (NatsError, OSError) as error:
                await _told(error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        """Until something is lost on the way, or the broker has forgotten who reads."""
        config = self._from(self._followed, idle=READER_SECONDS)
        reader = await self._jetstream.subscribe(
            f"{self._name}.>", stream=self._name, config=config, manual_ack=True
        )
        expected = 1
        try:
            while True:
                try:
                    message = await reader.next_msg(IDLE_SECONDS)
                except NatsTimeout:
                    await reader.consumer_info()
                    continue
                if message.metadata.sequence.consumer != expected:
                    return
                expected += 1
                self._followed = message.metadata.sequence.stream
                self._window.add(_deliveries([message]))
        finally:
            with suppress(NatsError, OSError):
                await reader.unsubscribe()

    async def _jobs(
        self, group: str, kinds: frozenset[type[Event]], hand: _Hand
    ) -> AsyncGenerator[JetStreamJob]:
        """The group's jobs that no other process has, while the broker is there."""
        config = ConsumerConfig(
            ack_wait=LEASE_SECONDS, filter_subjects=sorted(self._subject(kind) for kind in kinds)
        )
        worker = await self._jetstream.pull_subscribe("", durable=group, stream=self._name, config=config)
        try:
            while True:
                await hand.has_room()
                try:
                    (message,) = await worker.fetch(1, IDLE_SECONDS)
                except NatsTimeout:
                    await worker.consumer_info()
                    continue
                if job := hand.take(message):
                    yield job
        finally:
            with suppress(NatsError, OSError):
                await worker.unsubscribe()

    async def _read(self, after: int, limit: int) -> list[Delivery]:
        """As a subscriber reads on, once the broker is there; nothing only where nothing known follows."""
        while True:
            try:
                messages = await self._messages(self._from(after), limit)
            except (NatsError, OSError) as error:
                await _told(error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if (deliveries := _deliveries(messages)) or not messages:
                return deliveries
            after = messages[-1].metadata.sequence.stream

    async def _messages(self, config: ConsumerConfig, limit: int) -> list[Msg]:
        """At most so many messages that are there already, oldest first."""
        reader = await self._jetstream.add_consumer(self._name, config)
        count = min(limit, reader.num_pending or 0)
        try:
            if not count:
                return []
            reading = await self._jetstream.pull_subscribe_bind(reader.name, self._name)
            found: list[Msg] = []
            while len(found) < count:
                found += await reading.fetch(count - len(found), IDLE_SECONDS)
            await reading.unsubscribe()
            return found
        finally:
            with suppress(NatsError, OSError):
                await self._jetstream.delete_consumer(self._name, reader.name)

    async def _older_known(self, entries: Sequence[Entry]) -> set[str]:
        """Of entries that are too old for the broker to know again, those that the stream has."""
        now = datetime.now(UTC)
        old = {
            entry.uid: entry.since for entry in entries if now - entry.since > REPEATS_KNOWN - CLOCKS_APART
        }
        if not old:
            return set()
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_TIME,
            opt_start_time=min(old.values()) - CLOCKS_APART,
            ack_policy=AckPolicy.NONE,
            headers_only=True,
            inactive_threshold=IDLE_SECONDS * 2,
        )
        messages = await self._messages(config, await self.head())
        return old.keys() & {(message.header or {}).get(Header.MSG_ID.value) for message in messages}

    async def _bounds(self) -> tuple[int, int]:
        try:
            state = (await self._jetstream.stream_info(self._name)).state
        except (NatsError, OSError) as error:
            raise LogAway("the broker does not answer") from error
        return max(0, state.first_seq - 1), state.last_seq

    def _subject(self, kind: type[Event]) -> str:
        return f"{self._name}.{kind.__name__}"

    @staticmethod
    def _from(after: int, idle: float = IDLE_SECONDS * 2) -> ConsumerConfig:
        return ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=idle,
        )


def _deliveries(messages: Sequence[Msg]) -> list[Delivery]:
    """What messages tell; those of a newer version of the program are passed over."""
    told = ((message, message.subject.rpartition(".")[2]) for message in messages)
    return [_delivery(message, kind) for message, kind in told if kind in KINDS]


def _delivery(message: Msg, kind: str) -> Delivery:
    payload = json.loads(message.data)
    uid = (message.header or {}).get(Header.MSG_ID.value, "")
    return Delivery(message.metadata.sequence.stream, from_payload(kind, payload), uid, origin_of(payload))


@dataclass
class _Hand:
    """The jobs that a process has of a group, which the broker gives to nobody else meanwhile."""

    _jobs: dict[int, JetStreamJob] = field(default_factory=dict)
    _left: asyncio.Event = field(default_factory=asyncio.Event)

    async def has_room(self) -> None:
        while len(self._jobs) >= IN_HAND:
            self._left.clear()
            await self._left.wait()

    def take(self, message: Msg) -> JetStreamJob | None:
        """A job; None where it is in hand already and its lease ran out while the broker was away."""
        place = message.metadata.sequence.stream
        if job := self._jobs.get(place):
            job.message = message
            return None
        self._jobs[place] = JetStreamJob(message, self)
        return self._jobs[place]

    def leave(self, message: Msg) -> None:
        self._jobs.pop(message.metadata.sequence.stream, None)
        self._left.set()

    async def keep(self) -> None:
        """Renew the leases for ever."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            for job in list(self._jobs.values()):
                with suppress(NatsError, OSError):
                    await job.message.in_progress()

    async def give_back(self) -> None:
        """Let others have what is left at once."""
        for job in list(self._jobs.values()):
            with suppress(NatsError, OSError):
                await job.message.nak()


class JetStreamJob:
    """A delivery to one of the processes that share a group's work."""

    def __init__(self, message: Msg, hand: _Hand) -> None:
        self.message, self._hand = message, hand
        (self.delivery,) = _deliveries([message])

    @property
    def event(self) -> Event:
        return self.delivery.event

    @property
    def delivered(self) -> int:
        return int(self.message.metadata.num_delivered or 1)

    async def done(self) -> None:
        # An acknowledgement that is lost brings the job again, and handlers bear that.
        with suppress(NatsError, OSError):
            await self.message.ack()
        self._hand.leave(self.message)
