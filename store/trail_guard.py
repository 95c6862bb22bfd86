"""What keeps the trail within the database itself: triggers that refuse to change or delete an entry.

They are put up whenever tables are brought up to date, and by no migration: MySQL may not let us, and may
later, once somebody has given the right; SQLite drops them with a table that a migration makes anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from pymysql.constants import ER
from pymysql.err import MySQLError
from tortoise.backends.base.client import BaseDBAsyncClient

from store.sessions import Session, all_rows, session

APPEND_ONLY = "the trail is only added to: what it says is neither changed nor deleted"
REFUSED = {
    "trail_entry_is_not_changed": "BEFORE UPDATE ON trail_entry",
    "trail_entry_is_not_deleted": "BEFORE DELETE ON trail_entry",
    "trail_note_is_not_changed": "BEFORE UPDATE ON trail_note",  # it is deleted when it becomes an entry
}
REPLACED = """BEFORE INSERT ON trail_entry WHEN EXISTS
    (SELECT 1 FROM trail_entry WHERE id = NEW.id OR position = NEW.position OR sha256 = NEW.sha256)"""
"""By SQLite's INSERT OR REPLACE, which deletes without a word to the trigger of deletions."""
ON_MYSQL = f"FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{APPEND_ONLY}'"
ON_SQLITE = f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
SEEN = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
    "mysql": """SELECT trigger_name, CONCAT_WS(' ', 'CREATE TRIGGER', trigger_name, action_timing,
        event_manipulation, 'ON', event_object_table, 'FOR EACH', action_orientation, action_statement)
        FROM information_schema.triggers WHERE trigger_schema = DATABASE()""",
}
"""Names, and the statements that would make them: another one by the same name refuses nothing, perhaps."""
TRIALS = (
    "UPDATE trail_entry SET kind = kind WHERE position = 1",
    "DELETE FROM trail_entry WHERE position = 1",
)
SIGNALLED = 1644
REFUSALS = (SIGNALLED, ER.TABLEACCESS_DENIED_ERROR)

logger = logging.getLogger(__name__)


def triggers(dialect: str) -> dict[str, str]:
    """The statements that make them, by their names."""
    if dialect == "mysql":
        return {name: f"CREATE TRIGGER {name} {when} {ON_MYSQL}" for name, when in REFUSED.items()}
    refused = REFUSED | {"trail_entry_is_not_replaced": REPLACED}
    return {name: f"CREATE TRIGGER {name} {when} {ON_SQLITE}" for name, when in refused.items()}


async def put_up(database: BaseDBAsyncClient) -> None:
    """Put up what is missing; where the server does not let us, the log says so and all goes on."""
    made = triggers(database.capabilities.dialect)
    async with session(database) as one:
        seen = await _seen(one, database)
        try:
            for name in (name for name in made if seen.get(name) != made[name]):
                if name in seen:
                    await one.do(f"DROP TRIGGER {name}")
                await _put_up(one, made[name])
        except MySQLError as error:
            if not await _refuses(one, TRIALS):
                logger.warning("the database does not keep the trail from being changed: %s", error)


async def stands(database: BaseDBAsyncClient) -> bool:
    """Whether the database refuses to change and delete entries, by triggers or as no right of its user's."""
    made = triggers(database.capabilities.dialect)
    async with session(database) as one:
        seen = await _seen(one, database)
        if all(seen.get(name) == statement for name, statement in made.items()):
            return True
        return database.capabilities.dialect == "mysql" and await _refuses(one, TRIALS)


async def _seen(one: Session, database: BaseDBAsyncClient) -> dict[str, str]:
    rows = await all_rows(one, SEEN[database.capabilities.dialect])
    return {str(name): str(statement) for name, statement in rows}


async def _put_up(one: Session, statement: str) -> None:
    try:
        await one.do(statement)
    except MySQLError as error:
        if error.args[0] != ER.TRG_ALREADY_EXISTS:  # by another process that starts at this moment
            raise


async def _refuses(one: Session, statements: Iterable[str]) -> bool:
    """Whether MySQL refuses each; what it does is undone. Whoever may make no triggers sees none either."""
    for statement in statements:
        try:
            await one.do("START TRANSACTION", statement)
        except MySQLError as error:
            if error.args[0] not in REFUSALS:
                raise
        else:
            return False
        finally:
            await one.do("ROLLBACK")
    return True
