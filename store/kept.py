"""Queries that are asked all the time, whose SQL is put together once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from tortoise.models import Model
from tortoise.queryset import QuerySet

M = TypeVar("M", bound=Model)

MOST = 100
"""Values of a query that is kept; with more, its rows take longer than its SQL."""


class Kept(Generic[M]):
    """A query of values that change; to put its SQL together takes Tortoise as long as to answer it.

    Args:
        query: makes it of as many values as `rows` is given, and uses them in that order.
    """

    def __init__(self, model: type[M], query: Callable[..., QuerySet[M]]) -> None:
        self._model, self._query = model, query
        self._made: dict[tuple[str, tuple[int, ...]], tuple[str, Any]] = {}

    async def rows(self, *values: Any) -> list[M]:
        """The rows, none where a list is empty; each value is a text, a number, a time, or a list of such."""
        if [] in values:
            return []
        database = self._model._meta.db
        key = database.capabilities.dialect, tuple(len(v) if isinstance(v, list) else -1 for v in values)
        given = list(_flat(values))
        sql, related = made = self._made.get(key) or self._make(values, given)
        if len(given) <= MOST:
            self._made[key] = made
        executor = database.executor_class(model=self._model, db=database, select_related_idx=related)
        rows: list[M] = await executor.execute_select(sql, given)
        return rows

    def _make(self, values: tuple[Any, ...], given: list[Any]) -> tuple[str, Any]:
        query = self._query(*values)
        query._choose_db_if_not_chosen()
        query._make_query()
        sql, used = query.query.get_parameterized_sql()
        assert used == given, f"the query uses {used} where it is given {given}"
        return sql, query._select_related_idx


def _flat(values: tuple[Any, ...]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value
