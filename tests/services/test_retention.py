"""What nobody has used for long goes as if its owner had deleted it, once, whoever sweeps."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.settings import Settings
from api.wiring import Parts, running
from events.memory import InProcessLog
from services import retention as retention_module
from services.checkup import Level
from services.checkup_rows import of_retention
from services.journal import DatabaseJournal
from services.outbox import Outbox
from services.retention import Due, Retention, due
from store.tables import (
    ContactMessage,
    DeletedFilm,
    Evidence,
    Finding,
    Image,
    Label,
    Notice,
    NoticeKind,
    OutboxEvent,
    TrailKind,
    TrailNote,
    User,
)
from tests import databases, people
from tests.people import eventually
from tests.store_rows import image as image_row

KEPT = timedelta(days=30)


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


@pytest.fixture
def retention(database: str) -> Retention:
    return Retention(Outbox(InProcessLog(DatabaseJournal())), KEPT)


async def image(owner: User, name: str, uploaded: float, labelled: float | None = None) -> Image:
    """An image of so many days ago, and its label."""
    row = await image_row(owner, name, holdout=True)
    await Image.filter(id=row.id).update(uploaded_at=ago(uploaded))
    if labelled is not None:
        label = await Label.create(
            image=row, finding=Finding.COVID, evidence=Evidence.UNSTATED, submitted_by=owner
        )
        await Label.filter(id=label.id).update(created_at=ago(labelled))
    return row


async def names() -> list[str]:
    return [row.filename for row in await Image.all().order_by("id")]


async def message(received: float) -> None:
    row = await ContactMessage.create(name="n", email="e@h.example", subject="s", body="b")
    await ContactMessage.filter(id=row.id).update(received_at=ago(received))


async def test_what_was_neither_uploaded_nor_labelled_of_late_goes(
    retention: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "AT_ONCE", 2)
    ana = await people.member()
    gone = [await image(ana, f"old {n}", 31) for n in range(3)]
    gone.append(await image(ana, "old, and labelled long ago", 90, 31))
    await image(ana, "old, and labelled of late", 90, 29)
    await image(ana, "young", 29)
    assert await due(KEPT) == Due(4, 0)
    await retention.sweep()
    assert await names() == ["old, and labelled of late", "young"]
    notes = await TrailNote.filter(kind=TrailKind.IMAGE_DELETED.value).order_by("id")
    assert [(one.actor_id, one.subjects) for one in notes] == [(None, {"Image": row.id}) for row in gone]
    events = await OutboxEvent.filter(kind="ImageDeleted").order_by("id")
    assert [event.payload["key"] for event in events] == [row.key for row in gone]
    assert await DeletedFilm.filter(taught=False).count() == 4  # as of any image that judged
    assert await due(KEPT) == Due(0, 0)


async def test_of_many_who_sweep_at_once_one_deletes_each(retention: Retention) -> None:
    ana = await people.member()
    for n in range(10):
        await image(ana, f"{n}", 31)
    await asyncio.gather(*(retention.sweep() for _ in range(4)))
    assert await names() == []
    assert await TrailNote.filter(kind=TrailKind.IMAGE_DELETED.value).count() == 10
    assert await OutboxEvent.filter(kind="ImageDeleted").count() == 10


async def test_what_is_labelled_at_this_moment_stays(
    retention: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await people.member()
    await image(ana, "used", 31)
    await image(ana, "old", 31)
    found = Image.unused_since

    async def labels() -> None:
        used = await Image.get(filename="used")
        await Label.create(image=used, finding=Finding.COVID, submitted_by=ana)

    async def late(before: datetime):  # type: ignore[no-untyped-def]
        for row in await found(before):
            if row.filename == "used":
                await labels()
            yield row

    monkeypatch.setattr(retention_module, "_unused", late)
    await retention.sweep()
    assert await names() == ["used"]


async def test_letters_go_as_well_and_none_that_may_be_sent_yet(retention: Retention) -> None:
    for days in (31, 29):
        await message(days)
        notice = await Notice.create(
            kind=NoticeKind.EMAIL_CHANGED, email="e@h.example", name="n", locale="en"
        )
        await Notice.filter(id=notice.id).update(created_at=ago(days))
    assert await due(KEPT) == Due(0, 1)
    await retention.sweep()
    assert await ContactMessage.all().count() == 1
    assert await Notice.all().count() == 1
    await Retention(retention.outbox, timedelta(days=1)).sweep()
    assert not await ContactMessage.exists()
    assert not await Notice.exists()
    await Notice.create(kind=NoticeKind.EMAIL_CHANGED, email="e@h.example", name="n", locale="en")
    await Notice.all().update(created_at=ago(1.5))
    await Retention(retention.outbox, timedelta(days=1)).sweep()
    assert await Notice.exists()


async def test_the_doctor_tells_what_would_go(database: str) -> None:
    ana = await people.member()
    assert (await of_retention(None)).words == "nothing is deleted for its age"
    await image(ana, "a", 30.5)
    line = await of_retention(KEPT)
    assert line.level is Level.OK
    assert line.words.startswith("1 image and 0 messages of the contact form, not used for 30 days")
    await message(32)
    line = await of_retention(KEPT)
    assert (line.level, line.words.partition(",")[0]) == (
        Level.WARNING,
        "1 image and 1 message of the contact form",
    )


@pytest.mark.parametrize("days", [0, 30])
async def test_the_platform_keeps_things_as_long_as_it_is_told(
    sqlite_template: Path, tmp_path: Path, settings: Settings, parts: Parts, days: int
) -> None:
    where = settings.model_copy(
        update={"retention_days": days, "database_url": databases.sqlite_copy(sqlite_template, tmp_path)}
    )
    async with running(where, parts):
        await image(await people.member(), "old", 31)
    async with running(where, parts):
        if days:
            await eventually(lambda: same_names([]))
        else:
            await asyncio.sleep(0.3)
            assert await names() == ["old"]


async def same_names(expected: list[str]) -> bool:
    return await names() == expected
