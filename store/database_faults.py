"""Why a database cannot be used: one line with the remedy, and never a password."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from ssl import SSLError
from urllib.parse import unquote, urlsplit

from pymysql.constants import CR, ER
from pymysql.err import InterfaceError, MySQLError
from tortoise.exceptions import DBConnectionError, OperationalError

from store.disk import NO_ROOM, DiskFull, NotWritable

BUSY_SECONDS = 10.0

SQLITE_REMEDIES = {
    sqlite3.SQLITE_NOTADB: "restore it from a backup, or move it away to begin with an empty one",
    sqlite3.SQLITE_CORRUPT: "restore it from a backup, or move it away to begin with an empty one",
    sqlite3.SQLITE_BUSY: "end the process that keeps it locked",
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_IOERR: "make room on its disk, or see whether the disk fails",
    sqlite3.SQLITE_ERROR: "name a file of the platform's own",
}
MYSQL_REMEDIES = {
    CR.CR_SSL_CONNECTION_ERROR: "give it a certificate (ssl_cert, ssl_key), or see who answers there",
    ER.ACCESS_DENIED_ERROR: "mend the user and the password in its URL",
    1698: "mend the user and the password in its URL",  # MariaDB, of a user who may not use a password
    ER.BAD_DB_ERROR: "create it: CREATE DATABASE {database} CHARACTER SET utf8mb4",
    ER.DBACCESS_DENIED_ERROR: "create it if it is not there, and GRANT ALL ON {database}.* to the user",
    ER.TABLEACCESS_DENIED_ERROR: "GRANT ALL ON {database}.* to the user",
    ER.BAD_FIELD_ERROR: "name a database of the platform's own",
    ER.TABLE_EXISTS_ERROR: "name a database of the platform's own",
}


AWAY = (
    CR.CR_CONNECTION_ERROR,
    CR.CR_CONN_HOST_ERROR,
    CR.CR_SERVER_GONE_ERROR,
    CR.CR_SERVER_LOST,
    CR.CR_SSL_CONNECTION_ERROR,
    ER.CON_COUNT_ERROR,
    ER.SERVER_SHUTDOWN,
    1927,  # MariaDB, of a connection that was killed
)
FULL = (ER.DISK_FULL, ER.RECORD_FILE_FULL)
READ_ONLY = (
    ER.OPEN_AS_READONLY,
    ER.OPTION_PREVENTS_STATEMENT,  # of a replica, say, by read_only
    1836,  # MySQL, in its mode for reading alone
)


class DatabaseAway(ConnectionError):
    """The database does not answer now; what was asked for may have been done."""


class DatabaseUnusable(Exception):
    """The database cannot be opened, read or written; the message is one line with the remedy."""


def is_away(error: BaseException) -> bool:
    """Whether it tells of a database, or another server, that does not answer now and may do so again."""
    cause = _cause(error)
    if isinstance(cause, MySQLError):
        return bool(cause.args) and (isinstance(cause, InterfaceError) or cause.args[0] in AWAY)
    if isinstance(cause, sqlite3.Error):  # another process keeps the file locked
        return _primary_code(cause) == sqlite3.SQLITE_BUSY
    return isinstance(error, DBConnectionError | ConnectionError)


def is_full(error: BaseException) -> bool:
    """Whether it tells of a disk, of the database or of blobs, that has no room."""
    cause = _cause(error)
    if isinstance(cause, MySQLError):
        return bool(cause.args) and cause.args[0] in FULL
    if isinstance(cause, sqlite3.Error):
        return _primary_code(cause) == sqlite3.SQLITE_FULL
    return isinstance(cause, DiskFull) or (isinstance(cause, OSError) and cause.errno in NO_ROOM)


def is_read_only(error: BaseException) -> bool:
    """Whether it tells of a database or of blobs that can be read now, and not written."""
    cause = _cause(error)
    if isinstance(cause, MySQLError):
        return bool(cause.args) and cause.args[0] in READ_ONLY
    if isinstance(cause, sqlite3.Error):
        return _primary_code(cause) == sqlite3.SQLITE_READONLY
    return isinstance(cause, NotWritable)


def shown(url: str) -> str:
    """A database's URL without its password and its query."""
    if url.startswith("sqlite:"):
        return url
    before, _, behind = url.rpartition("@")  # the last one: a password may hold what ends a host
    scheme, _, credentials = before.partition("://")
    place = behind.partition("?")[0]
    return f"{scheme}://{credentials.partition(':')[0]}@{place}" if before else place


def try_sqlite(file: Path) -> None:
    """Open a SQLite file for writing as the platform will, making one that is not there.

    Raises:
        sqlite3.Error: it is not to be read or written.
    """
    # By sqlite3 itself: of a file that does not open, aiosqlite leaves a thread that prints stack traces.
    with closing(sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute("BEGIN IMMEDIATE")
        # A file that is not to be written lets even this begin, and refuses the first write.
        connection.execute("CREATE TABLE written_at_start_up (trial)")
        connection.execute("ROLLBACK")


@contextmanager
def explained(url: str) -> Iterator[None]:
    """What the drivers raise about the database at ``url``, as DatabaseUnusable."""
    try:
        yield
    except (DBConnectionError, OperationalError, MySQLError, sqlite3.Error, OSError, RuntimeError) as error:
        line = " ".join(_explanation(url, _cause(error)).split())
        raise DatabaseUnusable(f"the database {shown(url)} cannot be used: {line}") from error


def _cause(error: BaseException) -> BaseException:
    """What the driver said, within what Tortoise made of it."""
    if isinstance(error, DBConnectionError) and error.__context__:
        return error.__context__
    if isinstance(error, OperationalError) and error.args and isinstance(error.args[0], Exception):
        return error.args[0]
    return error


def _explanation(url: str, error: BaseException) -> str:
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(Path(url.removeprefix("sqlite://")), error)
    if isinstance(error, TimeoutError):
        return "no MySQL server answers there. Remedy: start it, or mend the host and the port in its URL"
    code, message = error.args if len(error.args) == 2 else (0, error)
    reason = f"{message} ({error.__cause__})" if error.__cause__ else message
    database = unquote(urlsplit(url).path.strip("/"))
    remedy = MYSQL_REMEDIES.get(code, "start the server, or mend its URL")
    if isinstance(error.__cause__, SSLError):
        remedy = "let ssl_ca name who signed its certificate, and the certificate the host of the URL"
    return f"{reason}. Remedy: {remedy.format(database=database)}"


def _of_sqlite(file: Path, error: sqlite3.Error) -> str:
    if file.is_dir():
        return "it is a folder. Remedy: move the folder away, or name a file"
    if not file.parent.is_dir():
        return f"{file.parent} is no folder. Remedy: make it one, or name a file elsewhere"
    otherwise = "give this user the right to write the file and its folder"
    return f"{error}. Remedy: {SQLITE_REMEDIES.get(_primary_code(error), otherwise)}"


def _primary_code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF
