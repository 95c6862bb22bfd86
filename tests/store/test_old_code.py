"""Migrations run beside processes of the version before: what these read and write stays as they know it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from store.database import configuration, migrate, sqlite_url

BEFORE = "0013_loss_curve_of_a_run"
"""What processes of the version before were made for; to be moved on with each release."""
RECORD = "tortoise_migrations"
ON_SQLITE = """SELECT m.name AS "table", p.name AS "column", p.type AS kind, NOT p."notnull" AS may_be_null,
    p.dflt_value IS NOT NULL OR p.pk AS has_default
    FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'"""
ON_MYSQL = """SELECT table_name AS `table`, column_name AS `column`, column_type AS kind,
    is_nullable = 'YES' AS may_be_null, column_default IS NOT NULL OR extra = 'auto_increment' AS has_default
    FROM information_schema.columns WHERE table_schema = DATABASE()"""


class Column(NamedTuple):
    kind: str
    may_be_null: bool
    has_default: bool


Tables = dict[str, dict[str, Column]]


async def columns(context: TortoiseContext, engine: str) -> Tables:
    """Of every table of ours."""
    rows = await context.connections.get(engine).execute_query_dict(
        ON_SQLITE if engine == "sqlite" else ON_MYSQL
    )
    found: Tables = {}
    for row in rows:
        column = Column(str(row["kind"]), bool(row["may_be_null"]), bool(row["has_default"]))
        found.setdefault(row["table"], {})[row["column"]] = column
    return {name: table for name, table in found.items() if name not in (RECORD, "sqlite_sequence")}


def obstacles(before: Tables, after: Tables) -> list[str]:
    """Where statements of the version before fail, or are answered otherwise."""
    found = [f"{table} has gone" for table in before if table not in after]
    for table, known in before.items():
        now = after.get(table, {})
        for name, column in known.items():
            if table in after and name not in now:
                found.append(f"{table}.{name} has gone")
            elif name in now and now[name].kind != column.kind:
                found.append(f"{table}.{name} is another kind of value")
            elif name in now and column.may_be_null and not now[name].may_be_null:
                found.append(f"{table}.{name} may be null no more")
        found += [
            f"{table}.{name} wants a value"
            for name, column in now.items()
            if name not in known and not column.may_be_null and not column.has_default
        ]
    return found


async def at(url: str, target: MigrationTarget | None) -> Tables:
    """The tables once a migration is done; all of them are without one."""
    engine = urlsplit(url).scheme
    async with TortoiseContext() as context:
        await context.init(config=configuration(url))
        if target:
            apps = configuration(url).to_dict()["apps"]
            await MigrationExecutor(context.connections.get(engine), apps).migrate([target])
        return await columns(context, engine)


@pytest.fixture(params=["sqlite", "mysql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "before.sqlite")
    return str(request.getfixturevalue("own_database"))


async def test_what_the_version_before_knows_stays(empty: str) -> None:
    before = await at(empty, MigrationTarget("store", BEFORE))
    await migrate(empty)
    after = await at(empty, None)
    assert before.keys() >= {"image", "prediction", "training_run"}
    assert after != before, "there is nothing newer: move BEFORE on with a release, not ahead of it"
    assert obstacles(before, after) == []


def test_obstacles_are_seen() -> None:
    number, text = Column("bigint", False, True), Column("varchar(60)", True, False)
    before = {"image": {"id": number, "filename": text}, "label": {"id": number}}
    assert obstacles(before, {**before, "more": {"id": Column("int", False, False)}}) == []
    assert obstacles(before, {"image": before["image"] | {"new": text}, "label": {"id": number}}) == []
    after = {
        "image": {
            "id": Column("int", False, True),
            "filename": Column("varchar(60)", False, False),
            "new": Column("int", False, False),
        },
    }
    assert obstacles(before, after) == [
        "label has gone",
        "image.id is another kind of value",
        "image.filename may be null no more",
        "image.new wants a value",
    ]
    assert obstacles(before, {"image": {"id": number}, "label": {"id": number}}) == [
        "image.filename has gone"
    ]
