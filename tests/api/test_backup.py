"""`covidxr backup` and `covidxr restore`, as an operator meets them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from api.backup import explained_parts
from api.preparation import held
from api.settings import Settings
from services.backup_files import BackupUnusable
from store.database import migrate, open_database
from store.disk import DiskFull, NotWritable
from store.tables import ContactMessage, OutboxEvent
from tests import backups
from tests.backups import Place
from tests.people import member
from tests.store_rows import image


@pytest.fixture
def small(tmp_path: Path) -> Place:
    """An installation with an undelivered message and a blob, on SQLite and a folder."""
    data = tmp_path / "data"
    data.mkdir()
    place = Place(data, f"sqlite://{data}/covid-xr.sqlite", f"file://{data}/blobs")

    async def fill() -> None:
        await migrate(place.database_url)
        async with open_database(place.database_url):
            await ContactMessage.create(name="a", email="a@b.example", subject="s", body="b")
        await place.blobs.put("models/m", b"model")

    asyncio.run(fill())
    return place


def empty(folder: Path) -> Place:
    return Place(folder, f"sqlite://{folder}/covid-xr.sqlite", f"file://{folder}/blobs")


def test_says_what_it_did_and_what_to_keep(small: Place, tmp_path: Path) -> None:
    folder = str(tmp_path / "backup")
    said = small.does("backup", folder)
    assert f"{folder} holds " in said
    assert "tables and 1 blob (0.0 MB)" in said
    assert "copied: 1 blob." in said
    digest = said.split()[-1]
    assert "copied: 0 blobs." in small.does("backup", folder)
    second = empty(tmp_path / "second")
    refused = second.refuses("restore", folder, "--expect", digest)
    assert "expected: give what the last backup into this folder printed" in refused
    assert not second.data_dir.exists()
    assert second.does("restore", folder, "--check").startswith("Whole: ")
    assert not second.data_dir.exists()
    said = second.does("restore", folder)
    assert "Restored and compared: " in said
    assert f"Blobs: file://{second.data_dir}/blobs" in said
    assert asyncio.run(backups.rows(second.database_url)) == asyncio.run(backups.rows(small.database_url))
    assert "rows already" in second.refuses("restore", folder)


def test_what_was_lost_before_is_told(small: Place, tmp_path: Path) -> None:
    async def lose() -> None:
        async with open_database(small.database_url):
            await image(await member())

    asyncio.run(lose())
    done = small.run("backup", str(tmp_path / "backup"))
    assert done.returncode == 0
    assert "Lost, though rows name them: 1 blob. `covidxr doctor --all` names" in done.stderr


def test_none_is_made_in_what_it_is_of(small: Place, tmp_path: Path) -> None:
    """Nor where blobs lie, wherever that is."""
    blobs = tmp_path / "blobs"
    for kept in (small.data_dir, blobs):
        refused = small.refuses("backup", str(kept / "backup"), COVIDXR_BLOBS_URL=f"file://{blobs}")
        assert f"{kept}/backup lies in {kept}, and is lost with it" in refused
        assert not (kept / "backup").exists()


def test_a_store_that_does_not_take_a_blob_is_told_in_a_line(tmp_path: Path) -> None:
    """As on the way of a restoring, when its disk is full at last, or its key's right is gone."""
    for refused in (DiskFull("no room"), NotWritable("no right")):
        with (
            pytest.raises(BackupUnusable, match=rf"blobs in .* cannot be used: {refused}\."),
            explained_parts(Settings(data_dir=tmp_path)),
        ):
            raise refused


def test_a_setting_of_a_key_is_to_be_kept(small: Place, tmp_path: Path) -> None:
    said = small.does("backup", str(tmp_path / "backup"), COVIDXR_SECRET_KEY="k" * 32)
    assert "COVIDXR_SECRET_KEY, and in no backup" in said


def test_where_there_is_nothing_nothing_is_made(tmp_path: Path) -> None:
    place = empty(tmp_path / "nowhere")
    assert "there is no database" in place.refuses("backup", str(tmp_path / "backup"))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_runs_keeps_its_place(small: Place, tmp_path: Path) -> None:
    small.does("backup", str(tmp_path / "backup"))
    second = empty(tmp_path / "second")
    second.data_dir.mkdir()
    with held(second.data_dir):
        assert "another server" in second.refuses("restore", str(tmp_path / "backup"))


def test_a_bucket_that_is_away_is_told(small: Place, tmp_path: Path, free_tcp_port: int) -> None:
    refused = small.refuses(
        "backup",
        str(tmp_path / "backup"),
        COVIDXR_BLOBS_URL="s3://away",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_tcp_port}",
        AWS_ALLOW_HTTP="true",
        AWS_ACCESS_KEY_ID="a",
        AWS_SECRET_ACCESS_KEY="b",
    )
    assert refused.startswith("the blobs in s3://away cannot be used: ")


def test_work_is_told_of_anew_where_events_stay_behind(
    small: Place, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    small.does("backup", str(tmp_path / "backup"))
    with backups.place("mysql", tmp_path / "second", request) as many:
        broker = {"COVIDXR_EVENTS_URL": "nats://127.0.0.1:1", "COVIDXR_SECRET_KEY": "k" * 32}
        many.does("restore", str(tmp_path / "backup"), **broker)

        async def told() -> list[str]:
            async with open_database(many.database_url):
                return [row.kind for row in await OutboxEvent.all()]

        assert asyncio.run(told()) == ["ContactMessageReceived"]
