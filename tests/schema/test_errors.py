"""What goes wrong as clients see it, and as the log does."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from graphql import FieldNode, GraphQLError, NameNode

from api.bodies import status_of
from events.log import CursorExpired
from schema import errors
from schema.errors import coded, user_errors
from services.errors import Code, Forbidden, Problem, Unauthenticated, refuse
from services.platform import Platform
from store.tables import Prediction, User
from tests import databases
from tests.asking import Asker
from tests.store_rows import image


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what happens around it."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


ROOT = Path(__file__).parents[2]
FIELD = FieldNode(name=NameNode(value="images"))


def test_problems_are_shown_where_they_are() -> None:
    problems = [Problem(Code.INVALID, "bad", "email"), Problem(Code.CONFLICT, "as a whole")]
    shown = [(error.code, error.message, error.path) for error in user_errors(problems, "input")]
    assert shown == [(Code.INVALID, "bad", ["input", "email"]), (Code.CONFLICT, "as a whole", ["input"])]
    assert user_errors(problems[1:])[0].path is None


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (Unauthenticated("sign in first"), "UNAUTHENTICATED"),
        (Forbidden("not you"), "FORBIDDEN"),
        (refuse(Code.INVALID, "not so"), "BAD_USER_INPUT"),
        (CursorExpired("too old"), "BAD_USER_INPUT"),
        (GraphQLError("own", extensions={"code": "RATE_LIMITED"}), "RATE_LIMITED"),
    ],
)
def test_what_is_expected_is_told(cause: Exception, code: str) -> None:
    for path in (["images"], None):  # None: from the stream of a subscription
        error = coded(GraphQLError(str(cause), nodes=[FIELD], path=path, original_error=cause))
        assert error.extensions["code"] == code
        assert error.message == str(cause)


def test_what_is_no_field_s_affair_is_the_client_s() -> None:
    assert coded(GraphQLError("Syntax Error")).extensions == {"code": "BAD_USER_INPUT"}
    variable = GraphQLError("Variable '$x'", nodes=[NameNode(value="x")], original_error=ValueError("x"))
    assert coded(variable).extensions == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize("path", [["images", 0], None])
def test_a_fault_is_told_to_the_log_alone(
    path: list[str | int] | None, caplog: pytest.LogCaptureFixture
) -> None:
    nodes = [FIELD] if path else None
    cause = RuntimeError("the password is hunter2")
    error = coded(GraphQLError(str(cause), nodes=nodes, path=path, original_error=cause))
    assert error.extensions is not None
    assert error.extensions["code"] == errors.INTERNAL
    assert "hunter2" not in str(error.formatted)
    assert error.original_error is None
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[1] is cause
    assert error.extensions["id"] in record.getMessage()
    assert error.extensions["id"] in error.message
    assert coded(error) is error


async def test_a_fault_of_a_resolver_stays_inside(
    anybody: Asker, platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("no such table: news_post")

    monkeypatch.setattr(type(platform.newsroom), "page", broken)
    response = await anybody.client.post(
        "/graphql", json={"query": "{ news { totalCount } model { number } }"}
    )
    assert response.status_code == 200
    (error,) = response.json()["errors"]
    assert response.json()["data"] is None
    assert error["path"] == ["news"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert "news_post" not in response.text
    assert "Traceback" not in response.text
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == ["schema.errors"]


async def test_expected_errors_fill_no_log(anybody: Asker, caplog: pytest.LogCaptureFixture) -> None:
    for query in (
        "{ images { totalCount } }",
        "{ users { totalCount } }",
        "{",
        "{ nothing }",
        "query($x: Int!) { __typename }",
    ):
        await anybody.ask(query)
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    # asyncio tells at any time of what the end of an earlier test has broken off.
    assert [record for record in told if record.name != "asyncio"] == []


BAD_REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("{", {}),
    ("", {}),
    ("{ nothing }", {}),
    ("query($id: ID!) { node(id: $id) { id } }", {}),
    ("query($id: ID!) { node(id: $id) { id } }", {"id": {"a": 1}}),
    ("query($time: DateTime!) { modelAt(time: $time) { id } }", {"time": "yesterday"}),
    ('{ modelAt(time: "yesterday") { id } }', {}),
    ("query($f: ImageFilter) { images(filter: $f) { totalCount } }", {"f": {"finding": "FLU"}}),
    ("query($f: ImageFilter) { images(filter: $f) { totalCount } }", {"f": {"nothing": 1}}),
    ("query A { __typename } query B { __typename }", {}),
]


async def test_bad_requests_are_the_client_s(admin: Asker) -> None:
    for query, variables in BAD_REQUESTS:
        assert await admin.code(query, **variables) == "BAD_USER_INPUT", query


def test_the_guide_lists_every_code_and_its_status() -> None:
    guide = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([A-Z_]+)` \| ?(\d*) \|", guide, re.MULTILINE))
    assert listed.keys() == {
        value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)
    }
    for code, status in listed.items():
        answer = {"errors": [{"extensions": {"code": code}}]}
        ends_streams = code in (errors.TOO_SLOW, errors.RESTARTING)  # whose status was sent long before
        assert ends_streams or status_of(answer, "application/json") == int(status), code


@pytest.mark.parametrize("room", ["api", "schema", "services"])
def test_no_code_is_made_up_elsewhere(room: str) -> None:
    for file in (ROOT / room).rglob("*.py"):
        assert not re.search(r"""["']code["']:\s*["']""", file.read_text(encoding="utf-8")), file


async def test_what_is_deleted_between_two_statements_is_no_fault(
    member: Asker, ana: User, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await image(ana)
    serving = await platform.models.in_service()
    await Prediction.create(image=row, model=serving, probability=0.5, margin=0.1)

    async def gone(*_: object) -> dict[int, object]:
        return {}

    monkeypatch.setattr(type(platform.images), "find", gone)
    assert await member.code("{ predictions { nodes { image { id } } } }") == "NOT_FOUND"
