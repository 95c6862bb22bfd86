"""MySQL's answers with rows, read many packets at a time and by columns that are known from before.

aiomysql waits twice for each packet, of which there is one a column and one a row, and works out anew what
columns an answer has; Tortoise asks for all of a table's. All but such rows is left to it. The packets are
those of the text protocol: https://mariadb.com/kb/en/result-set-packets/
`store.tls` builds on the connection that is here, and has aiomysql's pool make such ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from aiomysql import connection
from pymysql.connections import TEXT_TYPES
from pymysql.constants import CR, FIELD_TYPE
from pymysql.converters import convert_datetime, decoders, through
from pymysql.err import InternalError, MySQLError, OperationalError
from pymysql.protocol import FieldDescriptorPacket, MysqlPacket

HEADER = 4
"""Bytes before a packet's content: how many it has, and its number."""
LONGEST = 2**24 - 1
"""Bytes of a packet; what has so many goes on in the next."""
KINDS_OF_ANSWERS = 500
NO_CHARACTERS = 63
"""The character set of columns of bytes."""
NULL = 251
WIDTHS = {252: 2, 253: 3, 254: 8}
"""How many bytes a value's length takes, by a first byte that is none itself."""
END, ERROR = 254, 255


def moment(text: str) -> datetime | str:
    """As PyMySQL reads it, by what Python has in C; what is no time, such as zeros, as PyMySQL does."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        found: datetime | str = convert_datetime(text)
        return found


class Columns(NamedTuple):
    """What an answer's rows are made of; see `aiomysql.connection.MySQLResult`."""

    fields: list[FieldDescriptorPacket]
    converters: list[tuple[str | None, Callable[[Any], Any] | None]]
    description: tuple[Any, ...]


@lru_cache(KINDS_OF_ANSWERS)
def columns(described: tuple[bytes, ...], encoding: str) -> Columns:
    """What the packets describe."""
    fields = [FieldDescriptorPacket(one, encoding) for one in described]
    converters = [(_encoding(one, encoding), _converter(one.type_code)) for one in fields]
    return Columns(fields, converters, tuple(one.description() for one in fields))


def _encoding(field: FieldDescriptorPacket, encoding: str) -> str | None:
    """That of a column's values, where these are read as text."""
    if field.type_code == FIELD_TYPE.JSON:
        return encoding  # though it is said to have no characters
    if field.type_code in TEXT_TYPES:
        return None if field.charsetnr == NO_CHARACTERS else encoding
    return None if decoders.get(field.type_code) in (int, float) else "ascii"


def _converter(type_code: int) -> Callable[[Any], Any] | None:
    converter = decoders.get(type_code, through)
    if converter is convert_datetime:
        return moment
    return None if converter is through else converter


class Packets:
    """What arrives of an answer, packet by packet."""

    def __init__(self, connected: Any) -> None:
        self._connection = connected
        self._arrived, self._at = b"", 0

    async def following(self) -> bytes:
        """The next one's content, once it is there.

        Raises:
            MySQLError: it says that something failed, or there is no connection any more.
        """
        content = part = await self._packet()
        while len(part) == LONGEST:
            part = await self._packet()
            content += part
        if content[0] == ERROR:
            MysqlPacket(content, self._connection.encoding).raise_for_error()
        return content

    def give_back(self) -> None:
        """What belongs to the answer of another statement."""
        # Not by `feed_data`, which takes nothing any more once the server has hung up.
        self._connection._reader._buffer.extend(self._arrived[self._at :])

    async def _packet(self) -> bytes:
        await self._need(HEADER)
        length = int.from_bytes(self._arrived[self._at : self._at + 3], "little")
        await self._need(HEADER + length)
        begin = self._at + HEADER
        self._count(self._arrived[begin - 1])
        self._at = begin + length
        return self._arrived[begin : self._at]

    async def _need(self, count: int) -> None:
        missing = self._at + count - len(self._arrived)
        if missing > 0:
            self._arrived, self._at = self._arrived[self._at :] + await self._read(missing), 0

    async def _read(self, least: int) -> bytes:
        connected = self._connection
        try:
            read: bytes = await connected._read_bytes(least)
            more: bytes = await connected._read_bytes(len(connected._reader._buffer))  # all that is there
            return read + more
        except asyncio.CancelledError:
            self._connection._close_on_cancel()
            raise

    def _count(self, number: int) -> None:
        expected = self._connection._next_seq_id
        if number != expected:
            self._connection.close()
            if number == 0:  # so MySQL takes its leave as it stops
                raise OperationalError(CR.CR_SERVER_LOST, "the server has stopped")
            raise InternalError(f"packet {number} of an answer came in place of {expected}")
        self._connection._next_seq_id = (number + 1) % 256


class Answer(connection.MySQLResult):  # type: ignore[misc]
    """An answer; where it has rows, these come as here."""

    async def _read_result_packet(self, first_packet: MysqlPacket) -> None:
        try:
            await self._read_rows(first_packet)
        except MySQLError:  # by which an answer ends, or the connection
            raise
        except Exception:
            self.connection.close()  # its rest would be taken for the answer to the next statement
            raise

    async def _read_rows(self, first_packet: MysqlPacket) -> None:
        packets = Packets(self.connection)
        self.field_count = first_packet.read_length_encoded_integer()
        described = tuple([await packets.following() for _ in range(self.field_count)])
        self.fields, self.converters, self.description = columns(described, self.connection.encoding)
        assert _ends(await packets.following()), "columns are followed by their end"
        rows = []
        while not _ends(packet := await packets.following()):
            rows.append(self._row(packet))
        self._check_packet_is_eof(MysqlPacket(packet, self.connection.encoding))
        packets.give_back()
        self.rows, self.affected_rows = tuple(rows), len(rows)

    def _row(self, packet: bytes) -> tuple[Any, ...]:
        row: list[Any] = []
        at = 0
        for encoding, converter in self.converters:
            length = packet[at]
            at += 1
            if length == NULL:
                row.append(None)
                continue
            if width := WIDTHS.get(length):
                length = int.from_bytes(packet[at : at + width], "little")
                at += width
            value: Any = packet[at : at + length]
            at += length
            if encoding is not None:
                value = value.decode(encoding)
            row.append(value if converter is None else converter(value))
        return tuple(row)


def _ends(packet: bytes) -> bool:
    # A row may begin with the same, where its first value has more than 16 MB.
    return packet[0] == END and len(packet) < 9


class Connection(connection.Connection):  # type: ignore[misc]
    """aiomysql's, whose answers are read as here."""

    async def _read_query_result(self, unbuffered: bool = False) -> None:
        if unbuffered:
            await super()._read_query_result(unbuffered)
            return
        self._result = None
        answer = Answer(self)
        await answer.read()
        self._result, self._affected_rows = answer, answer.affected_rows
        if answer.server_status is not None:
            self.server_status = answer.server_status
