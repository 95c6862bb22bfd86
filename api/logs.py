"""The one place that says how logs look: lines for people, or JSON for what collects them."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from io import TextIOBase
from typing import Any, Literal, TextIO, cast

import orjson
from rich.console import Console

from services.following import ids

Form = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

OURS = ("api", "schema", "services", "store", "ml", "events", "access", "jobs", "security", "trainer")
"""Loggers of ours, by how their names begin; libraries tell warnings alone, since some would tell secrets."""
PART = r"""[^\s<>"'(),;=:]"""
ADDRESS = re.compile(f"(?<!{PART}){PART}+@{PART}+")
"""E-mail addresses, and what stands with a password before a host. Looked for from the beginning of a word
alone: from each of its letters, a long one would hold the process up for seconds."""
HIDDEN = "(address)"
CONTROLS = {**{code: f"\\x{code:02x}" for code in (*range(32), 127)}, 10: "\\n", 13: "\\r", 9: "\\t"}


def set_up(form: Form, level: Level) -> None:
    """Have all that is logged in this process written to standard error, uvicorn's and warnings included."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter({"text": Text, "json": Json}[form]())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    logging.captureWarnings(True)


def console(form: Form) -> Console:
    """Where a process says how it is with it: the terminal, or the log where that is JSON."""
    return Console(highlight=False, soft_wrap=True, file=cast(TextIO, _Said()) if form == "json" else None)


class _Said(TextIOBase):
    """A file whose lines are lines of the log."""

    def write(self, text: str) -> int:
        for line in filter(str.strip, text.splitlines()):
            logging.getLogger("api").info(line.strip())
        return len(text)


class Text(logging.Formatter):
    """A line for people: when, how grave, where, what, and the rest by name."""

    def format(self, record: logging.LogRecord) -> str:
        named = " ".join(f"{name}={_plain(one)}" for name, one in _named(record).items())
        message = _hidden(record.getMessage()).translate(CONTROLS)  # or a text of others' would make lines
        line = f"{_time(record)} {record.levelname:7} {record.name}: {message}"
        # Set in: what an error says cannot be taken for a line of its own either.
        trace = "".join(f"\n    {one}" for one in (_trace(self, record) or "").splitlines())
        return f"{line}  {named}{trace}" if named else f"{line}{trace}"


class Json(logging.Formatter):
    """An object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _hidden(record.getMessage()),
            **_named(record),
        }
        if trace := _trace(self, record):
            line["exception"] = trace
        return orjson.dumps(line, default=str).decode()


def _named(record: logging.LogRecord) -> dict[str, Any]:
    """What a line tells by name: its own fields, without those that are None, and the ids that hold."""
    fields: Mapping[str, Any] = getattr(record, "fields", {})
    return {name: one for name, one in {**fields, **ids()}.items() if one is not None}


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    return _hidden(formatter.formatException(record.exc_info)) if record.exc_info else None


def _hidden(text: str) -> str:
    """The text without addresses, which errors of mail servers and databases may quote."""
    return ADDRESS.sub(HIDDEN, text)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def _plain(one: object) -> str:
    return ",".join(map(str, one)) if isinstance(one, list | tuple) else str(one)
