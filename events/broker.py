"""What a broker says of itself and of our stream, for whoever looks whether it is fit for the platform."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import nats
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from events.jetstream import address_of
from events.log import LogAway

PATIENCE_SECONDS = 5


@dataclass(frozen=True)
class Stream:
    """How events are kept."""

    kept: timedelta
    replicas: int
    events: int
    has_leader: bool


@dataclass(frozen=True)
class Broker:
    """A broker that answers; without JetStream it keeps nothing, and before the first start no stream."""

    version: str
    has_jetstream: bool
    stream: Stream | None


async def examine(url: str) -> Broker:
    """Ask the broker at ``url``, as in the settings; nothing is made there.

    Raises:
        LogAway: it does not answer, or does not let us in; the message says why.
    """
    address = address_of(url)
    said: list[str] = []

    async def note(error: Exception) -> None:
        said.append(str(error) or type(error).__name__)

    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            client = await nats.connect(
                address.servers,
                name="covid-xr doctor",
                allow_reconnect=False,
                max_reconnect_attempts=1,
                error_cb=note,
            )
    except (NatsError, OSError) as error:
        raise LogAway(said[-1] if said else str(error) or type(error).__name__) from error
    jetstream = client.jetstream(timeout=PATIENCE_SECONDS)
    version = str(client.connected_server_version)
    try:
        await jetstream.account_info()
        return Broker(version, True, await _stream(jetstream, address.stream))
    except NatsError:
        return Broker(version, False, None)
    finally:
        with suppress(Exception):
            await asyncio.wait_for(client.close(), PATIENCE_SECONDS)


async def _stream(jetstream: nats.js.JetStreamContext, name: str) -> Stream | None:
    try:
        info = await jetstream.stream_info(name)
    except NotFoundError:
        return None
    return Stream(
        kept=timedelta(seconds=info.config.max_age or 0),
        replicas=info.config.num_replicas or 1,
        events=info.state.messages,
        has_leader=info.cluster is None or info.cluster.leader is not None,
    )
