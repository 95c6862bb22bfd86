"""What a server says of itself while database, broker or bucket stand still: of each apart, and soon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

from api.settings import Settings
from api.wiring import running
from services.platform import Platform
from services.readiness import PART_SECONDS, Readiness, Ready
from store.blobs import Blobs
from tests import stand_ins
from tests.brokers import Broker
from tests.buckets import S3Server
from tests.fleet import SECRET
from tests.mariadb import MariaDb
from tests.people import eventually

ALL = Ready(database=True, storage=True, events=True, model=1)
BALANCERS_SECONDS = 1.0
"""HAProxy takes a server that has not answered after this long for one that is not ready."""


@pytest.fixture
async def platform(
    own_mariadb: MariaDb, mortal: Broker, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Platform]:
    """A server of a platform of many processes."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    own_mariadb.empty()
    settings = Settings(
        data_dir=tmp_path,
        database_url=own_mariadb.url,
        events_url=mortal.url(),
        blobs_url=s3.make_bucket(),
        secret_key=SECRET,
    )
    async with running(settings, stand_ins.parts(), works=False) as one:
        yield one


async def looked(platform: Platform, blobs: Blobs | None = None) -> tuple[Ready, float]:
    """What is found by who looks now, and in how many seconds."""
    began = monotonic()
    found = await Readiness(platform.log, blobs or platform.images.blobs).look()
    return found, monotonic() - began


async def is_all_there(platform: Platform) -> bool:
    return (await looked(platform))[0] == ALL


async def test_a_database_that_stands_still_is_not_waited_for(
    platform: Platform, own_mariadb: MariaDb
) -> None:
    assert (await looked(platform))[0] == ALL
    own_mariadb.freeze()
    try:
        found, seconds = await looked(platform)
    finally:
        own_mariadb.thaw()
    assert found == Ready(database=False, storage=True, events=True, model=None)
    assert not found.ready
    assert seconds < PART_SECONDS + 1
    assert await eventually(lambda: is_all_there(platform), 30)


async def test_a_broker_that_stands_still_costs_no_server_its_place(
    platform: Platform, mortal: Broker
) -> None:
    mortal.freeze()
    try:
        found, seconds = await looked(platform)
    finally:
        mortal.thaw()
    assert found == Ready(database=True, storage=True, events=False, model=1)
    assert found.ready
    assert seconds < BALANCERS_SECONDS
    assert await eventually(lambda: is_all_there(platform), 30)


async def test_a_bucket_that_swallows_what_is_asked_is_not_waited_for(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as hole:
        port = hole.sockets[0].getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        found, seconds = await looked(platform, Blobs("s3://bucket"))
    assert found == Ready(database=True, storage=False, events=True, model=1)
    assert not found.ready
    assert seconds < PART_SECONDS + 1
