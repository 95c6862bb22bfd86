"""What an older version has left is taken over: its data folder as it lies there, and its backup on MariaDB.

`tests/golden/make_old_data.py` made both, by the code of that version.
"""

from __future__ import annotations

import sqlite3
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymysql.err import OperationalError
from starlette.applications import Starlette

from api import doctor, pixels
from api.wiring import running
from schema import ids
from services.checkup import Level
from services.platform import Platform
from services.trail_check import check
from store.database import migrate, sqlite_url
from store.tables import RunState
from tests import backups, databases, stand_ins
from tests.asking import Asker, application, codes
from tests.backups import Place
from tests.golden.make_old_data import ANA, CHIEF, OUT, PASSWORD, made_up
from tests.listening import nothing_waits
from tests.people import eventually
from tests.rendered import rendered
from tests.runs import ended, patients
from tests.stand_ins import picture
from tests.trails import sealed, tampering

(ARCHIVE,) = (Path(__file__).parent / "golden").glob("data-*.tar.xz")
OF_THE_ENGINE = ("sqlite_sequence", "tortoise_migrations")
HERS = """SELECT image.id, finding, probability FROM image JOIN prediction ON image_id = image.id
    WHERE owner_id = (SELECT id FROM user WHERE email = ?)
    AND model_id = (SELECT model_id FROM deployment ORDER BY number DESC LIMIT 1)"""
NEWEST = "SELECT sha256, position FROM trail_entry ORDER BY position DESC LIMIT 1"

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """Where `data` and `backup` of the older version lie."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path / "left", filter="data")
    return tmp_path / "left"


@pytest.fixture
def folder(left: Path) -> Place:
    """Its data folder, where it has worked."""
    data = left / "data"
    return Place(data, sqlite_url(data / "covid-xr.sqlite"), f"file://{data / 'blobs'}")


@pytest.fixture
def restored(left: Path, tmp_path: Path) -> Iterator[Place]:
    """Its backup, restored to MariaDB by the command of now."""
    with databases.empty_mysql() as url:
        place = Place(tmp_path / "new", url, f"file://{tmp_path / 'new' / 'blobs'}")
        place.does("restore", str(left / "backup"))
        yield place


@pytest.fixture(params=["folder", "restored"])
def upgraded(request: pytest.FixtureRequest) -> Place:
    """Either, before the platform of now has worked there."""
    place: Place = request.getfixturevalue(request.param)
    return place


def asked(file: Path, sql: str, *given: str) -> list[dict[str, Any]]:
    """Rows of the file as it is, whatever the tables of now are."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql, given)]


def rows(file: Path) -> dict[str, list[dict[str, Any]]]:
    """All of them, by tables."""
    tables = [row["name"] for row in asked(file, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        table: asked(file, f"SELECT rowid, * FROM `{table}` ORDER BY rowid")
        for table in tables
        if table not in OF_THE_ENGINE
    }


async def test_every_row_says_what_it_said(folder: Place) -> None:
    file = folder.data_dir / "covid-xr.sqlite"
    before = rows(file)
    assert {table for table, found in before.items() if not found} == {"drift_warning"}
    await migrate(folder.database_url)
    after = rows(file)
    for table, known in before.items():
        assert [
            {column: row[column] for column in old} for row, old in zip(after[table], known, strict=True)
        ] == known


async def test_a_backup_comes_to_the_same_rows_as_the_folder(folder: Place, restored: Place) -> None:
    await migrate(folder.database_url)
    assert await backups.rows(restored.database_url) == await backups.rows(folder.database_url)
    assert await backups.blobs(restored) == await backups.blobs(folder)
    keys = [(place.data_dir / "secret.key").read_bytes() for place in (folder, restored)]
    assert keys[0] == keys[1]


@asynccontextmanager
async def at_work(place: Place) -> AsyncIterator[tuple[Platform, Asker]]:
    """The platform of now, and somebody who has not signed in."""
    async with running(place.settings, stand_ins.parts()) as platform:
        app = Starlette(routes=[*application(platform).routes, *pixels.routes()])
        app.state.platform = platform
        transport, url = httpx.ASGITransport(app), platform.links.public_url
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            yield platform, Asker(client)


async def signed_in(asker: Asker, email: str) -> Asker:
    payload = await asker.mutate("signIn", "token", email=email, password=PASSWORD)
    assert payload["errors"] == []
    return replace(asker, token=payload["token"])


async def test_who_was_there_finds_what_was_there(upgraded: Place, left: Path) -> None:
    hers = asked(left / "data" / "covid-xr.sqlite", HERS, ANA)
    async with at_work(upgraded) as (_, anybody):
        refused = await anybody.mutate("signIn", "token", email=OUT, password=PASSWORD)
        assert codes(refused) == [("BLOCKED", ["input"])]
        ana = await signed_in(anybody, ANA)
        images = "images { nodes { id url label { finding evidence } prediction { finding probability } } }"
        found = (await ana.data(f"{{ {images} }}"))["nodes"]
        judged = {node["id"]: node["prediction"] for node in found}
        assert judged == {
            ids.encode("Image", row["id"]): {key: row[key] for key in ("finding", "probability")}
            for row in hers
        }
        labels = [node["label"] and tuple(node["label"].values()) for node in reversed(found)]
        assert labels == [None] * 2 + [("NO_COVID", "UNSTATED")] * 3 + [("COVID", "RT_PCR")]
        served = {rendered((await ana.client.get(node["url"])).content) for node in found}
        assert served == {rendered(made_up(number)) for number in (0, 9, 1, 2, 6, 7)}
        assert (await ana.data("{ news { nodes { title } } }"))["nodes"] == [{"title": "Novedades"}]


async def test_the_work_goes_on(upgraded: Place, left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is carried through, the trail goes on where it was, and `doctor` finds nothing."""
    monkeypatch.setattr("ml.model_file.load", stand_ins.Brightness)
    (head,) = asked(left / "data" / "covid-xr.sqlite", NEWEST)
    async with at_work(upgraded) as (platform, anybody):
        ana, chief = [await signed_in(anybody, email) for email in (ANA, CHIEF)]
        assert await anybody.data("{ model { number } }") == {"number": 2}
        films = [(f"{seed}.png", picture(seed)) for seed in (1, 2)]
        await ana.upload(films, "id", label="COVID", patientRef=patients(False)[0], waitSeconds=10)
        begun = await chief.data("mutation { requestRetraining { errors { code } } }")
        assert begun == {"errors": []}
        assert [run.state for run in await ended(2)] == [RunState.PROMOTED] * 2
        assert await anybody.data("{ model { number } }") == {"number": 3}
        await eventually(nothing_waits)
        await sealed()
        checked = await check(head["sha256"])
        assert checked.fault is None
        assert checked.entries > head["position"]
        lines = [
            line
            async for line in doctor._of_database(
                upgraded.settings, platform.images.blobs, stand_ins.EverySecondPixel.name, everything=True
            )
        ]
        assert {line.part for line in lines} >= {"tables", "people", "trail", "events", "model", "images"}
        wrong = [line for line in lines if line.level is not Level.OK and line.part != "database"]
        assert wrong == []
        assert Level.FAULT not in {line.level for line in lines}


@pytest.mark.parametrize("statement", ["UPDATE trail_entry SET reason = 'x'", "DELETE FROM trail_entry"])
async def test_what_was_told_cannot_be_changed_any_more(upgraded: Place, statement: str) -> None:
    await migrate(upgraded.database_url)
    with (
        pytest.raises((sqlite3.IntegrityError, OperationalError), match="only added to"),
        tampering(upgraded.database_url) as cursor,
    ):
        cursor.execute(statement)


def test_the_commands_take_it_as_it_is(folder: Place, left: Path) -> None:
    """As an operator does who wants the tables ahead of the servers."""
    (head,) = asked(left / "data" / "covid-xr.sqlite", NEWEST)
    folder.does("migrate")
    assert head["sha256"] in folder.does("audit", "verify", "--expect", head["sha256"])
