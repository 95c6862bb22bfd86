"""The SQL statements that something takes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

BACKGROUND = ("outbox_event", "journal_entry", "consumer_position")
"""Tables of the platform's own tasks, which work when they like."""


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.statements: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        statement = record.getMessage()
        if not any(table in statement for table in BACKGROUND):
            self.statements.append(statement)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements as they are run; Tortoise tells of each to its logger."""
    logger = logging.getLogger("tortoise.db_client")
    kept, level = _Kept(), logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    try:
        yield kept.statements
    finally:
        logger.removeHandler(kept)
        logger.setLevel(level)
