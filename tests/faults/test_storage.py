"""What lies under one server, full, kept locked by somebody else, or damaged."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from api import pixels
from api.preparation import CannotStart, held, prepare_database, try_key, try_model
from api.settings import Settings
from api.wiring import running
from services.keys import features_key, pixels_key
from services.platform import Platform
from store import database
from store.tables import Image, Label, ModelVersion, OutboxEvent, Prediction
from tests import databases, people, stand_ins
from tests.asking import Asker, application
from tests.disks import filled, small_disk
from tests.people import eventually
from tests.stand_ins import picture

SEEN = "{ images(first: 9) { totalCount nodes { thumbnailUrl prediction { probability } } } }"
LABEL = "mutation($input: SubmitLabelInput!) { submitLabel(input: $input) { errors { code } } }"


@pytest.fixture
async def disk(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Path]:
    """Room for a database, whose tables are there, and some films."""
    with small_disk(tmp_path / "disk", 8) as folder:
        (folder / "data").mkdir()
        databases.sqlite_copy(sqlite_template, folder / "data")
        yield folder


@pytest.fixture
async def platform(disk: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Platform]:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    async with running(Settings(data_dir=disk / "data"), stand_ins.parts()) as found:
        yield found


@pytest.fixture
async def member(platform: Platform) -> AsyncIterator[Asker]:
    app = application(platform)
    app.routes.extend(pixels.routes())
    app.state.platform = platform
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=platform.links.public_url) as client:
        yield await Asker(client).signed_in(await people.member())


def files(disk: Path) -> set[Path]:
    """All but SQLite's own."""
    return {file for file in (disk / "data").rglob("*") if file.is_file() and "sqlite" not in file.name}


async def sent(member: Asker, number: int, wait: int = 0) -> tuple[str | None, list[tuple[str, str]]]:
    """The id of an image, and what was wrong with its file."""
    payload = await member.upload([(f"{number}.png", picture(number))], "id", waitSeconds=wait)
    (result,) = payload["results"]
    image = result["image"] and result["image"]["id"]
    return image, [(error["code"], error["message"]) for error in result["errors"]]


async def refusal(member: Asker, image: str | None, seconds: int) -> str:
    """The words by which a label is not taken now, and may be sent again after so long."""
    answer = await member.ask(LABEL, input={"imageId": image, "finding": "COVID"})
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "UNAVAILABLE", "retryAfter": seconds}
    return str(error["message"])


# ------------------------------------------------------------------ full


async def test_what_finds_no_room_is_refused_by_name_and_all_goes_on_once_there_is_some(
    disk: Path, member: Asker
) -> None:
    first, _ = await sent(member, 1, wait=30)
    await eventually(nothing_waits)
    before = files(disk)
    with filled(disk):
        for number in (2, 3):
            image, ((code, message),) = await sent(member, number)
            assert (image, code) == (None, "UNAVAILABLE")
            assert message.startswith("there is no room on the platform's disk")
        assert "nothing was stored" in await refusal(member, first, 60)

        seen = await member.data(SEEN)  # looking goes on
        assert seen["totalCount"] == 1
        assert (await member.client.get(seen["nodes"][0]["thumbnailUrl"])).status_code == 200
        assert files(disk) - {disk / "hog"} == before
        assert (await Image.all().count(), await Label.all().count()) == (1, 0)

    for number in (2, 3):
        image, problems = await sent(member, number, wait=30)
        assert image
        assert not problems
    payload = await member.mutate("submitLabel", "label { id }", imageId=first, finding="COVID")
    assert payload["errors"] == []
    await eventually(nothing_waits)
    assert await Prediction.all().count() == 3
    with closing(sqlite3.connect(disk / "data" / "covid-xr.sqlite")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def nothing_waits() -> bool:
    return not await OutboxEvent.exists()


def test_a_start_on_a_full_disk_tells_to_make_room(disk: Path) -> None:
    settings = Settings(data_dir=disk / "data")
    with filled(disk):
        with (
            pytest.raises(CannotStart, match=r"server\.lock.* Make room on its disk"),
            held(settings.data_dir),
        ):
            pass
        with pytest.raises(CannotStart, match=r"secret\..* Make room on its disk"):
            try_key(settings)
        with pytest.raises(CannotStart, match="Remedy: make room on its disk"):
            prepare_database(settings)


# ------------------------------------------------------------------ locked


async def test_while_another_process_keeps_the_database_locked_nothing_is_lost(
    disk: Path, member: Asker
) -> None:
    first, _ = await sent(member, 1)
    with closing(sqlite3.connect(disk / "data" / "covid-xr.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "try again in some seconds" in await refusal(member, first, 5)
        image, ((code, message),) = await sent(member, 2)
        assert (image, code) == (None, "UNAVAILABLE")
        assert message.endswith("try again")
        assert (await member.data(SEEN))["totalCount"] == 1
    await sent(member, 2, wait=30)
    await eventually(all_are_judged)
    assert len([file for file in files(disk) if file.parent.name == "pixels"]) == 2


async def all_are_judged() -> bool:
    return await nothing_waits() and await Prediction.all().count() == 2


# ------------------------------------------------------------------ damaged


async def test_a_picture_that_is_damaged_is_told_of_and_holds_nothing_up(
    platform: Platform, member: Asker
) -> None:
    await sent(member, 1, wait=30)
    image = await Image.get()
    await platform.diagnosis.blobs.put(pixels_key(image.key), picture(1)[:300])
    await platform.diagnosis.blobs.put(features_key(str(image.features), image.key), b"damaged")
    seen = (await member.data(SEEN))["nodes"][0]["thumbnailUrl"]
    answer = await member.client.get(seen)
    assert (answer.status_code, answer.text.startswith("This picture is damaged")) == (500, True)
    await Prediction.all().delete()
    assert await platform.renewal.diagnosis.diagnose_again(image)
    assert "cannot be read" in str((await Image.get()).failure)
    second, problems = await sent(member, 2, wait=30)
    assert second
    assert not problems


def test_a_model_that_is_damaged_or_gone_is_told_at_the_start(tmp_path: Path, sqlite_template: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    databases.sqlite_copy(sqlite_template, tmp_path)
    try_model(settings)  # none is in service yet
    asyncio.run(begun(settings))
    try_model(settings)
    (file,) = (settings.data_dir / "blobs" / "models").iterdir()
    file.write_bytes(b"0.6")
    with pytest.raises(CannotStart, match=f"model 1, models/{file.name}, is damaged.* Remedy: put it back"):
        try_model(settings)
    file.unlink()
    with pytest.raises(CannotStart, match=r"is missing.* mend COVIDXR_BLOBS_URL"):
        try_model(settings)


async def begun(settings: Settings) -> None:
    async with running(settings, stand_ins.parts()):
        assert await ModelVersion.all().count() == 1
