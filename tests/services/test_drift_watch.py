"""The watch: warned once of each signal, by one of many processes, and again only after it had ended."""

import asyncio
from dataclasses import replace

import pytest

from api.settings import Settings
from api.wiring import Parts, running
from events.messages import DriftWarned, from_payload
from services import drift_watch as watch_module
from services.drift import Drift
from services.drift_watch import DriftWatch
from services.platform import Platform
from store.tables import DriftSignal, DriftWarning, Image, JournalEntry, ModelVersion, User
from tests import people
from tests.drifting import RECORD, ago, judged, uploaded
from tests.listening import nothing_waits
from tests.people import eventually
from tests.versions import candidate


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    return replace(parts, default_model=replace(parts.default_model, record=RECORD))


@pytest.fixture
async def ana(platform: Platform) -> User:
    return await people.member()


@pytest.fixture
async def model(platform: Platform) -> ModelVersion:
    return await platform.models.in_service()


async def warned() -> list[DriftSignal]:
    """The signals of all events so far, in their order."""
    await eventually(nothing_waits)
    entries = await JournalEntry.filter(kind="DriftWarned").order_by("position")
    events = [from_payload(entry.kind, entry.payload) for entry in entries]
    rows = await DriftWarning.in_bulk(
        [event.warning_id for event in events if isinstance(event, DriftWarned)]
    )
    return [rows[event.warning_id].signal for event in events if isinstance(event, DriftWarned)]


async def test_is_silent_where_nothing_differs(platform: Platform, ana: User, model: ModelVersion) -> None:
    await platform.drift_watch.look()
    await judged(await uploaded(ana, 100), model.id)
    report = await platform.drift_watch.look()
    assert platform.drift_watch.latest is report
    assert await warned() == []


async def test_warns_once_however_often_it_looks(platform: Platform, ana: User, model: ModelVersion) -> None:
    await judged(await uploaded(ana, 100), model.id, abstaining=0.5, distance=2)
    for _ in range(3):
        await platform.drift_watch.look()
    assert await warned() == ["ABSTENTIONS", "DISTANCE"]
    warning = await DriftWarning.get(signal=DriftSignal.ABSTENTIONS)
    assert (warning.model_id, warning.open, warning.ended_at) == (model.id, 1, None)
    assert "50 % of 100 images" in warning.sentence


async def test_many_processes_warn_once(platform: Platform, ana: User, model: ModelVersion) -> None:
    """Each process has a watch of its own, and all have one database."""
    await judged(await uploaded(ana, 100), model.id, probability=0.8)
    outbox = platform.models.outbox
    watches = [DriftWatch(Drift(()), outbox) for _ in range(6)]
    await asyncio.gather(*(watch.look() for watch in watches))
    await asyncio.gather(*(watch.look() for watch in watches))
    assert await warned() == ["PROBABILITY"]
    assert await DriftWarning.all().count() == 1


async def test_after_the_end_it_warns_again(platform: Platform, ana: User, model: ModelVersion) -> None:
    await judged(strange := await uploaded(ana, 100), model.id, distance=2)
    await platform.drift_watch.look()
    await Image.filter(id__in=[image.id for image in strange]).update(uploaded_at=ago(40))
    await judged(await uploaded(ana, 100), model.id)
    report = await platform.drift_watch.look()
    assert await platform.drift.warnings(report) == {}
    first = await DriftWarning.get()
    assert first.open is None
    assert first.ended_at is not None
    await judged(await uploaded(ana, 300), model.id, distance=3)
    for _ in range(2):
        await platform.drift_watch.look()
    assert await warned() == ["DISTANCE", "DISTANCE"]


async def test_what_lies_by_the_edge_is_told_once(platform: Platform, ana: User, model: ModelVersion) -> None:
    """It differs, then not surely so, then again: until it is small the first warning stands."""
    await judged(await uploaded(ana, 100), model.id, distance=1)
    await platform.drift_watch.look()
    more = await uploaded(ana, 60)
    await judged(more, model.id, distance=0)
    between = {signal.name: signal for signal in (await platform.drift_watch.look()).signals}["DISTANCE"]
    assert (between.differs, between.is_over) == (False, False)
    await Image.filter(id__in=[image.id for image in more]).delete()
    await platform.drift_watch.look()
    assert await warned() == ["DISTANCE"]


async def test_few_images_neither_end_a_warning_nor_none_keep_it(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    images = await uploaded(ana, 60)
    await judged(images, model.id, distance=2)
    await platform.drift_watch.look()
    for left, standing in ((40, 1), (20, 0)):
        await Image.filter(id__in=[image.id for image in images[left:]]).delete()
        await platform.drift_watch.look()
        assert await DriftWarning.under_way().count() == standing


async def test_another_model_begins_anew(platform: Platform, ana: User, model: ModelVersion) -> None:
    images = await uploaded(ana, 100)
    second = await candidate(platform, "0.25")
    await ModelVersion.filter(id=second.id).update(record=RECORD)
    for one in (model, second):
        await judged(images, one.id, distance=2)
    chief = await people.admin()
    await platform.drift_watch.look()
    await platform.models.promote(chief, second.id, "to see what it says")
    await platform.drift_watch.look()
    assert [(row.model_id, row.open) for row in await DriftWarning.all().order_by("id")] == [
        (model.id, None),
        (second.id, 1),
    ]
    await platform.models.promote(chief, model.id, "back")
    await platform.drift_watch.look()
    assert await warned() == ["DISTANCE"] * 3


async def test_a_look_that_a_promotion_overtook_warns_of_nothing(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    await judged(await uploaded(ana, 100), model.id, distance=2)
    second = await candidate(platform, "0.25")
    report = Drift.report

    async def overtaken(drift: Drift) -> object:
        found = await report(drift)
        await platform.models.promote(await people.admin(), second.id, "meanwhile")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drift, "report", overtaken)
        await platform.drift_watch.look()
    assert await warned() == []


# ------------------------------------------------------------------ as the platform runs it


async def test_the_platform_looks_when_it_starts_and_never_warns_twice(
    settings: Settings, parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes on after a fault, and a restart knows what was told."""
    monkeypatch.setattr(watch_module, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(watch_module, "EVERY_SECONDS", 0.05)
    async with running(settings, parts) as platform:
        model = await platform.models.in_service()
        await judged(await uploaded(await people.member(), 100), model.id, distance=2)

        async def is_told() -> bool:
            return await DriftWarning.exists()

        await eventually(is_told)
    report, failing = Drift.report, [True]

    async def moody(drift: Drift) -> object:
        if failing and failing.pop():
            raise ConnectionError("the database is away")
        return await report(drift)

    monkeypatch.setattr(Drift, "report", moody)
    async with running(settings, parts) as platform:

        async def has_looked() -> bool:
            return platform.drift_watch.latest is not None

        await eventually(has_looked)
        assert await warned() == ["DISTANCE"]
    assert "the database is away" in caplog.text
