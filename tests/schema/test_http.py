"""GraphQL over HTTP: methods, media types, statuses, and bodies that are none."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import bodies
from services.platform import Platform
from store.tables import NewsPost
from tests import databases
from tests.asking import PAGE, Asker
from tests.stand_ins import picture

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
QUERY = "{ model { number } }"
ANSWER = {"data": {"model": {"number": 1}}, "extensions": {"cost": 11}}


async def post(
    asker: Asker, content: str | bytes, content_type: str = JSON, **headers: str
) -> httpx.Response:
    return await asker.client.post(
        "/graphql", content=content, headers={"Content-Type": content_type, **headers}
    )


def assert_refused(response: httpx.Response, status: int, message: str = "") -> None:
    """A body in the shape of GraphQL, with one coded error and no data."""
    assert response.status_code == status, response.text
    assert response.json().keys() - {"extensions"} == {"errors"}
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert message in error["message"]
    assert response.headers["content-type"].startswith("application/")


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what happens before it is asked."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


# ------------------------------------------------------------------ fine requests


async def test_post_and_get(anybody: Asker) -> None:
    assert (await post(anybody, json.dumps({"query": QUERY}))).json() == ANSWER
    assert (await anybody.client.get("/graphql", params={"query": QUERY})).json() == ANSWER


async def test_get_with_variables(anybody: Asker) -> None:
    query = "query A($n: Int) { news(first: $n) { totalCount } } query B { model { number } }"
    params = {"query": query, "operationName": "A", "variables": '{"n": 1}', "extensions": "null"}
    response = await anybody.client.get("/graphql", params=params)
    assert response.json()["data"] == {"news": {"totalCount": 0}}


@pytest.mark.parametrize(
    "body",
    [
        {"query": QUERY, "variables": None, "operationName": None, "extensions": None},
        {"query": QUERY, "variables": {}, "extensions": {"tracing": True}, "unknown": 5},
    ],
)
async def test_parameters_that_may_be_null_or_unknown(anybody: Asker, body: dict[str, Any]) -> None:
    assert (await post(anybody, json.dumps(body), "Application/JSON; charset=utf-8")).json() == ANSWER


@pytest.mark.parametrize(
    ("accept", "expected"), [("*/*", JSON), (JSON, JSON), (RESPONSE_JSON, RESPONSE_JSON), ("image/png", JSON)]
)
async def test_the_answer_s_media_type(anybody: Asker, accept: str, expected: str) -> None:
    for content in (json.dumps({"query": QUERY}), "5"):
        response = await post(anybody, content, Accept=accept)
        assert response.headers["content-type"] == f"{expected}; charset=utf-8"
        assert response.headers["vary"] == "Accept"
        assert response.headers["cache-control"] == "no-store"


async def test_texts_are_utf_8(member: Asker) -> None:
    results = (await member.upload([("tórax ñandú 肺.png", picture(1))], "filename"))["results"]
    assert results[0]["filename"] == "tórax ñandú 肺.png"


async def test_a_browser_gets_the_page(anybody: Asker) -> None:
    accept = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    assert (await anybody.client.get("/graphql", headers=accept)).text == PAGE
    assert (await anybody.client.get("/graphql", headers=accept, params={"query": QUERY})).json() == ANSWER
    assert_refused(await anybody.client.get("/graphql"), 400, "no query")


# ------------------------------------------------------------------ statuses


@pytest.mark.parametrize("query", ["{", "{ nothing }", "query($id: ID!) { node(id: $id) { id } }"])
async def test_a_bad_document_is_200_in_json_and_400_in_its_own_type(anybody: Asker, query: str) -> None:
    for accept, status in ((JSON, 200), (RESPONSE_JSON, 400)):
        assert_refused(await post(anybody, json.dumps({"query": query}), Accept=accept), status)


async def test_errors_of_fields_are_200(anybody: Asker) -> None:
    for accept in (JSON, RESPONSE_JSON):
        response = await post(anybody, json.dumps({"query": "{ images { totalCount } }"}), Accept=accept)
        assert response.status_code == 200
        assert response.json()["data"] is None
        assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_mutations_need_post(admin: Asker) -> None:
    query = 'mutation { publishNews(input: {title: "t", body: "b"}) { post { id } } }'
    response = await admin.client.get("/graphql", params={"query": query}, headers=admin.headers)
    assert_refused(response, 405, "POST")
    assert response.headers["allow"] == "GET, POST"
    assert await NewsPost.all().count() == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_other_methods_are_refused(anybody: Asker, method: str) -> None:
    assert (await anybody.client.request(method, "/graphql")).status_code == 405


async def test_subscriptions_need_a_stream(anybody: Asker) -> None:
    query = "subscription { newsPublished { cursor } }"
    assert_refused(await post(anybody, json.dumps({"query": query})), 400, "WebSocket")
    assert_refused(await anybody.client.get("/graphql", params={"query": query}), 400, "WebSocket")


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "image/png", "x"],
)
async def test_other_content_types_are_refused(anybody: Asker, content_type: str) -> None:
    assert_refused(await post(anybody, json.dumps({"query": QUERY}), content_type), 415)


# ------------------------------------------------------------------ bodies that are none


NO_REQUESTS = [
    "",
    "5",
    '"x"',
    "null",
    "true",
    "[]",
    '[{"query": "{ model { number } }"}]',
    "{",
    "NaN",
    "{'query': 1}",
    b"\xff\xfe",
    b'{"query": "\xff"}',
    "[" * 100_000,
    '{"a":' * 100_000,
    "{}",
    '{"query": null}',
    '{"query": ""}',
    '{"query": 5}',
    '{"query": {}}',
    '{"query": ["{ model { number } }"]}',
    '{"query": "{ model { number } }", "variables": []}',
    '{"query": "{ model { number } }", "variables": 5}',
    '{"query": "{ model { number } }", "variables": "{}"}',
    '{"query": "{ model { number } }", "operationName": 5}',
    '{"query": "{ model { number } }", "operationName": {}}',
    '{"query": "{ model { number } }", "operationName": "Unknown"}',
    '{"query": "{ model { number } }", "extensions": []}',
    '{"query": "fragment F on User { id }"}',
]


async def test_bodies_that_are_no_request(anybody: Asker) -> None:
    for content in NO_REQUESTS:
        for accept in (JSON, RESPONSE_JSON):
            assert_refused(await post(anybody, content, Accept=accept), 400)


NO_ADDRESSES = [
    {},
    {"query": ""},
    {"query": QUERY, "variables": "5"},
    {"query": QUERY, "variables": "{"},
    {"query": QUERY, "extensions": "[]"},
    {"query": QUERY, "operationName": "Unknown"},
]


async def test_addresses_that_are_no_request(anybody: Asker) -> None:
    for params in NO_ADDRESSES:
        assert_refused(await anybody.client.get("/graphql", params=params), 400)


async def test_a_body_has_an_end(anybody: Asker) -> None:
    too_long = json.dumps({"query": QUERY + " " * bodies.SMALL.size})
    assert_refused(await post(anybody, too_long), 413, "1 MB")

    async def unannounced() -> Any:
        for _ in range(20):
            yield b" " * (bodies.SMALL.size // 10)

    headers = {"Content-Type": JSON}
    response = await anybody.client.post("/graphql", content=unannounced(), headers=headers)
    assert_refused(response, 413, "1 MB")


async def test_a_body_that_trickles_is_not_waited_for(
    anybody: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SMALL", replace(bodies.SMALL, seconds=0.2))

    async def trickling() -> Any:
        while True:
            yield b"\r\n"
            await asyncio.sleep(0.01)

    for content_type in (JSON, "multipart/form-data; boundary=b"):
        headers = {"Content-Type": content_type, "GraphQL-Require-Preflight": "1"}
        async with asyncio.timeout(5):
            response = await anybody.client.post("/graphql", content=trickling(), headers=headers)
        assert_refused(response, 408, "in time")
        assert response.headers["connection"] == "close"


async def test_a_fault_outside_of_any_field_is_told_in_json(
    anybody: Asker, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise OSError("database is on fire")

    monkeypatch.setattr(type(platform.accounts), "sessions", broken)
    response = await post(anybody, json.dumps({"query": QUERY}), Authorization="Bearer x")
    assert response.status_code == 500
    assert "fire" not in response.text
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL"


# ------------------------------------------------------------------ tokens


async def test_schemes_of_authorization(member: Asker) -> None:
    for header, name in (
        (f"Bearer {member.token}", "Ana"),
        (f"bearer  {member.token} ", "Ana"),
        (f"Basic {member.token}", None),
        (f"{member.token}", None),
        ("Bearer ", None),
        ("Bearer", None),
        ("", None),
    ):
        response = await post(member, json.dumps({"query": "{ viewer { name } }"}), Authorization=header)
        assert response.json()["data"] == {"viewer": {"name": name} if name else None}, header
