"""The database refuses to change or delete entries of the trail, on each engine, or that is told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pymysql
import pytest

from services.checkup_rows import of_rows
from services.trail_check import check
from store import trail_guard
from store.database import migrate, open_database
from store.tables import TrailEntry, TrailNote
from tests import databases
from tests.backups import Place
from tests.mariadb import mariadb
from tests.trails import noted, sealed, tampering

ROW = "SELECT at, kind, actor_id, subjects, value, reason, id, position, previous, {} FROM trail_entry"
OVER = f"trail_entry (at, kind, actor_id, subjects, value, reason, id, position, previous, sha256) {ROW}"
ANOTHER = OVER.format("'another'")
STATEMENTS = {
    "both": (
        "UPDATE trail_entry SET reason = NULL",
        "UPDATE trail_entry SET sha256 = 'x' WHERE position = 2",
        "DELETE FROM trail_entry",
        "DELETE FROM trail_entry WHERE position = 3",
        "UPDATE trail_note SET actor_id = 99",
        f"REPLACE INTO {ANOTHER} WHERE position = 2",
    ),
    "sqlite": (
        f"INSERT OR REPLACE INTO {ANOTHER} WHERE position = 2",
        f"INSERT INTO {ANOTHER} WHERE position = 2 ON CONFLICT (position) DO UPDATE SET kind = 'x'",
        "UPDATE OR REPLACE trail_entry SET position = 1 WHERE position = 2",
    ),
    "mysql": (f"INSERT INTO {ANOTHER} WHERE position = 2 ON DUPLICATE KEY UPDATE kind = 'x'",),
}
AGAINST_THE_RULES = (
    "TRUNCATE TABLE trail_entry",
    "DROP TABLE trail_entry",
    "DROP TRIGGER trail_entry_is_not_changed",
    "ALTER TABLE trail_entry DROP COLUMN reason",
    "RENAME TABLE trail_entry TO another",
    "UPDATE trail_entry SET reason = 'x'",
    "DELETE FROM trail_entry",
)
NOTHING = {"sqlite": "BEGIN SELECT 1; END", "mysql": "FOR EACH ROW SET @nothing = 1"}
SERVERS_RIGHTS = "SELECT, INSERT, UPDATE, DELETE, CREATE"
"""What `docs/operations.md` gives the user of servers and workers whose tables another user makes."""


async def doubts() -> list[str]:
    """What `covidxr doctor` says of the trail."""
    return [line.words for line in [line async for line in of_rows(False)] if line.part == "trail"]


async def test_whoever_has_the_database_cannot_change_or_delete_what_it_tells(database: str) -> None:
    await noted(3)
    before = await TrailEntry.all().values()
    await TrailNote.create(at=before[0]["at"], kind="SIGNED_IN", subjects={})
    for statement in STATEMENTS["both"] + STATEMENTS[urlsplit(database).scheme]:
        with (
            pytest.raises((sqlite3.IntegrityError, pymysql.err.OperationalError), match="only added to"),
            tampering(database) as cursor,
        ):
            cursor.execute(statement)
    assert await TrailEntry.all().values() == before
    assert await TrailNote.filter(actor_id=None).count() == 1
    assert len(await sealed()) == 4
    assert (await check()).fault is None
    assert await doubts() == ["all is sealed; --all walks it"]


@pytest.mark.parametrize("kind", ["sqlite", "mysql"])
@pytest.mark.parametrize("instead", [None, "kept by name alone"])
async def test_what_is_missing_is_told_and_put_up_again(
    kind: str, instead: str | None, request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path
) -> None:
    if kind == "sqlite":
        url = databases.sqlite_copy(sqlite_template, tmp_path)
    else:
        await migrate(url := request.getfixturevalue("own_database"))
    for name in trail_guard.triggers(kind):
        with tampering(url) as cursor:
            cursor.execute(f"DROP TRIGGER {name}")
            if instead:
                cursor.execute(f"CREATE TRIGGER {name} AFTER INSERT ON trail_note {NOTHING[kind]}")
        async with open_database(url):
            assert "the database lets its entries be changed and deleted" in await doubts()
        await migrate(url)
        async with open_database(url):
            assert await doubts() == ["all is sealed; --all walks it"]


@contextmanager
def user_of(url: str, rights: str) -> Iterator[str]:
    """The URL for a user with these rights on a database."""
    database, place = urlsplit(url).path[1:], url.rpartition("@")[2]
    name = f"covidxr_{uuid4().hex[:12]}"
    with databases.connect() as server:
        cursor = server.cursor()
        cursor.execute(f"CREATE USER '{name}'@'%' IDENTIFIED BY 's3cret'")
        cursor.execute(f"GRANT {rights} ON {database}.* TO '{name}'@'%'")
        yield f"mysql://{name}:s3cret@{place}"
        cursor.execute(f"DROP USER '{name}'@'%'")


async def test_a_user_who_may_make_no_triggers_works_and_is_told(
    own_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    rights = f"{SERVERS_RIGHTS}, ALTER, INDEX, REFERENCES, DROP"
    with user_of(own_database, rights) as url:
        await migrate(url)
        assert "does not keep the trail from being changed" in caplog.text
        async with open_database(url):
            await noted(2)
            assert len(await doubts()) == 2
        caplog.clear()
        await migrate(own_database)
        await migrate(url)
        assert caplog.text == ""
        async with open_database(url):
            assert await doubts() == ["all is sealed; --all walks it"]
            assert (await check()).entries == 2


async def test_a_user_of_servers_alone_cannot_take_the_rules_away(own_database: str) -> None:
    await migrate(own_database)
    with user_of(own_database, SERVERS_RIGHTS) as url:
        await migrate(url)  # as at each start
        async with open_database(url):
            await noted(2)
            assert await doubts() == ["all is sealed; --all walks it"]
        parts = urlsplit(url)
        place = {"host": parts.hostname, "port": parts.port or 3306, "database": parts.path[1:]}
        with pymysql.connect(**place, user=parts.username, password="s3cret") as connection:
            for statement in AGAINST_THE_RULES:
                with pytest.raises(pymysql.err.OperationalError, match=r"denied|only added to"):
                    connection.cursor().execute(statement)


@pytest.mark.usefixtures("no_settings")
def test_a_server_with_binary_logging_that_trusts_nobody_is_told_of_with_the_remedy(tmp_path: Path) -> None:
    with mariadb(tmp_path, "--log-bin") as server:
        with server.connected() as connection:
            connection.cursor().execute("CREATE USER covidxr")
            connection.cursor().execute("GRANT ALL ON covidxr.* TO covidxr")
        place = Place(tmp_path / "data", server.url.replace("root:", "covidxr:"), f"file://{tmp_path}/blobs")
        done = place.run("migrate")
        assert done.returncode == 0
        assert "SUPER privilege" in done.stderr
        told = place.does("doctor")
        assert "the database lets its entries be changed and deleted" in told
        assert "SET GLOBAL log_bin_trust_function_creators = 1" in told
        with server.connected() as connection:
            connection.cursor().execute("SET GLOBAL log_bin_trust_function_creators = 1")
        assert place.run("migrate").stderr == ""
        assert "lets its entries be changed" not in place.does("doctor")
