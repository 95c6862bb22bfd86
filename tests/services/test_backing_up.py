"""Backing up: while others write, again into the same folder, and what is no whole backup."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.wiring import running
from services import backup_blobs, passwords
from services.backup_blobs import OF_IMAGES, Copying, Follow
from services.backup_files import BackupUnusable, Whole, begun, read
from services.errors import Refused
from services.keys import image_key
from services.platform import Platform
from services.trail_check import check
from store.blobs import Blobs
from store.database import open_database
from store.snapshot import Snapshot
from store.tables import (
    Deployment,
    Finding,
    Image,
    JournalEntry,
    ModelVersion,
    OutboxEvent,
    TrailKind,
)
from tests import backups, databases, stand_ins
from tests.backups import Place, back_up, ignored, restore
from tests.people import admin, eventually, member
from tests.runs import patients
from tests.stand_ins import picture
from tests.store_rows import image
from tests.trails import sealed, tampering
from tests.uploading import upload

PASSWORD = "correct horse"


@pytest.fixture(params=["sqlite", "mysql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An installation that holds nothing yet."""
    with backups.place(request.param, tmp_path / "data", request) as found:
        found.data_dir.mkdir()
        yield found


@pytest.fixture
async def small(sqlite_template: Path, tmp_path: Path) -> Place:
    """An installation with two images, of which one has pixels, on SQLite and a folder."""
    data = tmp_path / "data"
    data.mkdir()
    found = Place(data, databases.sqlite_copy(sqlite_template, data), f"file://{data}/blobs")
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


@dataclass
class Unrest:
    """People who upload, label, delete and leave, and a model after the other, as long as it lasts."""

    platform: Platform
    password_hash: str
    deleted: int = 0
    left: int = 0

    async def upload(self) -> None:
        """By somebody whose images teach, and of whom some go at once, others later."""
        ana, number = await member(), 1000
        while True:
            given = {"finding": Finding.COVID, "patient_ref": patients(False)[0]}
            films = [picture(number + more) for more in range(3)]
            newest, *_ = await upload(self.platform, ana, *films, wait=0, **given)
            number += len(films)
            oldest = await Image.filter(owner=ana).order_by("id").first()
            for gone in {newest.id, oldest.id if oldest else newest.id}:
                await self.platform.images.delete(ana, gone)
                self.deleted += 1

    async def leave(self) -> None:
        """One account after the other."""
        while True:
            user = await member(f"{self.left}@hospital.example")
            user.password_hash = self.password_hash
            await user.save()
            await upload(self.platform, user, picture(10**6 + self.left), wait=0)
            await self.platform.leaving.delete_account(user, PASSWORD)
            self.left += 1

    async def retrain(self) -> None:
        chief = await admin()
        while True:
            with suppress(Refused):  # there may be no new labels yet
                await self.platform.retraining.request(chief)
            await asyncio.sleep(0.1)


async def models() -> int:
    return await ModelVersion.all().count()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_all_is_of_one_moment_whatever_goes_and_comes_meanwhile(place: Place, tmp_path: Path) -> None:
    async with running(place.settings, stand_ins.parts()) as platform:
        eva = await member("eva@hospital.example")
        for number in range(100):  # which take a moment to be copied
            one = await image(eva, f"{number}.png", fingerprint="0" * 64)
            await place.blobs.put(f"pixels/{one.key}", bytes([number]))
        unrest = Unrest(platform, await passwords.hashed(PASSWORD))
        doing = [asyncio.create_task(one()) for one in (unrest.upload, unrest.leave, unrest.retrain)]
        await eventually(lambda: Deployment.filter(number=2).exists())
        for number in range(10):  # until something of each kind went on meanwhile
            folder = tmp_path / f"backup {number}"
            before = (unrest.deleted, unrest.left, await models())
            said = await asyncio.to_thread(place.does, "backup", str(folder))
            after = (unrest.deleted, unrest.left, await models())
            if all(now > then for then, now in zip(before, after, strict=True)):
                break
        else:
            pytest.fail("too little went on meanwhile")
        for one in doing:
            one.cancel()
        ended = await asyncio.gather(*doing, return_exceptions=True)
        assert {type(one) for one in ended} == {asyncio.CancelledError}, ended
    assert "lost" not in said
    second = Place(tmp_path / "second", f"sqlite://{tmp_path}/second.sqlite", f"file://{tmp_path}/second")
    await restore(second, folder)
    await assert_whole(second)


async def assert_whole(place: Place) -> None:
    """No row and no blob names what is not there, and what was deleted has left nothing."""
    blobs = (await backups.blobs(place)).keys()
    with tampering(place.database_url) as cursor:
        assert cursor.execute("PRAGMA foreign_key_check").fetchall() == []
    async with open_database(place.database_url):
        images = {one.key: one for one in await Image.all()}
        assert blobs >= {f"pixels/{key}" for key in images}
        assert blobs >= {f"features/{one.features}/{key}" for key, one in images.items() if one.features}
        assert blobs >= {one.key for one in await ModelVersion.all()}
        assert {image_key(key) for key in blobs if key.partition("/")[0] in OF_IMAGES} == images.keys()
        told = {entry.subjects["Image"] for entry in await sealed() if entry.kind == TrailKind.IMAGE_DELETED}
        assert told
        assert told.isdisjoint(one.id for one in images.values())
        assert (await check()).fault is None


async def test_a_blob_that_goes_while_it_is_copied_is_left_out(
    small: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = small.blobs.list

    async def removed(self: Blobs, folder: str):  # type: ignore[no-untyped-def]
        async for some in listed(folder):
            yield some
            await small.blobs.delete(["models/m"])

    monkeypatch.setattr(Blobs, "list", removed)
    done = await back_up(small, tmp_path / "backup")
    assert done.manifest.blobs == 2
    read(tmp_path / "backup").check(ignored)


def meanwhile(monkeypatch: pytest.MonkeyPatch, *happens: Callable[[], Awaitable[object]]) -> None:
    """Behind each moment whose rows are seen, and before the blobs that they name are copied."""
    copy, left = Copying.copy_named, list(happens)

    async def and_then(self: Copying, rows: Snapshot) -> set[str]:
        if left:
            await left.pop(0)()
        return await copy(self, rows)

    monkeypatch.setattr(Copying, "copy_named", and_then)


def gone(small: Place, key: str) -> Callable[[], Awaitable[object]]:
    """Somebody deletes an image, and its blobs go at once."""

    async def delete() -> None:
        with tampering(small.database_url) as cursor:
            cursor.execute("DELETE FROM image WHERE `key` = ?", (key,))
        await small.blobs.delete([f"pixels/{key}"])

    return delete


@pytest.fixture
async def late(monkeypatch: pytest.MonkeyPatch, small: Place) -> list[str]:
    """The keys of images that come when all blobs that there were have been copied."""
    copy_all, keys = Copying.copy_all, ["late", "later"]

    async def and_come(self: Copying, follow: Follow) -> None:
        await copy_all(self, follow)
        for key in keys:
            with tampering(small.database_url) as cursor:
                columns = "owner_id, filename, media_type, size, width, height, holdout, uploaded_at"
                cursor.execute(
                    f"INSERT INTO image ({columns}, sha256, `key`) SELECT {columns}, ?, ? FROM image LIMIT 1",
                    (key, key),
                )
            await small.blobs.put(f"pixels/{key}", b"late")

    monkeypatch.setattr(Copying, "copy_all", and_come)
    return keys


async def test_an_image_that_goes_behind_the_moment_goes_as_a_whole_or_stays_as_a_whole(
    small: Place, late: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first had not been copied when it went, and so another moment is taken; the second had been."""
    meanwhile(monkeypatch, gone(small, late[0]), gone(small, late[1]))
    await back_up(small, tmp_path / "backup")
    second = Place(tmp_path / "second", f"sqlite://{tmp_path}/second.sqlite", f"file://{tmp_path}/second")
    await restore(second, tmp_path / "backup")
    blobs = {key for key in await backups.blobs(second) if key.startswith("pixels/")}
    async with open_database(second.database_url):
        keys = {one.key for one in await Image.filter(filename="chest.png")}
    assert set(late) & keys == {late[1]}
    assert {f"pixels/{key}" for key in keys} == blobs


async def test_where_images_go_without_an_end_a_last_moment_counts(
    small: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed: list[str] = []

    async def always_another(self: Copying, rows: Snapshot) -> set[str]:
        missed.append(f"pixels/{len(missed)}")
        return {missed[-1]}

    monkeypatch.setattr(Copying, "copy_named", always_another)
    assert (await back_up(small, tmp_path / "backup")).lost == 1
    assert len(missed) == 20


async def test_what_is_lost_for_good_is_told_and_holds_nothing_up(small: Place, tmp_path: Path) -> None:
    """Of one of its two images there are no pixels."""
    done = await back_up(small, tmp_path / "backup")
    assert (done.lost, done.manifest.blobs) == (1, 3)


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
    monkeypatch.setattr(backup_blobs, "AT_ONCE", 1)

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
