"""MySQL and MariaDB as Tortoise asks them, with an end to the patience with a server that does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pymysql.err import InterfaceError
from tortoise.backends.base.client import TransactionContext, TransactionContextPooled
from tortoise.backends.mysql.client import MySQLClient, TransactionWrapper

from store.database_faults import DatabaseAway
from store.tls import AUTHORITY, trusting

ANSWER_SECONDS = "answer_seconds"
"""Among the credentials: how long the server may take for a statement; without it, as long as it likes."""


@asynccontextmanager
async def answered(seconds: float | None) -> AsyncIterator[None]:
    """Raise DatabaseAway where no answer comes within so many seconds; the driver then hangs up."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise DatabaseAway(f"the database has not answered for {seconds:g} seconds") from error
    except InterfaceError as error:  # which Tortoise does not translate
        raise DatabaseAway(f"the connection to the database has ended: {error}") from error


class PooledTransaction(TransactionContextPooled):
    """A transaction that gives its connection back where it does not begin, which Tortoise's own keeps."""

    client: Transaction

    async def __aenter__(self) -> Any:
        self.client._connection = None
        try:
            async with answered(self.client.seconds):
                return await super().__aenter__()
        except BaseException:
            if (connection := self.client._connection) is not None:
                connection.close()  # nobody knows how far it came
                self.client._parent._pool.release(connection)
            raise


class _Bounded(MySQLClient):
    """Statements that are answered within a time, or not at all."""

    seconds: float | None = None

    async def execute_insert(self, query: str, values: list[Any]) -> int:
        async with answered(self.seconds):
            return int(await super().execute_insert(query, values))

    async def execute_many(self, query: str, values: list[Any]) -> None:
        async with answered(self.seconds):
            await super().execute_many(query, values)

    async def execute_query(
        self, query: str, values: list[Any] | None = None
    ) -> tuple[int, list[dict[str, Any]]]:
        async with answered(self.seconds):
            found: tuple[int, list[dict[str, Any]]] = await super().execute_query(query, values)
            return found


class Transaction(_Bounded, TransactionWrapper):
    """A transaction under way."""

    def __init__(self, connection: Client) -> None:
        super().__init__(connection)
        self.seconds = connection.seconds

    async def commit(self) -> None:
        async with answered(self.seconds):
            await super().commit()

    async def rollback(self) -> None:
        async with answered(self.seconds):
            await super().rollback()


class Client(_Bounded):
    """Tortoise's client of MySQL."""

    def __init__(self, **credentials: Any) -> None:
        self.seconds = credentials.pop(ANSWER_SECONDS, None)
        self._authority = credentials.pop(AUTHORITY, None)
        super().__init__(**credentials)

    async def create_connection(self, with_db: bool) -> None:
        if self._authority is not None:
            self.extra["ssl"] = trusting(self._authority)
        await super().create_connection(with_db)

    def _in_transaction(self) -> TransactionContext:
        return PooledTransaction(Transaction(self), self._pool_init_lock)


client_class = Client
