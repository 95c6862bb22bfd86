"""Whatever is listed takes as many statements for two rows as for twelve: the schema says what can be asked.

`pytest -s` shows the statements of each way through the schema, over HTTP and over a socket.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from api.settings import Settings
from schema import ids, streams
from services.platform import Platform
from store import tables
from store.tables import Deployment, User
from tests import databases
from tests.asking import Asker
from tests.crowded import NEVER, crowd
from tests.listening import Socket, joined, listening
from tests.statements import counted
from tests.ways import SIZE, ways

FEW, MANY = 2, SIZE
LEFT_OUT = {
    "drift": "`test_drift` has the images that it needs",
    "node": "loads as `nodes` does",
    "viewer": "was loaded to know who asks",
    **dict.fromkeys(("model", "modelAt", "retrainingPolicy"), "one row, of a kind that `nodes` lists"),
    "retraining": "one row, and words that depend on what the next run waits for",
    "sessions": "one statement, of those of one user",
    **dict.fromkeys(("lastCursor", "featureProgress"), "counts alone"),
}
NOBODY = re.compile(r"\.label\.withdrawnBy$|^labelQueue\.label\b(?!s)")
"""Ways that lead nowhere: a label that counts stands, and what is in the queue has none."""


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The statements are the same on every engine."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """No budget would hold what is asked for in a minute, and no run is to begin meanwhile."""
    return settings.model_copy(update={"points_per_minute": 0, "retrain_threshold": NEVER})


async def test_rows_cost_no_statements(
    platform: Platform, admin: Asker, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SILENT_SECONDS", 3600.0)  # the socket's session is looked up now and then
    taken: dict[str, list[Taken]] = {}
    await Deployment.all().update(number=MANY)  # it goes on to serve, whatever served before
    with counted() as statements:  # from before the server is there, so that its tasks count too
        async with listening(platform) as address, joined(address, admin.token) as socket:
            for numbers in (range(FEW), range(FEW, MANY)):
                await crowd(ana, numbers)
                for way, query in ways(without=LEFT_OUT):
                    given = await variables(way)
                    statements.clear()
                    answer = await admin.ask(query, **given)
                    assert "errors" not in answer, (way, answer["errors"])
                    over_http = len(statements)
                    statements.clear()
                    await answered(socket, query, given)
                    taken.setdefault(way, []).append(
                        Taken(len(found(answer["data"], way)), over_http, len(statements))
                    )
    show(taken)
    assert [
        way for way, (few, many) in taken.items() if few.rows >= many.rows and not NOBODY.search(way)
    ] == []
    assert [way for way, (few, many) in taken.items() if few[1:] != many[1:]] == []


class Taken(NamedTuple):
    """How many objects were reached, and the statements that took."""

    rows: int
    over_http: int
    over_socket: int


async def answered(socket: Socket, query: str, given: dict[str, Any]) -> None:
    await socket.subscribe(query, "q", **given)
    assert "errors" not in (await socket.of("q"))["payload"]
    assert (await socket.of("q"))["type"] == "complete"


async def variables(way: str) -> dict[str, Any]:
    """The ids that `nodes` takes: of the newest rows of the kind, as many as an operation may cost."""
    kind = re.match(r"nodes\((\w+)\)", way)
    rows = await getattr(tables, kind[1]).all().order_by("-id").limit(2 * MANY) if kind else []
    return {"ids": [ids.encode(kind[1], row.id) for row in rows]} if kind else {}


def found(data: Any, way: str) -> list[Any]:
    """The objects at the end of a way."""
    reached = [data]
    for step in way.split("."):
        values = [one[step.partition("(")[0]] for one in reached]
        lists = [
            value["nodes"] if isinstance(value, dict) and "nodes" in value else value for value in values
        ]
        flat = [one for value in lists for one in (value if isinstance(value, list) else [value])]
        reached = [one for one in flat if one is not None]
    return reached


def show(taken: dict[str, list[Taken]]) -> None:
    print(f"\n{'rows, and SQL statements over HTTP and a socket':60} {'few':^14} {'many':^14}")
    for way, (few, many) in taken.items():
        print(
            f"{way:60} {few.rows:4} {few.over_http:4} {few.over_socket:4} "
            f"{many.rows:6} {many.over_http:4} {many.over_socket:4}"
        )
