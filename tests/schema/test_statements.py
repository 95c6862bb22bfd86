"""Whatever is listed takes as many statements for two rows as for twelve: the schema says what can be asked.

`pytest -s` shows the statements of each way through the schema, over HTTP and over a socket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from graphql import GraphQLField, GraphQLInterfaceType, get_named_type, is_leaf_type

from api.settings import Settings
from schema import ids
from schema.schema import build_schema
from services.platform import Platform
from store import tables
from store.tables import (
    Deployment,
    Finding,
    Image,
    Label,
    ModelVersion,
    Prediction,
    RunState,
    RunTrigger,
    TrainingRun,
    User,
)
from tests import databases, people
from tests.asking import Asker
from tests.listening import Socket, joined, listening
from tests.statements import counted
from tests.store_rows import image, model

FEW, MANY = 2, 12
STEPS = 2
"""Fields that lead to further objects, from each entry of a list on."""
LEFT_OUT = {
    "drift": "`test_drift` has the images that it needs",
    "node": "loads as `nodes` does",
    "viewer": "was loaded to know who asks",
    **dict.fromkeys(("model", "modelAt", "retrainingPolicy"), "one row, of a kind that `nodes` lists"),
    "retraining": "one row, and words that depend on what the next run waits for",
    **dict.fromkeys(("lastCursor", "featureProgress"), "counts alone"),
}
FIGURES = {"evaluation", "band", "gate", "audit", "elsewhere"}
"""They stand in the row of the model."""
NOBODY = re.compile(r"\.label\.withdrawnBy$|^labelQueue\.label\b(?!s)")
"""Ways that lead nowhere: a label that counts stands, and what is in the queue has none."""
NEVER = 1_000_000
ALL = f"(first: {MANY})"

SCHEMA = build_schema()._schema
Ways = Iterator[tuple[str, str]]
"""Names of ways through the schema, and what to ask on each."""


def ways() -> Ways:
    """From every root field on."""
    assert SCHEMA.query_type
    roots = SCHEMA.query_type.fields
    for name in sorted(roots.keys() - LEFT_OUT.keys()):
        for way, asked in through(name, roots[name], STEPS):
            if name == "nodes":
                yield way, f"query($ids: [ID!]!) {{ {asked.replace(name, 'nodes(ids: $ids)', 1)} }}"
            else:
                yield way, f"{{ {asked} }}"


def through(name: str, field: GraphQLField, steps: int) -> Ways:
    """Through a field, and so many others behind it."""
    kind = get_named_type(field.type)
    if isinstance(kind, GraphQLInterfaceType):
        for one in SCHEMA.get_possible_types(kind):
            for way, asked in from_object(one, steps):
                yield f"{name}({one}){way}", f"{name} {{ ... on {one} {{ {asked} }} }}"
    elif "nodes" in kind.fields:
        for way, asked in from_object(get_named_type(kind.fields["nodes"].type), steps):
            yield f"{name}{way}", f"{name}{ALL} {{ totalCount nodes {{ {asked} }} }}"
    else:
        for way, asked in from_object(kind, steps):
            yield f"{name}{way}", f"{name} {{ {asked} }}"


def from_object(kind: Any, steps: int) -> Ways:
    """All that is known of the object, and of what lies behind each of its fields."""
    known = " ".join(name for name, field in kind.fields.items() if is_leaf_type(get_named_type(field.type)))
    yield "", known or "__typename"
    if steps:
        for name, field in kind.fields.items():
            if not is_leaf_type(get_named_type(field.type)) and name not in FIGURES:
                for way, asked in through(name, field, steps - 1):
                    yield f".{way}", f"{known} {asked}"


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The statements are the same on every engine."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """No budget would hold what is asked for in a minute, and no run is to begin meanwhile."""
    return settings.model_copy(update={"points_per_minute": 0, "retrain_threshold": NEVER})


async def test_rows_cost_no_statements(platform: Platform, admin: Asker, ana: User) -> None:
    taken: dict[str, list[Taken]] = {}
    await Deployment.all().update(number=MANY)  # it goes on to serve, whatever served before
    with counted() as statements:  # from before the server is there, so that its tasks count too
        async with listening(platform) as address, joined(address, admin.token) as socket:
            for numbers in (range(FEW), range(FEW, MANY)):
                await seed(ana, numbers)
                for way, query in ways():
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


async def seed(ana: User, numbers: range) -> None:
    """One more of each row, or two, for each number; each row is named by others."""
    for number in numbers:
        by = await people.admin(f"chief{number}@hospital.example")
        owner = await people.member(f"{number}@hospital.example")
        older = await model(number + 2)
        term = await Deployment.create(
            number=number, model=older, reason="r", decided_by=by, since=datetime(2020, 1, 1, tzinfo=UTC)
        )
        contested = await seed_image(owner, f"{number}.png", older, term)
        await seed_labels(contested, owner, ana, by, older)
        unlabelled = await seed_image(owner, f"unlabelled {number}.png", older, term)
        await seed_withdrawn(unlabelled, ana, by, older)
        await tables.NewsPost.create(title="t", body="b", author=by)
        await tables.ContactMessage.create(name="n", email="e@x.example", subject="s", body="b")
        left_out = {"OVER_SHARE": 1}
        run = {"requested_by": by, "model": older, "state": RunState.PROMOTED, "left_out": left_out}
        await TrainingRun.create(trigger=RunTrigger.ADMIN, epochs=1, **run)
        margins = {"sensitivity_margin": 0.1, "specificity_margin": 0.1, "auc_margin": 0.1}
        waits = {"threshold": NEVER, "minutes_between": 0, "labels_per_class": 0, "share_per_user": 1}
        await tables.RetrainingPolicy.create(number=number, changed_by=by, **margins, **waits)


async def seed_image(owner: User, name: str, older: ModelVersion, term: Deployment) -> Image:
    row = await image(owner, name)
    serving = await ModelVersion.get(number=1)
    now, before = [
        await Prediction.create(image=row, model=one, finding=Finding.COVID, probability=0.9, margin=0.1)
        for one in (serving, older)
    ]
    await tables.FindingChange.create(image=row, deployment=term, prediction=now, previous=before)
    return row


async def seed_labels(row: Image, owner: User, other: User, by: User, taught: ModelVersion) -> None:
    """The owner's, another one that contradicts it, and one that was withdrawn."""
    for finding, submitted_by in ((Finding.COVID, owner), (Finding.NO_COVID, other)):
        label = await Label.create(image=row, finding=finding, submitted_by=submitted_by)
        await label.used_in.add(taught)
    await seed_withdrawn(row, other, by, taught)


async def seed_withdrawn(row: Image, of: User, by: User, taught: ModelVersion) -> None:
    mark = {"withdrawn_at": datetime.now(UTC), "withdrawn_by": by, "withdrawal_reason": "r"}
    label = await Label.create(image=row, finding=Finding.COVID, submitted_by=of, **mark)
    await label.used_in.add(taught)
