"""Restoring: into an empty place alone, from older versions, and what comes after."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tortoise import connections
from tortoise.context import TortoiseContext
from tortoise.exceptions import IntegrityError
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from events.log import CursorExpired, Entry
from events.memory import InProcessLog
from events.messages import ImageUploaded
from services.backing_up import check_version
from services.backup_files import BackupUnusable, TableFile, Whole, read
from services.journal import DatabaseJournal
from services.restoring import Restoring
from services.waking import wake
from store import trail_guard
from store.blobs import Blobs
from store.database import configuration, migrate, open_database
from store.migrating import known
from store.sessions import Session
from store.tables import (
    ContactMessage,
    Deployment,
    Image,
    Label,
    Notice,
    NoticeKind,
    OutboxEvent,
    RunState,
    RunTrigger,
    Token,
    TrainingRun,
    User,
)
from tests import backups
from tests.backups import Place, back_up, restore
from tests.people import member
from tests.store_rows import image, model
from tests.trails import tampering

KINDS = ["sqlite", "mysql"]
OLDEST = "0001_first_tables"


@pytest.fixture(params=KINDS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with backups.place(request.param, tmp_path / "target", request) as found:
        found.data_dir.mkdir()
        yield found


@pytest.fixture
def source(target: Place, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """On the other engine than the target."""
    kind = "sqlite" if target.database_url.startswith("mysql") else "mysql"
    with backups.place(kind, tmp_path / "source", request) as found:
        found.data_dir.mkdir()
        yield found


async def filled(place: Place) -> None:
    """Two people, an image with its pixels, and a session."""
    await migrate(place.database_url)
    async with open_database(place.database_url):
        owner = await member()
        one = await image(owner)
        await Token.create(user=owner, purpose="SESSION", sha256="a" * 64, expires_at=backups.AT)
    await place.blobs.put(f"pixels/{one.key}", b"pixels")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small backup, to be copied for each test."""
    folder = tmp_path_factory.mktemp("made")
    place = Place(folder / "small", f"sqlite://{folder}/small.sqlite", f"file://{folder}/small")

    async def make() -> None:
        await filled(place)
        await back_up(place, folder / "backup")

    asyncio.run(make())
    return folder / "backup"


@pytest.fixture
def small(made: Path, tmp_path: Path) -> Path:
    """A small backup."""
    return Path(shutil.copytree(made, tmp_path / "backup"))


# ------------------------------------------------------------------ an empty place alone


async def test_a_database_with_rows_is_refused(small: Path, target: Place) -> None:
    await migrate(target.database_url)
    async with open_database(target.database_url):
        await member("somebody@hospital.example")
    before = await backups.rows(target.database_url)
    with pytest.raises(BackupUnusable, match="rows already, in user"):
        await restore(target, small)
    assert await backups.rows(target.database_url) == before
    assert await backups.blobs(target) == {}


async def test_blobs_that_are_not_the_backups_are_refused(small: Path, target: Place) -> None:
    await target.blobs.put("pixels/of-another", b"kept")
    with pytest.raises(BackupUnusable, match="blobs already, such as pixels/of-another"):
        await restore(target, small)
    assert await backups.blobs(target) == {"pixels/of-another": b"kept"}


async def test_what_is_restored_is_kept_from_being_changed(small: Path, target: Place) -> None:
    await restore(target, small)
    async with open_database(target.database_url):
        assert await trail_guard.stands(connections.all()[0])


async def test_tables_without_rows_are_filled(small: Path, target: Place) -> None:
    await migrate(target.database_url)
    await restore(target, small)
    async with open_database(target.database_url):
        assert await Image.all().count() == 1


async def test_a_key_that_is_there_stays(small: Path, target: Place) -> None:
    (target.data_dir / "secret.key").write_bytes(b"another")
    await restore(target, small)
    assert (target.data_dir / "secret.key").read_bytes() == b"another"


class Cut(Exception):
    pass


async def cut(*_: object) -> None:
    raise Cut


@pytest.mark.parametrize("part", ["blobs", "rows"])
async def test_what_was_cut_short_is_begun_again(
    small: Path, target: Place, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Restoring._load_table

    async def load_some(self: Restoring, rows: Session, table: TableFile) -> None:
        await (cut() if table.name == "user" else load(self, rows, table))

    with monkeypatch.context() as once:
        once.setattr(
            Restoring,
            "restore_rows" if part == "blobs" else "_load_table",
            cut if part == "blobs" else load_some,
        )
        with pytest.raises(Cut):
            await restore(target, small)
    await restore(target, small)
    async with open_database(target.database_url):
        assert await User.all().count() == 1


# ------------------------------------------------------------------ versions


async def at(url: str, last: str) -> None:
    """Tables as a migration left them."""
    engine = url.partition(":")[0]
    async with TortoiseContext() as context:
        await context.init(config=configuration(url))
        apps = configuration(url).to_dict()["apps"]
        await MigrationExecutor(context.connections.get(engine), apps).migrate(
            [MigrationTarget("store", last)]
        )


OLD_ROWS = """
INSERT INTO `user` (id, email, name, password_hash, role, locale, created_at)
    VALUES (7, 'ana@hospital.example', 'Ana', 'none', 'ADMIN', 'es', '2026-01-02 03:04:05.000006');
INSERT INTO image
    (id, owner_id, `key`, filename, sha256, media_type, size, width, height, holdout, uploaded_at)
    VALUES (9, 7, 'k', 'old.png', 's', 'image/png', 1, 2, 3, 0, '2026-01-02 03:04:05.000006');
INSERT INTO label (id, image_id, finding, evidence, submitted_by_id, created_at)
    VALUES (11, 9, 'COVID', 'RT_PCR', 7, '2026-01-02 03:04:05.000006')
"""


@pytest.mark.parametrize("last", [OLDEST, "0008_drift", "0014_deaths_over_an_image"])
async def test_what_an_older_version_held_is_restored_and_brought_up_to_date(
    source: Place, target: Place, tmp_path: Path, last: str
) -> None:
    await at(source.database_url, last)
    with tampering(source.database_url) as cursor:
        for statement in OLD_ROWS.split(";"):
            cursor.execute(statement)
    await back_up(source, tmp_path / "backup")
    assert read(tmp_path / "backup").manifest.migrations[-1] == last
    await restore(target, tmp_path / "backup")
    async with open_database(target.database_url):
        (label,) = await Label.all().prefetch_related("image", "submitted_by")
        assert (label.id, label.image.id, label.submitted_by.id) == (11, 9, 7)
        assert label.image.uploaded_at.isoformat() == "2026-01-02T03:04:05.000006+00:00"
        assert (label.image.fault, label.image.deaths, label.by_admin) == (False, 0, False)
        done = await connections.all()[0].execute_query_dict(
            "SELECT name FROM tortoise_migrations ORDER BY id"
        )
        assert [row["name"] for row in done] == known()


async def test_a_backup_of_a_newer_version_is_refused(small: Path) -> None:
    file = small / "manifest.json"
    told = json.loads(file.read_text())
    told["migrations"].append("9999_to_come")
    file.write_text(json.dumps(told))
    with pytest.raises(BackupUnusable, match=r"newer version .* which has the migration 9999_to_come"):
        check_version(read(small).manifest.migrations)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("folder", "../20260102T030405000006Z"),
        ("table", "../../etc/passwd"),
        ("table", "mysql`.`global_priv"),
        ("table", "image'; DROP TABLE user; --"),
        ("column", "id` FROM user; --"),
        ("column", ""),
    ],
)
async def test_a_manifest_of_odd_names_is_refused(small: Path, part: str, name: str) -> None:
    """They would become parts of paths and of SQL."""
    file = small / "manifest.json"
    told = json.loads(file.read_text())
    read(small)
    if part == "folder":
        told["folder"] = name
    elif part == "table":
        told["tables"][0]["name"] = name
    else:
        told["tables"][0]["columns"][0] = name
    file.write_text(json.dumps(told))
    with pytest.raises(BackupUnusable, match=r"manifest\.json is damaged: take another backup"):
        read(small)


async def test_tables_newer_than_the_backups_are_refused(
    source: Place, target: Place, tmp_path: Path
) -> None:
    await at(source.database_url, OLDEST)
    await back_up(source, tmp_path / "backup")
    await migrate(target.database_url)
    with pytest.raises(BackupUnusable, match="tables of a newer version than the backup's"):
        await restore(target, tmp_path / "backup")


# ------------------------------------------------------------------ what comes after


async def test_numbers_of_before_are_not_given_again(source: Place, target: Place, tmp_path: Path) -> None:
    """Not those of rows that had gone, nor those that were given after the backup."""
    await filled(source)
    async with open_database(source.database_url):
        owner = await User.get()
        last = await image(owner, "gone.png")
        await last.delete()
    await back_up(source, tmp_path / "backup")
    async with open_database(source.database_url):
        after = await image(owner, "after.png")
        assert after.id > last.id
    await restore(target, tmp_path / "backup")
    async with open_database(target.database_url):
        assert (await image(owner, "new.png")).id > after.id


async def test_what_refers_to_nothing_is_refused_afterwards(small: Path, target: Place) -> None:
    await restore(target, small)
    async with open_database(target.database_url):
        with pytest.raises(IntegrityError):
            await Token.create(user_id=10**9, purpose="SESSION", sha256="b" * 64, expires_at=backups.AT)


async def test_a_cursor_of_after_the_backup_misses_nothing(
    source: Place, target: Place, tmp_path: Path
) -> None:
    await migrate(source.database_url)
    async with open_database(source.database_url):
        log = InProcessLog(DatabaseJournal())
        await log.publish([Entry(f"before-{number}", ImageUploaded(number)) for number in range(3)])
        before = await log.head()
    await back_up(source, tmp_path / "backup")
    async with open_database(source.database_url):
        await log.publish([Entry(f"lost-{number}", ImageUploaded(10 + number)) for number in range(5)])
        after = await log.head()
    await restore(target, tmp_path / "backup")
    async with open_database(target.database_url):
        log = InProcessLog(DatabaseJournal(), before)
        with pytest.raises(CursorExpired):
            await anext(log.stream(after))
        await log.publish([Entry(f"new-{number}", ImageUploaded(20 + number)) for number in range(9)])
        for cursor, told in ((before - 1, 2), (before, 20), (after, 20)):
            heard = await anext(log.stream(cursor))
            assert heard.event == ImageUploaded(told)


async def test_a_row_that_is_not_there_is_missed(
    small: Path, target: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Whole.rows
    monkeypatch.setattr(Whole, "rows", lambda self, table: list(rows(self, table))[table.name == "image" :])
    with pytest.raises(BackupUnusable, match="0 rows of 1 are in image: see to the database"):
        await restore(target, small)
    async with open_database(target.database_url):
        assert not await User.exists()


async def test_a_blob_that_is_not_whole_is_missed(
    small: Path, target: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut_off(self: Blobs, key: str, file: Path) -> None:
        await self.put(key, b"cut")

    monkeypatch.setattr(Blobs, "put_file", cut_off)
    with pytest.raises(BackupUnusable, match=r"pixels/\w+ was put and is not there as it was"):
        await restore(target, small)


async def test_sessions_may_be_left_out(small: Path, target: Place) -> None:
    await restore(target, small, with_sessions=False)
    async with open_database(target.database_url):
        assert await Token.all().count() == 0
        assert await User.all().count() == 1


async def test_what_is_still_to_do_is_told_anew(database: str) -> None:
    owner = await member()
    unjudged = await image(owner)
    await image(owner, "judged.png", features="f")
    await image(owner, "unreadable.png", failure="no image")
    message = await ContactMessage.create(name="a", email="a@b.example", subject="s", body="b")
    await ContactMessage.create(name="a", email="a@b.example", subject="s", body="b", delivered_at=backups.AT)
    notice = await Notice.create(kind=NoticeKind.ACCOUNT_DELETED, email="a@b.example", name="a", locale="en")
    first = await model()
    await Deployment.create(number=1, model=first, reason="the first", since=backups.AT)
    run = await TrainingRun.create(slot=1, trigger=RunTrigger.ADMIN, epochs=1)
    await TrainingRun.create(slot=None, state=RunState.FAILED, trigger=RunTrigger.ADMIN, epochs=1)
    assert await wake() == 5
    told = {(row.kind, *row.payload.values()) for row in await OutboxEvent.all()}
    assert told == {
        ("ImageUploaded", unjudged.id),
        ("ContactMessageReceived", message.id),
        ("NoticeDue", notice.id),
        ("ModelPromoted", first.id, None),
        ("RetrainingRequested", run.id),
    }
