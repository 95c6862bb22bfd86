"""How many images may wait to be judged, and when uploads are told to come back."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from api.settings import Settings
from events.log import Backlog, EventLog, LogAway
from events.messages import Event
from services.admission import AWAY_SECONDS, LATEST_SECONDS, LOOK_SECONDS, PACE_SECONDS, Admission
from services.errors import TooMany
from services.platform import Platform
from services.uploads import Details
from store.tables import Image, Prediction
from tests.people import eventually, member
from tests.stand_ins import picture
from tests.uploading import incoming


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"queue_limit": 4})


NOTHING = Backlog(0, 0)


@dataclass
class Counted:
    """A log of which the backlog alone is asked."""

    found: Backlog | None = NOTHING
    looks: int = 0

    async def backlog(self, group: str, kinds: frozenset[type[Event]]) -> Backlog:
        self.looks += 1
        await asyncio.sleep(0)
        if self.found is None:
            raise LogAway
        return self.found


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Gateway:
    """An admission of ten images, by a clock of its own."""

    log: Counted = field(default_factory=Counted)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.admission = Admission(cast(EventLog, self.log), 10, self.clock)

    async def let_in(self, images: int) -> None:
        """So many come in, and are there at once."""
        async with self.admission.admitted(images):
            pass

    async def refused(self, images: int = 1) -> int:
        with pytest.raises(TooMany) as caught:
            await self.let_in(images)
        return caught.value.retry_after

    def later(self, seconds: float, found: Backlog | None) -> None:
        self.clock.now += seconds
        self.log.found = found


async def test_lets_in_while_fewer_wait_than_may() -> None:
    gateway = Gateway()
    for _ in range(10):
        await gateway.let_in(1)
    await gateway.refused()
    assert gateway.log.looks == 1


async def test_an_upload_is_let_in_whole() -> None:
    gateway = Gateway(Counted(Backlog(9, 0)))
    await gateway.let_in(100)
    await gateway.refused()


async def test_what_was_let_in_counts_once() -> None:
    gateway = Gateway()
    await gateway.let_in(9)
    gateway.later(LOOK_SECONDS, Backlog(9, 0))
    await gateway.let_in(1)
    await gateway.refused()


async def test_what_is_on_its_way_counts_until_the_log_can_count_it() -> None:
    gateway = Gateway()
    async with gateway.admission.admitted(9):
        gateway.later(LOOK_SECONDS, NOTHING)
        await gateway.let_in(1)
        await gateway.refused()
    gateway.later(LOOK_SECONDS, Backlog(9, 1))
    await gateway.let_in(1)
    await gateway.refused()


async def test_many_at_once_look_once() -> None:
    gateway = Gateway()
    found = await asyncio.gather(*(gateway.let_in(1) for _ in range(14)), return_exceptions=True)
    assert sum(isinstance(one, TooMany) for one in found) == 4
    assert gateway.log.looks == 1


async def test_says_when_there_is_room_by_the_pace_of_late() -> None:
    gateway = Gateway(Counted(Backlog(40, 0)))
    assert await gateway.refused() == LATEST_SECONDS / 4  # nobody knows the pace yet
    gateway.later(10, Backlog(30, 20))
    assert await gateway.refused() == 11  # 21 images too many, at two a second
    gateway.later(PACE_SECONDS, Backlog(30, 50))
    assert await gateway.refused() == 21  # the slow seconds alone count: one a second
    gateway.later(PACE_SECONDS, Backlog(30, 50))
    assert await gateway.refused() == LATEST_SECONDS / 4
    gateway.later(1, Backlog(10, 1_000_000))
    assert await gateway.refused() == 1


async def test_is_open_where_nobody_knows_and_where_there_is_no_limit() -> None:
    await Gateway(Counted(None)).let_in(1000)
    log = Counted(Backlog(10**6, 0))
    async with Admission(cast(EventLog, log), 0).admitted(1000):
        assert log.looks == 0


async def test_a_log_that_is_away_is_asked_now_and_then() -> None:
    gateway = Gateway(Counted(None))
    await asyncio.gather(*(gateway.let_in(1) for _ in range(20)))
    assert gateway.log.looks == 1
    gateway.later(AWAY_SECONDS, Backlog(10, 0))
    await gateway.refused()


async def test_uploads_are_refused_and_what_was_taken_is_judged(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await member()
    pictures: Sequence[bytes] = [picture(number) for number in range(6)]
    inference, released = platform.diagnosis.inference, asyncio.Event()
    compute = inference.compute

    async def held(work: Callable[[], Any]) -> Any:
        await released.wait()
        return await compute(work)

    monkeypatch.setattr(inference, "compute", held)
    taken = await platform.uploads.upload(ana, [incoming(one) for one in pictures[:4]], Details())
    with pytest.raises(TooMany, match="too many images wait to be judged: try again in 15 seconds"):
        await platform.uploads.upload(ana, [incoming(pictures[4])], Details())
    assert await Image.all().count() == len(taken) == 4
    released.set()
    assert await eventually(lambda: _judged(4))
    await asyncio.sleep(LOOK_SECONDS)
    (later,) = await platform.uploads.upload(ana, [incoming(pictures[4])], Details(wait_seconds=10))
    assert later.image
    assert await Prediction.exists(image=later.image)


async def _judged(count: int) -> bool:
    return await Prediction.all().count() == count
