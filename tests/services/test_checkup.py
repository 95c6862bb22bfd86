"""What is found wrong with database and blobs, each time with the fault really made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from events.messages import ImageUploaded
from ml import image as ml_image
from ml.default_model import FOLDER, MODEL_FILE
from ml.features import pack
from ml.fingerprint import fingerprint
from services import checkup_blobs
from services.checkup import Checked, Level
from services.checkup_blobs import of_images, of_models, of_store
from services.checkup_rows import of_engine, of_rows
from services.keys import features_key, pixels_key
from services.outbox import record
from services.trail import note
from store import clock
from store.blobs import Blobs
from store.database import migrate, open_database, sqlite_url
from store.engine import engine
from store.migrating import known
from store.tables import (
    Deployment,
    Image,
    ModelState,
    ModelVersion,
    OutboxEvent,
    Role,
    RunTrigger,
    TrailKind,
    TrailNote,
    TrainingRun,
)
from tests import databases
from tests.backups import ignored
from tests.people import admin, member
from tests.stand_ins import DECODER, EVALUATION, picture, sha256
from tests.store_rows import image
from tests.trails import noted, tampering, unguarded

LONG_AGO = datetime.now(UTC) - timedelta(hours=1)
MODEL_FILE_BYTES = (FOLDER / MODEL_FILE).read_bytes()
NETWORK = "vgg16/test"

Lines = AsyncIterator[Checked]


async def wrong(lines: Lines) -> list[tuple[str, Level, str]]:
    """What is not as it should be, each with its remedy."""
    found = [line async for line in lines if line.level is not Level.OK]
    assert all(line.remedy for line in found)
    return [(line.part, line.level, line.words) for line in found]


async def rows_wrong(everything: bool = False) -> list[tuple[str, Level, str]]:
    found = await wrong(of_rows(everything))
    return [line for line in found if "administrator" not in line[2]]


# ------------------------------------------------------------------ the engine


async def test_nothing_is_wrong_with_a_new_database(database: str) -> None:
    found = await engine()
    lines = of_engine(found)
    assert [line for line in lines if line.level is Level.FAULT] == []
    assert lines[-1].words == f"up to date ({found.migrations[-1]})"
    await note(TrailKind.ROLE_CHANGED, None, value=Role.ADMIN, User=(await admin()).id)
    assert await wrong(of_rows(everything=True)) == []


async def test_characters_that_are_not_all_are_told(mysql_url: str, own_database: str) -> None:
    name = urlsplit(own_database).path[1:]
    with databases.connect(name) as server:
        server.cursor().execute(f"ALTER DATABASE {name} CHARACTER SET latin1")
    async with open_database(own_database):
        lines = of_engine(await engine())
    assert [line.words for line in lines if line.level is Level.FAULT] == [
        "its characters are latin1, and not all of them"
    ]


async def test_an_old_engine_and_few_connections_are_told(database: str) -> None:
    found = await engine()
    old = type(found)("MariaDB", "10.5.27", "utf8mb4", False, 10, found.migrations)
    told = [line.words for line in of_engine(old) if line.level is Level.WARNING]
    assert len(told) == 3
    assert "MariaDB 10.5.27 is older" in told[0]
    assert "lost when the power fails" in told[1]
    assert "10 connections" in told[2]


@pytest.mark.parametrize("kind", ["sqlite", "mysql"])
async def test_tables_that_are_not_this_versions_are_told(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    # Of its own: what is noted as done stays so for whoever comes next.
    url = sqlite_url(tmp_path / "own.sqlite") if kind == "sqlite" else request.getfixturevalue("own_database")
    await migrate(url)
    for change, level, words in (
        (
            f"UPDATE tortoise_migrations SET name = '9999_to_come' WHERE name = '{known()[-1]}'",
            Level.FAULT,
            "newer version",
        ),
        ("DELETE FROM tortoise_migrations WHERE name = '9999_to_come'", Level.WARNING, "1 migrations wait"),
    ):
        with tampering(url) as cursor:
            cursor.execute(change)
        async with open_database(url):
            line = of_engine(await engine())[-1]
        assert line.level is level
        assert words in line.words


async def test_a_database_without_tables_is_told(own_database: str) -> None:
    async with open_database(own_database):
        assert of_engine(await engine())[-1].words == "there are none yet"


# ------------------------------------------------------------------ rows


async def test_an_administrator_is_missed(database: str) -> None:
    await member()
    assert ("people", Level.WARNING, "there is no administrator who can sign in") in await wrong(
        of_rows(False)
    )


@pytest.mark.parametrize(("hours", "level"), [(1, Level.FAULT), (0.01, Level.WARNING), (0, None)])
async def test_clocks_that_differ_are_told(
    database: str, hours: float, level: Level | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now

    async def slow() -> datetime:
        return await now() - timedelta(hours=hours)

    monkeypatch.setattr(clock, "now", slow)
    found = [line[1] for line in await rows_wrong() if line[0] == "clock"]
    assert found == ([level] if level else [])


async def test_notes_that_nobody_seals_are_told(database: str) -> None:
    await note(TrailKind.SIGNED_IN, None)
    assert await rows_wrong() == []
    await TrailNote.create(at=LONG_AGO, kind=TrailKind.SIGNED_IN, subjects={})
    assert await rows_wrong() == [("trail", Level.WARNING, "to be sealed: 1 note")]


async def test_a_trail_that_was_changed_is_told_where_all_is_looked_at(database: str) -> None:
    await noted(3)
    with unguarded(database) as cursor:
        cursor.execute("UPDATE trail_entry SET kind = 'SIGNED_IN' WHERE position = 2")
    assert await rows_wrong() == []
    (line,) = await rows_wrong(everything=True)
    assert line == ("trail", Level.FAULT, "entry 2 was changed: its hash is not that of what it says")


async def test_events_that_nobody_tells_are_told(database: str) -> None:
    await record(ImageUploaded(1))
    assert await rows_wrong() == []
    await OutboxEvent.all().update(created_at=LONG_AGO)
    ((part, level, words),) = await rows_wrong()
    assert (part, level) == ("events", Level.WARNING)
    assert words.startswith("1 wait to be told, the oldest since ")


async def test_a_run_that_nobody_works_on_is_told(database: str) -> None:
    run = await TrainingRun.create(slot=1, trigger=RunTrigger.ADMIN, epochs=1)
    assert await rows_wrong() == []
    await TrainingRun.all().update(lease_until=LONG_AGO)
    ((part, level, words),) = await rows_wrong()
    assert (part, level) == ("training", Level.WARNING)
    assert words.startswith(f"nobody works on run {run.id} since ")


async def test_images_that_were_given_up_are_told(database: str) -> None:
    await image(await member(), fault=True, failure="blobs were away")
    assert await rows_wrong() == [
        ("findings", Level.WARNING, "not judged, for a fault of the platform: 1 image")
    ]


async def test_a_damaged_file_of_sqlite_is_told_where_all_is_looked_at(
    sqlite_template: Path, tmp_path: Path
) -> None:
    url = databases.sqlite_copy(sqlite_template, tmp_path)
    async with open_database(url):
        owner = await admin()
        for number in range(400):
            await image(owner, f"{number}.png")
        await Image.filter(id__gt=0).count()
    file = tmp_path / "covid-xr.sqlite"
    data = bytearray(file.read_bytes())
    place = data.rfind(b"image/png") - 400
    data[place : place + 3000] = bytes(3000)
    file.write_bytes(data)
    async with open_database(url):
        found = [line async for line in of_rows(True) if line.part == "database"]
    assert [line.level for line in found] == [Level.FAULT]
    assert found[0].words.startswith("its file is damaged: ")


# ------------------------------------------------------------------ models


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(f"file://{tmp_path / 'blobs'}")


async def in_service(blobs: Blobs, data: bytes = MODEL_FILE_BYTES, number: int = 1) -> ModelVersion:
    """A model in service, and its file."""
    await blobs.put(f"models/{number}", data)
    model = await ModelVersion.create(
        number=number,
        state=ModelState.IN_SERVICE,
        backbone="vgg16",
        head="D",
        extractor=NETWORK,
        key=f"models/{number}",
        sha256=sha256(data),
        trained_on=1,
        evaluation=EVALUATION,
    )
    await Deployment.create(number=number, model=model, reason="test", since=datetime.now(UTC))
    return model


async def test_a_model_is_missed(database: str, blobs: Blobs) -> None:
    assert await wrong(of_models(blobs, NETWORK)) == [("model", Level.WARNING, "none is in service yet")]
    await in_service(blobs)
    assert await wrong(of_models(blobs, NETWORK)) == []


async def test_a_models_file_that_is_missing_or_damaged_is_told(database: str, blobs: Blobs) -> None:
    old, new = await in_service(blobs), await in_service(blobs, number=2)
    await blobs.put(new.key, MODEL_FILE_BYTES[:-1] + b"\x00")
    await blobs.delete([old.key])
    assert await wrong(of_models(blobs, NETWORK)) == [
        ("model", Level.WARNING, "the file of model 1, models/1, is missing"),
        ("model", Level.FAULT, "the file of model 2, models/2, is damaged: its SHA-256 is another"),
    ]


async def test_a_models_file_of_another_kind_is_told(database: str, blobs: Blobs) -> None:
    await in_service(blobs, b"no model")
    ((_, level, words),) = await wrong(of_models(blobs, NETWORK))
    assert level is Level.FAULT
    assert "of another version of the program" in words


async def test_another_network_than_that_in_service_is_told(database: str, blobs: Blobs) -> None:
    await in_service(blobs)
    ((_, level, words),) = await wrong(of_models(blobs, "resnet50/test"))
    assert level is Level.WARNING
    assert "reads vgg16/test, and resnet50/test is set here" in words


# ------------------------------------------------------------------ images


async def films(blobs: Blobs, count: int = 3) -> list[Image]:
    """Images with their pixels and features, as they are stored; the first is not what was uploaded."""
    owner, found = await member(), []
    for number in range(count):
        data = picture(number)
        decoded = ml_image.decode(data)
        one = await image(
            owner,
            f"{number}.png",
            width=96,
            height=80,
            features=NETWORK,
            fingerprint=fingerprint(decoded.pixels),
        )
        await Image.filter(id=one.id).update(sha256=sha256(data if number else b"as uploaded"))
        await blobs.put(pixels_key(one.key), data)
        await blobs.put(features_key(NETWORK, one.key), pack(decoded.pixels.ravel()))
        found.append(one)
    return found


async def images_wrong(blobs: Blobs, everything: bool = False) -> list[tuple[Level, str]]:
    return [line[1:] for line in await wrong(of_images(blobs, DECODER, everything, ignored))]


async def test_whole_images_are_well(database: str, blobs: Blobs) -> None:
    assert await images_wrong(blobs) == []
    await films(blobs)
    assert await images_wrong(blobs) == []


async def test_blobs_that_are_missing_are_told(database: str, blobs: Blobs) -> None:
    first, second, _ = await films(blobs)
    await blobs.delete([pixels_key(second.key), features_key(NETWORK, first.key)])
    assert sorted(await images_wrong(blobs)) == [
        (Level.FAULT, f"1 of 3 of 3 images: pixels are missing, such as of image {second.id}"),
        (Level.WARNING, f"1 of 3 of 3 images: features are missing, such as of image {first.id}"),
    ]


@pytest.mark.parametrize("number", [0, 1], ids=["cleaned", "as it came"])
@pytest.mark.parametrize("damage", ["flipped", "emptied", "another's"])
async def test_pixels_that_are_damaged_are_told(
    database: str, blobs: Blobs, number: int, damage: str
) -> None:
    found = await films(blobs)
    key, data = pixels_key(found[number].key), bytearray(picture(number))
    data[len(data) // 2] ^= 1
    await blobs.put(key, {"flipped": bytes(data), "emptied": b"", "another's": picture(9)}[damage])
    ((level, words),) = await images_wrong(blobs)
    assert level is Level.FAULT
    assert words.endswith(f"pixels are damaged, such as of image {found[number].id}")


async def test_features_that_are_damaged_are_told(database: str, blobs: Blobs) -> None:
    one, *_ = await films(blobs)
    await blobs.put(features_key(NETWORK, one.key), b"none")
    ((level, words),) = await images_wrong(blobs)
    assert level is Level.WARNING
    assert "features are damaged" in words


async def test_a_sample_is_of_old_and_new(
    database: str, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup_blobs, "SAMPLE", 4)
    found = await films(blobs, 12)
    for lost in (found[0], found[-1]):
        await blobs.delete([pixels_key(lost.key)])
        ((_, words),) = await images_wrong(blobs)
        assert words.startswith(("1 of 4 of 12 images", "2 of 4 of 12 images"))
    await blobs.delete([pixels_key(found[1].key)])
    ((_, words),) = await images_wrong(blobs, everything=True)
    assert words.startswith("3 of 12 of 12 images")


async def test_a_store_that_works_is_left_as_it_was(blobs: Blobs) -> None:
    assert (await of_store(blobs)).level is Level.OK
    assert [blob async for some in blobs.list("") for blob in some] == []
