"""Answers of a real server, read as here and by aiomysql's own cursor, whole and in small pieces."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import aiomysql
import pytest
from pymysql.err import InterfaceError, InternalError, MySQLError, OperationalError

from store import answers
from store.database_faults import is_away
from tests.databases import SERVER, connect
from tests.mariadb import mariadb

OURS, THEIRS, *_ = answers.Connection.__mro__
PIECES = (1, 2, 5, 3, 60, 1, 700)
"""Bytes that arrive together, so that packets and their headers are torn at many places."""
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
ROWS = {
    "numbers": "SELECT 1, -2, 1.5, 2e10, 18446744073709551615, TRUE, CAST(1.50 AS DECIMAL(5, 2)), RAND(1)",
    "nulls": "SELECT NULL, 1, NULL, '', NULL",
    "times": "SELECT TIMESTAMP('2026-01-02 03:04:05'), TIMESTAMP('2026-01-02 03:04:05.000001'),"
    " DATE('2026-01-02'), TIME('-25:06:17.5'), TIMESTAMP('9999-12-31 23:59:59.999999')",
    "a time of zeros": "SELECT CAST('0000-00-00 00:00:00' AS DATETIME), CAST('2026-00-00' AS DATE)",
    "characters": "SELECT 'Ä😀\\0', _latin1'abc', REPEAT('ß', 200), X'00FF80', _binary'abc'",
    "lengths": "SELECT REPEAT('x', 250), REPEAT('x', 251), REPEAT('x', 252), REPEAT('x', 65535),"
    " REPEAT('x', 65536), REPEAT('x', 200000)",
    "structures": "SELECT JSON_OBJECT('a', 'ä', 'b', JSON_ARRAY(1, NULL)), b'101'",
    "columns of one name": "SELECT 1 AS a, 2 AS a, 3 AS b",
    "no row": "SELECT 1, 'a' FROM DUAL WHERE FALSE",
    "many rows": NUMBERS.format(900) + "SELECT i, REPEAT('ä', i), IF(i % 3, i, NULL) FROM n",
    "a warning": "SELECT 1 / 0, CAST('a' AS SIGNED)",
    "no rows at all": "SET @covidxr = 1",
    "several answers": "SELECT 1; SELECT 2, 'b' FROM DUAL WHERE FALSE; SET @covidxr = 1; SELECT 4, NULL",
}
WITHIN = NUMBERS.format(5) + "SELECT i, REPEAT('x', 100000), {} FROM n"
"""Rows that are on their way when the third is made."""
FAULTS = {
    "syntax": "SELECT FROM",
    "no such column": "SELECT nothing",
    "among the rows": WITHIN.format("IF(i < 3, i, (SELECT 1 UNION SELECT 2))"),
    "in a second statement": "SELECT 1; SELECT nothing",
}


class Told(NamedTuple):
    """All that a cursor says of an answer."""

    rows: Any
    rowcount: int
    lastrowid: int | None
    description: Any
    names: list[str]


@asynccontextmanager
async def connected(kind: type[aiomysql.Connection], **changes: Any) -> AsyncIterator[aiomysql.Connection]:
    """To the test server, which is skipped by name where there is none."""
    connect().close()
    parts = urlsplit(SERVER)
    credentials = {"host": parts.hostname or "127.0.0.1", "port": parts.port or 3306}
    credentials |= {"user": unquote(parts.username or "root"), "password": unquote(parts.password or "")}
    one = kind(**credentials | changes, charset="utf8mb4")
    await one._connect()
    try:
        yield one
    finally:
        one.close()


@asynccontextmanager
async def in_pieces() -> AsyncIterator[int]:
    """The port of a way to the test server by which answers come bit by bit."""
    parts = urlsplit(SERVER)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered, asking = await asyncio.open_connection(parts.hostname or "127.0.0.1", parts.port or 3306)
        task = asyncio.create_task(_carry(reader, asking))
        sizes = cycle(PIECES)
        with suppress(ConnectionError):
            while piece := await answered.read(next(sizes)):
                writer.write(piece)
                await asyncio.sleep(0)
        writer.close()
        await task

    async with await asyncio.start_server(carry, "127.0.0.1") as server:
        yield server.sockets[0].getsockname()[1]


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while asked := await reader.read(2**16):
            writer.write(asked)
    writer.close()


async def told(connection: aiomysql.Connection, sql: str) -> list[Told | tuple[type, Any]]:
    """What is said of each answer to the statements, of the fault at the end as well."""
    said: list[Told | tuple[type, Any]] = []
    async with connection.cursor() as cursor:
        try:
            await cursor.execute(sql)
            while True:
                names = [field.name for field in getattr(cursor._result, "fields", ())]
                rows = await cursor.fetchall() if cursor.description else None
                said.append(Told(rows, cursor.rowcount, cursor.lastrowid, cursor.description, names))
                if not await cursor.nextset():
                    return said
        except MySQLError as error:
            said.append((type(error), error.args))
    return said


@pytest.mark.parametrize("sql", [*ROWS.values(), *FAULTS.values()], ids=[*ROWS, *FAULTS])
@pytest.mark.parametrize("way", ["whole", "in pieces"])
async def test_answers_are_as_aiomysql_reads_them(sql: str, way: str) -> None:
    async with connected(THEIRS) as theirs, in_pieces() as port:
        changes = {"port": port, "host": "127.0.0.1"} if way == "in pieces" else {}
        async with connected(OURS, **changes) as ours:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                expected = await told(theirs, sql)
                before = [str(one.message) for one in warned]
                for _ in range(2):  # the second time by columns that are known
                    assert await told(ours, sql) == expected
                assert [str(one.message) for one in warned] == 3 * before
                # What came before is over: nothing of it is left for the next.
                assert await told(ours, "SELECT 'next'") == await told(theirs, "SELECT 'next'")


async def test_a_row_may_be_longer_than_a_packet(tmp_path: Path) -> None:
    """Of exactly so many bytes as a packet holds, too, which an empty one follows."""
    packet = answers.LONGEST
    with mariadb(tmp_path, "--max-allowed-packet=128M") as server:
        async with connected(OURS, port=server.port, user="root", password="") as connection:
            for length in (packet - 5, packet - 4, packet - 3, 2 * packet + 1):
                ((found, last),) = (await told(connection, f"SELECT REPEAT('x', {length}), 'last'"))[0][0]
                assert (len(found), last) == (length, "last")


async def test_whoever_is_cancelled_among_the_rows_leaves_no_connection_to_others() -> None:
    async with connected(OURS) as connection:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5), connection.cursor() as cursor:
                await cursor.execute(WITHIN.format("IF(i < 3, i, SLEEP(20))"))
        assert connection.closed
        with pytest.raises(InterfaceError, match="Cancelled"):
            connection.cursor()


async def test_a_connection_that_ends_among_the_rows_is_said_to_be_lost() -> None:
    async with connected(OURS) as connection:
        asking = asyncio.create_task(told(connection, WITHIN.format("IF(i < 3, i, SLEEP(20))")))
        await asyncio.sleep(0.3)
        with connect() as server:
            server.cursor().execute(f"KILL CONNECTION {connection.thread_id()}")
        ((kind, arguments),) = await asking
        assert is_away(OperationalError(*arguments)), (kind, arguments)
        assert connection.closed


async def test_answers_that_had_arrived_before_the_server_hung_up_are_read() -> None:
    async with connected(OURS) as connection, connection.cursor() as cursor:
        await cursor.execute("SELECT 1; SELECT 2; SELECT 3")
        with connect() as server:
            server.cursor().execute(f"KILL CONNECTION {connection.thread_id()}")
        while not connection._reader._eof:
            await asyncio.sleep(0.01)
        for number in (2, 3):
            assert await cursor.nextset()
            assert await cursor.fetchall() == ((number,),)


async def test_rows_behind_one_that_cannot_be_read_are_no_answer_to_the_next_statement() -> None:
    """Not even where somebody wrote into them what looks like one."""
    async with connected(OURS) as connection:
        async with connection.cursor() as cursor:
            await cursor.execute("SET character_set_results = latin1")
            with pytest.raises(UnicodeDecodeError):
                await cursor.execute(WITHIN.format("IF(i < 2, 'ä', 'x')"))
        assert connection.closed


@pytest.mark.parametrize(("number", "away"), [(7, False), (0, True)])
async def test_an_answer_out_of_order_is_not_believed(number: int, away: bool) -> None:
    """MySQL takes its leave by a packet of number 0."""
    async with connected(OURS) as connection:
        connection._reader.feed_data(bytes([1, 0, 0, number]) + b"a")
        connection._next_seq_id = 3
        with pytest.raises(OperationalError if away else InternalError) as raised:
            await answers.Packets(connection).following()
        assert is_away(raised.value) == away
        assert connection.closed
