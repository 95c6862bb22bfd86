"""Migrations that are cut short are taken up again, and nobody else's tables are taken for ours."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tortoise import connections, fields
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.operations import AddField, CreateModel
from tortoise.migrations.schema_generator.state_apps import StateApps

import migrations
from store import migrating
from store.database import configuration, migrate, open_database, sqlite_url
from store.database_faults import DatabaseUnusable
from store.tables import Label, OutboxEvent, RunTrigger, TrainingRun
from tests import databases
from tests.people import member
from tests.store_rows import image

ROOT = Path(__file__).parents[2]


async def ask(sql: str) -> list[dict[str, object]]:
    return await connections.all()[0].execute_query_dict(sql)


async def test_what_was_done_and_not_noted_is_passed_over(database_url: str) -> None:
    """The process was killed behind a migration, or behind several statements of it."""
    async with open_database(database_url):
        await OutboxEvent.create(uid="kept", kind="kept", payload={})
        noted = await ask("SELECT name FROM tortoise_migrations ORDER BY name")
        for last in (noted[-1], *noted):
            await ask(f"DELETE FROM tortoise_migrations WHERE name = '{last['name']}'")
    await migrate(database_url)
    async with open_database(database_url):
        assert await ask("SELECT name FROM tortoise_migrations ORDER BY name") == noted
        assert await OutboxEvent.filter(uid="kept").exists()


async def test_a_table_that_is_made_anew_takes_nothing_along(database_url: str) -> None:
    """As SQLite's is whose column is altered: dropped with its references alive, it would free all labels."""
    async with open_database(database_url):
        run = await TrainingRun.create(slot=None, trigger=RunTrigger.ADMIN, epochs=1)
        owner = await member()
        await Label.create(image=await image(owner), finding="COVID", submitted_by=owner, claimed_by=run)
        await ask("DELETE FROM tortoise_migrations")
    await migrate(database_url)
    async with open_database(database_url):
        assert (await Label.get()).claimed_by_id == run.id


def test_a_column_that_is_added_has_a_value_in_the_rows_that_are_there() -> None:
    """SQLite refuses it otherwise, once there are rows."""
    names = [file.stem for file in Path(migrations.__path__[0]).glob("0*.py")]
    steps = [import_module(f"migrations.{name}").Migration.operations for name in names]
    added = [one for step in steps for one in step if isinstance(one, AddField)]
    assert added
    assert [one.name for one in added if not one.field.null and not one.field.has_db_default()] == []


async def test_tables_come_out_as_by_tortoises_own_executor(tmp_path: Path) -> None:
    """Ours makes the state before a step when the step asks for it, and not of those who do not."""
    ours, theirs = tmp_path / "ours.sqlite", tmp_path / "theirs.sqlite"
    await migrate(sqlite_url(ours))
    config = configuration(sqlite_url(theirs))
    async with TortoiseContext() as context:
        await context.init(config=config)
        await MigrationExecutor(context.connections.get("sqlite"), config.to_dict()["apps"]).migrate()
    made = []
    for file in (ours, theirs):
        with closing(sqlite3.connect(file)) as database:
            what = "SELECT name, sql FROM sqlite_master WHERE type <> 'trigger' ORDER BY name"
            made.append(database.execute(what).fetchall())
    assert len(made[0]) > 20
    assert made[0] == made[1]


def test_a_step_sees_the_tables_as_they_were_before_it() -> None:
    state = migrating._State(models={}, apps=StateApps())
    key = fields.BigIntField(primary_key=True)
    CreateModel("Thing", [("id", key), ("old", fields.IntField())]).state_forward("store", state)
    before = state.clone()
    AddField("Thing", "new", fields.IntField(null=True)).state_forward("store", state)
    twice = before.clone()
    for one, known in ((state, {"id", "old", "new"}), (before, {"id", "old"}), (twice, {"id", "old"})):
        assert set(one.models["store", "Thing"].fields) == known
        assert set(one.apps.get_model("store.Thing")._meta.fields_map) == known


def shape(url: str) -> dict[str, str]:
    """How each table would be made again."""
    with databases.connect(urlsplit(url).path[1:]) as server:
        cursor = server.cursor()
        cursor.execute("SHOW TABLES")
        tables = [name for (name,) in cursor.fetchall()]
        made = {}
        for table in tables:
            cursor.execute(f"SHOW CREATE TABLE `{table}`")
            made[table] = re.sub(r" AUTO_INCREMENT=\d+", "", cursor.fetchone()[1])
    return made


@pytest.mark.parametrize("tables", [1, 3, 8])
def test_killed_while_tables_are_made_it_goes_on_where_it_was(
    own_database: str, mysql_url: str, tables: int, tmp_path: Path
) -> None:
    environment = {**os.environ, "COVIDXR_DATABASE_URL": own_database, "COVIDXR_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "api.cli", "migrate"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while len(shape(own_database)) < tables and time.monotonic() < deadline:
            pass
        process.kill()
    assert shape(own_database)
    asyncio.run(migrate(own_database))
    assert shape(own_database) == shape(mysql_url)


@pytest.mark.parametrize("tables", [1, 4])
async def test_stopped_while_tables_are_made_it_goes_on_where_it_was(
    own_database: str, mysql_url: str, tables: int
) -> None:
    """As by Ctrl+C, which cancels, and unlike a kill lets what catches exceptions run."""
    making = asyncio.create_task(migrate(own_database))
    while len(await asyncio.to_thread(shape, own_database)) < tables:
        assert not making.done()
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    await migrate(own_database)
    assert shape(own_database) == shape(mysql_url)


async def test_of_a_script_that_was_cut_the_rest_is_done(own_database: str, mysql_url: str) -> None:
    await migrate(own_database)
    with databases.connect(urlsplit(own_database).path[1:]) as server:
        cursor = server.cursor()
        cursor.execute("DROP TABLE model_label")  # of one script with the table of labels
        cursor.execute("DELETE FROM tortoise_migrations")
    await migrate(own_database)
    assert shape(own_database) == shape(mysql_url)


async def test_another_programs_tables_are_not_taken_for_ours(tmp_path: Path) -> None:
    """However often one tries."""
    file = tmp_path / "theirs.sqlite"
    with closing(sqlite3.connect(file)) as theirs:
        theirs.execute("CREATE TABLE user (a)")
    for _ in range(2):
        with pytest.raises(DatabaseUnusable, match="already exists"):
            await migrate(sqlite_url(file))
    with closing(sqlite3.connect(file)) as theirs:
        query = "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
        assert theirs.execute(query).fetchall() == [("user",)]
