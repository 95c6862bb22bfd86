"""The SQL statements that something takes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_here: ContextVar[logging.Handler | None] = ContextVar("_here", default=None)
"""Who counts what is run from here; tasks that began before know of nobody."""


class _Kept(logging.Handler):
    def __init__(self, everywhere: bool) -> None:
        super().__init__(logging.DEBUG)
        self.statements: list[str] = []
        self._everywhere = everywhere

    def emit(self, record: logging.LogRecord) -> None:
        if self._everywhere or _here.get() is self:
            self.statements.append(record.getMessage())


@contextmanager
def counted(everywhere: bool = False) -> Iterator[list[str]]:
    """The statements of what is asked within, as Tortoise tells its logger of them.

    The platform's own tasks work when they like, and theirs are among them ``everywhere`` alone.
    """
    logger = logging.getLogger("tortoise.db_client")
    kept, level = _Kept(everywhere), logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    before = _here.set(kept)
    try:
        yield kept.statements
    finally:
        _here.reset(before)
        logger.removeHandler(kept)
        logger.setLevel(level)
