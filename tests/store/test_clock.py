"""The database's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from store import clock
from store.database import atomically
from store.tables import ConsumerPosition, RunState, RunTrigger, TrainingRun

SECONDS = timedelta(seconds=30)
"""Of a server on this machine, which may be slow."""

pytestmark = pytest.mark.usefixtures("database")


async def test_says_what_time_it_is_in_utc() -> None:
    before = datetime.now(UTC)
    told = await clock.now()
    assert told.tzinfo == UTC
    assert before - timedelta(milliseconds=2) <= told <= before + SECONDS
    assert await clock.now() >= told


async def test_can_be_asked_within_a_transaction() -> None:
    async def body() -> datetime:
        await ConsumerPosition.create(group="somebody", position=1)
        return await clock.now()

    assert await atomically(body) >= await clock.now() - SECONDS


async def test_a_moment_of_it_is_kept_as_it_is() -> None:
    until = await clock.now()
    run = await TrainingRun.create(
        trigger=RunTrigger.ADMIN, state=RunState.TRAINING, epochs=1, lease_until=until
    )
    await run.refresh_from_db()
    assert run.lease_until == until
    assert not await TrainingRun.abandoned(run.id, until).exists()
    assert await TrainingRun.abandoned(run.id, until + timedelta(milliseconds=1)).exists()
