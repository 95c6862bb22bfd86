"""What takes long is said to whoever looks on."""

from __future__ import annotations

import logging

from rich.console import Console


class OnConsole(logging.Handler):
    """A log's words on the terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(self.format(record))


def tell_of_long_work(console: Console) -> None:
    """How far it is with features that are made anew."""
    from services import renewal

    renewal.logger.addHandler(OnConsole(console))
    renewal.logger.setLevel(logging.INFO)
