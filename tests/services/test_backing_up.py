"""Backing up: while others write, again into the same folder, and what is no whole backup."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.wiring import running
from services import backing_up
from services.backup_files import BackupUnusable, Whole, begun, read
from store.blobs import Blobs
from store.database import migrate, open_database
from store.tables import Image, JournalEntry, OutboxEvent
from tests import backups, stand_ins
from tests.backups import Place, back_up, ignored, restore
from tests.people import member
from tests.stand_ins import picture
from tests.store_rows import image
from tests.trails import tampering
from tests.uploading import upload


@pytest.fixture(params=["sqlite", "mysql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An installation that holds nothing yet."""
    with backups.place(request.param, tmp_path / "data", request) as found:
        found.data_dir.mkdir()
        yield found


@pytest.fixture
async def small(tmp_path: Path) -> Place:
    """An installation with two images, of which one has pixels, on SQLite and a folder."""
    data = tmp_path / "data"
    data.mkdir()
    found = Place(data, f"sqlite://{data}/covid-xr.sqlite", f"file://{data}/blobs")
    await migrate(found.database_url)
    async with open_database(found.database_url):
        owner = await member()
        one = await image(owner)
        await image(owner, "another.png")
    for key in (f"pixels/{one.key}", f"features/f/{one.key}", "models/m"):
        await found.blobs.put(key, key.encode() * 1000)
    (data / "secret.key").write_bytes(b"s" * 32)
    return found


def blob_files(folder: Path) -> list[Path]:
    return sorted((folder / "blobs").glob("*/*"))


# ------------------------------------------------------------------ while others write


@pytest.mark.slow
async def test_rows_are_of_one_moment_and_have_their_blobs(place: Place, tmp_path: Path) -> None:
    async with running(place.settings, stand_ins.parts()) as platform:
        ana, stopped = await member(), asyncio.Event()

        async def go_on() -> int:
            count = 0
            while not stopped.is_set():
                count += len(await upload(platform, ana, picture(count), wait=0))
            return count

        uploading = asyncio.create_task(go_on())
        await asyncio.sleep(1)
        await asyncio.to_thread(place.does, "backup", str(tmp_path / "backup"))
        at_its_end = await Image.all().count()
        stopped.set()
        await uploading
        images = {one.key: one for one in await Image.all()}
        pixels = {key: await place.blobs.get(f"pixels/{key}") for key in images}
    second = Place(tmp_path / "second", f"sqlite://{tmp_path}/second.sqlite", f"file://{tmp_path}/second")
    await restore(second, tmp_path / "backup")
    async with open_database(second.database_url):
        found = await Image.all()
        told = [await model.filter(kind="ImageUploaded") for model in (OutboxEvent, JournalEntry)]
    assert 0 < len(found) < at_its_end, "nothing was uploaded meanwhile"
    assert {event.payload["image_id"] for events in told for event in events} == {one.id for one in found}
    for one in found:
        assert await second.blobs.get(f"pixels/{one.key}") == pixels[one.key]
        if one.features:
            assert await second.blobs.get(f"features/{one.features}/{one.key}")


async def test_a_blob_that_goes_meanwhile_is_told(
    small: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = small.blobs.list

    async def removed(self: Blobs, folder: str):  # type: ignore[no-untyped-def]
        async for some in listed(folder):
            yield some
            await small.blobs.delete(["models/m"])

    monkeypatch.setattr(Blobs, "list", removed)
    done = await back_up(small, tmp_path / "backup")
    assert (done.gone, done.manifest.blobs) == (1, 2)
    read(tmp_path / "backup").check(ignored)


# ------------------------------------------------------------------ into the same folder again


async def test_again_copies_what_is_new_and_drops_what_has_gone(small: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    assert (await back_up(small, folder)).copied == 3
    known = {file: file.stat().st_mtime_ns for file in blob_files(folder)}
    await small.blobs.put("models/m", b"another model")
    await small.blobs.put("models/new", b"a new model")
    done = await back_up(small, folder)
    assert (done.copied, done.manifest.blobs) == (2, 4)
    kept = [file for file in blob_files(folder) if file in known]
    assert len(kept) == 2
    assert all(file.stat().st_mtime_ns == known[file] for file in kept)
    assert len(blob_files(folder)) == 4
    assert len([one for one in folder.iterdir() if one.is_dir()]) == 2
    read(folder).check(ignored)


@pytest.mark.parametrize("damage", [b"", b"x", None], ids=["emptied", "altered", "removed"])
async def test_again_mends_what_is_damaged(small: Place, tmp_path: Path, damage: bytes | None) -> None:
    folder = tmp_path / "backup"
    await back_up(small, folder)
    file = blob_files(folder)[0]
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage and bytes(file.stat().st_size))
    assert (await back_up(small, folder)).copied == 1
    read(folder).check(ignored)


class Cut(Exception):
    pass


async def test_what_is_cut_short_is_none_and_goes_on(
    small: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backup"
    monkeypatch.setattr(backing_up, "AT_ONCE", 1)

    def cut(done: int, total: int) -> None:
        if done == 2:
            raise Cut

    with pytest.raises(Cut):
        await back_up(small, folder, cut)
    with pytest.raises(BackupUnusable, match="incomplete: it was cut short"):
        read(folder)
    assert (await back_up(small, folder)).copied == 1
    read(folder).check(ignored)


async def test_one_that_is_cut_short_leaves_the_one_before_whole(small: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    before = await back_up(small, folder)
    await small.blobs.put("models/m", b"another model")

    def cut(done: int, total: int) -> None:
        raise Cut

    with pytest.raises(Cut):
        await back_up(small, folder, cut)
    whole = read(folder, before.sha256)
    whole.check(ignored)
    assert whole.manifest == before.manifest


async def test_one_at_a_time(small: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    with begun(folder), pytest.raises(BackupUnusable, match="another backup is being made"):
        await back_up(small, folder)
    await back_up(small, folder)


# ------------------------------------------------------------------ where it lies


async def test_it_is_for_its_owner_alone(small: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    folder.mkdir(mode=0o755)
    await back_up(small, folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    for one in folder.rglob("*"):
        assert one.stat().st_mode & 0o077 == 0, one
    whole = read(folder)
    assert whole.secret
    assert whole.secret.read_bytes() == b"s" * 32


async def test_what_is_not_ours_stays(small: Place, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "letter").touch()
    with pytest.raises(BackupUnusable, match="holds something else"):
        await back_up(small, folder)
    assert [one.name for one in folder.iterdir()] == ["letter"]
    (folder / "letter").unlink()
    await back_up(small, folder)
    (folder / "notes").mkdir()
    await back_up(small, folder)
    assert (folder / "notes").is_dir()


async def test_a_folder_that_cannot_be_is_told(small: Place, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackupUnusable, match="Not a directory"):
        await back_up(small, tmp_path / "file" / "backup")


# ------------------------------------------------------------------ what is no backup, or a damaged one


async def test_no_backup_is_none(tmp_path: Path) -> None:
    with pytest.raises(BackupUnusable, match=r"no backup in .*: it has no manifest\.json"):
        read(tmp_path)


async def test_another_than_expected_is_refused(small: Place, tmp_path: Path) -> None:
    done = await back_up(small, tmp_path / "backup")
    read(tmp_path / "backup", done.sha256)
    with pytest.raises(BackupUnusable, match="SHA-256 is expected"):
        read(tmp_path / "backup", "0" * 64)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "covid-xr backup 1"}'])
async def test_a_damaged_manifest_is_named(small: Place, tmp_path: Path, text: str) -> None:
    await back_up(small, tmp_path / "backup")
    (tmp_path / "backup" / "manifest.json").write_text(text)
    with pytest.raises(BackupUnusable, match=r"manifest\.json is damaged"):
        read(tmp_path / "backup")


async def test_a_format_to_come_is_refused(small: Place, tmp_path: Path) -> None:
    await back_up(small, tmp_path / "backup")
    file = tmp_path / "backup" / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": "covid-xr backup 2"}))
    with pytest.raises(BackupUnusable, match="a newer version of the program"):
        read(tmp_path / "backup")


def files_of(whole: Whole) -> list[Path]:
    return [
        file
        for file in whole.folder.rglob("*")
        if file.is_file() and file.name not in ("backup.lock", "manifest.json")
    ]


async def test_every_file_that_is_damaged_or_missing_is_named(small: Place, tmp_path: Path) -> None:
    await back_up(small, tmp_path / "backup")
    whole = read(tmp_path / "backup")
    assert len(files_of(whole)) > 20
    for file in files_of(whole):
        data = file.read_bytes()
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(BackupUnusable, match=f"{file} is damaged"):
            whole.check(ignored)
        file.unlink()
        with pytest.raises(BackupUnusable, match=f"{file} is missing"):
            whole.check(ignored)
        file.write_bytes(data)
    whole.check(ignored)


# ------------------------------------------------------------------ versions


async def test_tables_of_a_newer_version_are_not_backed_up(small: Place, tmp_path: Path) -> None:
    with tampering(small.database_url) as cursor:
        cursor.execute("UPDATE tortoise_migrations SET name = '9999_to_come' WHERE name LIKE '0015%'")
    with pytest.raises(BackupUnusable, match=r"newer version .* which has the migration 9999_to_come"):
        await back_up(small, tmp_path / "backup")


async def test_a_database_without_tables_is_not_backed_up(tmp_path: Path) -> None:
    empty = Place(tmp_path, f"sqlite://{tmp_path}/empty.sqlite", f"file://{tmp_path}/blobs")
    with pytest.raises(BackupUnusable, match="no tables of the platform"):
        await back_up(empty, tmp_path / "backup")
