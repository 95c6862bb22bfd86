"""Migrations that bear being cut short: whoever comes next goes on where they were left.

MySQL commits every statement that makes or changes a table by itself, and on either engine Tortoise notes
that a migration is done in a transaction after it. A process killed in between leaves what the next one would
stumble over: a table or a column that is there already.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cached_property, partial
from pkgutil import iter_modules
from sqlite3 import OperationalError as SqliteError

from pymysql.constants import ER
from pymysql.err import MySQLError
from pymysql.err import OperationalError as MySQLOperationalError
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import OperationalError
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import ModelState, State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.models import Model

import migrations
from store import tables

DONE_ON_MYSQL = (
    ER.TABLE_EXISTS_ERROR,
    ER.DUP_FIELDNAME,
    ER.DUP_KEYNAME,
    ER.CANT_DROP_FIELD_OR_KEY,
    1826,  # MySQL, of a foreign key of the same name
)
DUPLICATE_FOREIGN_KEY = "errno: 121"  # MariaDB, within a message of another number
DONE_ON_SQLITE = ("already exists", "duplicate column name")
RECORD = "tortoise_migrations"
OUR_TABLES = tuple(
    model._meta.db_table
    for model in vars(tables).values()
    if isinstance(model, type) and issubclass(model, Model) and model is not Model
)
LOCK = "CONCAT('covidxr ', MD5(DATABASE()))"
LOCK_SECONDS = 300
NEXT_STATEMENT = re.compile(r";\s*(?=(?:CREATE|ALTER|DROP|INSERT|UPDATE) )")


async def bring_up_to_date(connection: BaseDBAsyncClient, apps: dict[str, dict[str, object]]) -> None:
    """Apply what the database lacks; what is there of a migration under way is passed over.

    In a database that no migration was ever begun in, everything is new, and a table of a name of ours is
    somebody else's: then nothing is begun. Of processes that start at once each waits for the one before it.
    The connection serves for nothing else.
    """
    if connection.capabilities.dialect == "sqlite":
        # Where a column is altered, the table is dropped and made anew, which would delete what refers to it.
        await connection.execute_script("PRAGMA foreign_keys = OFF")
    async with _alone(connection):
        await _migrate(connection, apps)


async def fill(
    connection: BaseDBAsyncClient,
    apps: dict[str, dict[str, object]],
    last: str,
    load: Callable[[], Awaitable[None]],
) -> None:
    """Make the tables as they were after the migration ``last``, load them, and bring them up to date.

    The database has no rows, and no migration after that one. Processes that start meanwhile wait.
    """
    if connection.capabilities.dialect == "sqlite":
        await connection.execute_script("PRAGMA foreign_keys = OFF")
    async with _alone(connection):
        await _migrate(connection, apps, [MigrationTarget("store", last)])
        await load()
        await _migrate(connection, apps)


def known() -> list[str]:
    """The migrations that there are, in their order."""
    found = (module.name for module in iter_modules(migrations.__path__))
    return sorted(name for name in found if name[0].isdigit())


async def _migrate(
    connection: BaseDBAsyncClient,
    apps: dict[str, dict[str, object]],
    targets: list[MigrationTarget] | None = None,
) -> None:
    is_ours = await _holds(connection, RECORD)
    if not is_ours:
        await _refuse_what_is_in_the_way(connection)
    await _Executor(connection, apps, is_ours).migrate(targets)


@asynccontextmanager
async def _alone(connection: BaseDBAsyncClient) -> AsyncIterator[None]:
    """Keep other processes from migrating, on MySQL; of a SQLite file there is one server.

    Raises:
        OperationalError: another one does not come to its end.
    """
    if connection.capabilities.dialect == "sqlite":
        yield
        return
    async with connection.acquire_connection() as session:  # the lock is the session's, and ends with it
        cursor = await session.cursor()
        await cursor.execute(f"SELECT GET_LOCK({LOCK}, %s)", (LOCK_SECONDS,))
        if await cursor.fetchone() != (1,):
            said = "another process has been making its tables for minutes"
            raise OperationalError(MySQLOperationalError(ER.LOCK_WAIT_TIMEOUT, said))
        try:
            yield
        finally:
            await cursor.execute(f"SELECT RELEASE_LOCK({LOCK})")


async def _refuse_what_is_in_the_way(connection: BaseDBAsyncClient) -> None:
    """Ahead of the first statement: the record of migrations would make the database look like ours."""
    for table in OUR_TABLES:
        if await _holds(connection, table):
            said = f"Table '{table}' already exists"
            on_mysql = connection.capabilities.dialect == "mysql"
            raise OperationalError(
                MySQLOperationalError(ER.TABLE_EXISTS_ERROR, said) if on_mysql else SqliteError(said)
            )


class _State(State):
    """Makes classes of the tables as they were before an operation where one asks for them, as few do."""

    def clone(self) -> _Before:
        return _Before({key: model.clone() for key, model in self.models.items()}, self.apps)


class _Before(State):
    def __init__(self, models: dict[tuple[str, str], ModelState], after: StateApps) -> None:
        self.models, self._after = models, after

    def clone(self) -> State:
        return State(self.models, self.apps).clone()

    @cached_property
    def apps(self) -> StateApps:  # type: ignore[override]
        return self._after.clone(self.models)


class _Executor(MigrationExecutor):
    def __init__(
        self, connection: BaseDBAsyncClient, apps: dict[str, dict[str, object]], resumes: bool
    ) -> None:
        super().__init__(connection, apps)
        self._resumes = resumes

    def _schema_editor(self, atomic: bool = True, collect_sql: bool = False) -> BaseSchemaEditor:
        editor = super()._schema_editor(atomic, collect_sql)
        if self._resumes:
            vars(editor)["_run_sql"] = partial(_unless_done, editor._run_sql)
        return editor

    async def _project_state(self, applied: set[MigrationKey], *, upto: MigrationKey | None = None) -> State:
        state = await super()._project_state(applied, upto=upto)
        # Nobody asks rows of these: what does is handed the classes as they were before it.
        vars(state.apps)["_build_initial_querysets"] = lambda: None
        return _State(state.models, state.apps)


async def _unless_done(run: Callable[[str], Awaitable[None]], script: str) -> None:
    for statement in NEXT_STATEMENT.split(script):  # of a script, MySQL would leave out what follows
        try:
            await run(statement)
        except OperationalError as error:
            if not _is_done(error):
                raise


def _is_done(error: OperationalError) -> bool:
    match error.args:
        case (MySQLError() as cause, *_):
            return cause.args[0] in DONE_ON_MYSQL or DUPLICATE_FOREIGN_KEY in str(cause)
        case (SqliteError() as cause, *_):
            return any(words in str(cause) for words in DONE_ON_SQLITE)
    return False


async def _holds(connection: BaseDBAsyncClient, table: str) -> bool:
    try:
        await connection.execute_query(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608 - a name of our own
    except OperationalError:
        return False
    return True
