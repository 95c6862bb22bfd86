"""Queries that are asked all the time, whose SQL is put together once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from tortoise.models import Model
from tortoise.queryset import QuerySet

M = TypeVar("M", bound=Model)

MOST = 100
"""Values of a query that is kept; with more, its rows take longer than its SQL."""

Key = tuple[str, tuple[int, ...]]
"""The engine, and how many there are of each value that is a list."""
Made = tuple[str, Any]
"""The SQL, and which columns are of rows that come along."""


class Kept(Generic[M]):
    """A query of values that change; to put its SQL together takes Tortoise as long as to answer it.

    What is kept is text, the same in every database of an engine.

    Args:
        query: makes it of as many values as `rows` is given, and uses them in that order.
    """

    def __init__(self, model: type[M], query: Callable[..., QuerySet[M]]) -> None:
        self._model, self._query = model, query
        self._made: dict[Key, Made] = {}

    async def rows(self, *values: Any) -> list[M]:
        """The rows, none where a list is empty; each value is a text, a number, a time, or a list of such.

        They go to the driver as they are: members of `StrEnum` do, others and None do not.
        """
        if [] in values:
            return []
        database = self._model._meta.db
        lengths = tuple(len(value) for value in values if isinstance(value, list))
        key = database.capabilities.dialect, lengths
        given = list(_flat(values))
        sql, related = self._made.get(key) or self._make(key, values, given)
        executor = database.executor_class(model=self._model, db=database, select_related_idx=related)
        rows: list[M] = await executor.execute_select(sql, given)
        return rows

    def _make(self, key: Key, values: tuple[Any, ...], given: list[Any]) -> Made:
        query = self._query(*values)
        query._choose_db_if_not_chosen()
        query._make_query()
        sql, used = query.query.get_parameterized_sql()
        assert used == given, f"the query uses {used} where it is given {given}"
        related = query._select_related_idx
        made = sql, related if len(related) > 1 else []  # one alone is the table itself, where `only` asks
        if len(given) <= MOST:
            self._made[key] = made
        return made


def _flat(values: tuple[Any, ...]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value
