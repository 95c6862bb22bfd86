"""Documents that clients name by their hash, and deployments that trust their own alone."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import GraphQLError

from api.graphql import GraphQLView
from api.preparation import CannotStart
from api.session_cookie import SessionCookie
from api.trusted import Brought, Register, digest, read_manifest, register_of
from services.platform import Platform
from tests import databases, people
from tests.asking import ORIGIN, Asker, application
from tests.listening import joined, listening

MODEL = "{ model { number } }"
NEWS = "subscription { newsPublished { post { title } } }"
SIGN_IN = "mutation SignIn($input: SignInInput!) { signIn(input: $input) { token errors { code } } }"
NOT_FOUND = {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}
RESPONSE = {"Accept": "application/graphql-response+json"}


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough: what is decided here comes before it is asked."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


def by_hash(text: str, **more: Any) -> dict[str, Any]:
    """A request as Apollo Client and urql send it, without the text unless that is among ``more``."""
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest(text)}}, **more}


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(platform) as client:
        yield client


def asking(platform: Platform, register: Register | None = None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(application(platform, register=register))
    return httpx.AsyncClient(transport=transport, base_url="http://covidxr.test")


async def answer(client: httpx.AsyncClient, body: object, **headers: str) -> Any:
    return (await client.post("/graphql", json=body, headers=headers)).json()


# ------------------------------------------------------------------ by hash


async def test_a_hash_stands_for_what_was_sent_with_it(client: httpx.AsyncClient) -> None:
    data = {"data": {"model": {"number": 1}}, "extensions": {"cost": 11}}
    assert await answer(client, by_hash(MODEL)) == {"errors": [NOT_FOUND]}
    assert await answer(client, by_hash(MODEL, query=MODEL)) == data
    assert await answer(client, by_hash(MODEL)) == data
    upper = {"persistedQuery": {"version": 1, "sha256Hash": digest(MODEL).upper(), "miss": True}}
    assert await answer(client, {"extensions": upper}) == data
    by_get = {"extensions": json.dumps(by_hash(MODEL)["extensions"])}
    response = await client.get("/graphql", params=by_get)
    assert response.json() == data


async def test_what_is_not_known_is_told_in_the_words_that_clients_wait_for(
    client: httpx.AsyncClient,
) -> None:
    for accept, status in (("application/json", 200), ("application/graphql-response+json", 400)):
        response = await client.post("/graphql", json=by_hash(MODEL), headers={"Accept": accept})
        assert (response.status_code, response.json()) == (status, {"errors": [NOT_FOUND]})
        assert response.headers["cache-control"] == "no-store"


async def test_a_hash_of_another_text_is_refused(client: httpx.AsyncClient) -> None:
    (error,) = (await answer(client, by_hash(MODEL, query="{ viewer { id } }")))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert await answer(client, by_hash(MODEL)) == {"errors": [NOT_FOUND]}


@pytest.mark.parametrize(
    "persisted", [5, [], {}, {"version": 2, "sha256Hash": "x"}, {"version": 1, "sha256Hash": 5}]
)
async def test_what_is_not_spoken_here_is_told_too(client: httpx.AsyncClient, persisted: object) -> None:
    (error,) = (await answer(client, {"extensions": {"persistedQuery": persisted}, "query": MODEL}))["errors"]
    assert error["message"] == "PersistedQueryNotSupported"
    assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_SUPPORTED"


async def test_a_bad_document_stays_one(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        (error,) = (await answer(client, by_hash("{ nothing }", query="{ nothing }")))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_over_a_socket(address: str, platform: Platform, admin: Asker) -> None:
    async with joined(address) as socket:
        await socket.send({"id": "1", "type": "subscribe", "payload": by_hash(NEWS)})
        assert await socket.of("1") == {"id": "1", "type": "error", "payload": [NOT_FOUND]}
        await socket.send({"id": "2", "type": "subscribe", "payload": by_hash(NEWS, query=NEWS)})
        await socket.send({"id": "3", "type": "subscribe", "payload": by_hash(NEWS)})
        await socket.settle()
        await admin.mutate("publishNews", "post { id }", title="t", body="b")
        assert await socket.event("2") == await socket.event("3") == {"post": {"title": "t"}}


async def test_as_a_stream(client: httpx.AsyncClient) -> None:
    headers = {"Accept": "text/event-stream"}
    response = await client.post("/graphql", json=by_hash(MODEL), headers=headers)
    first, data, _, last = response.text.split("\r\n")[:4]
    assert (first, last) == ("event: next", "event: complete")
    assert json.loads(data.removeprefix("data: ")) == {"errors": [NOT_FOUND]}


def test_what_clients_bring_has_a_bound() -> None:
    brought = Brought(size=5_000)
    for number in range(100):
        brought.put(str(number), "x" * 500)
        assert brought.get("0") == "x" * 500, "what is asked for stays"
    assert list(brought.texts) == ["97", "98", "99", "0"]
    brought.put("long", "x" * 200_000)
    assert brought.get("long") is None


# ------------------------------------------------------------------ trusted alone


@pytest.fixture
def trusting() -> Register:
    """A deployment that trusts three documents, one of them by a name that its build chose."""
    return Register([{"news-1": NEWS, digest(SIGN_IN): SIGN_IN}, {digest(MODEL): MODEL}])


async def test_a_deployment_admits_its_own_operations_alone(platform: Platform, trusting: Register) -> None:
    async with asking(platform, trusting) as client:
        data = {"data": {"model": {"number": 1}}, "extensions": {"cost": 11}}
        assert await answer(client, by_hash(MODEL)) == data
        assert await answer(client, {"query": MODEL}) == data
        other = "{ model { number head } }"
        assert await answer(client, by_hash(other)) == {"errors": [NOT_FOUND]}
        for body in ({"query": other}, by_hash(other, query=other)):
            (error,) = (await answer(client, body))["errors"]
            assert error["extensions"]["code"] == "QUERY_NOT_IN_SAFELIST"
        assert await answer(client, by_hash(other)) == {"errors": [NOT_FOUND]}, "it was not kept"
        assert (await client.post("/graphql", json={}, headers=RESPONSE)).status_code == 400


async def test_administrators_may_ask_anything_there(platform: Platform, trusting: Register) -> None:
    async with asking(platform, trusting) as client:
        member = await Asker(client).signed_in(await people.member())
        admin = await Asker(client).signed_in(await people.admin())
        query = "{ viewer { role } }"
        assert await member.code(query) == "QUERY_NOT_IN_SAFELIST"
        assert await admin.data(query) == {"role": "ADMIN"}


async def test_sockets_are_held_to_it_too(platform: Platform, trusting: Register) -> None:
    named = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "NEWS-1"}}}
    async with listening(platform, {"register": trusting}) as address, joined(address) as socket:
        await socket.subscribe("{ news { totalCount } }")
        assert await socket.ends() == ("error", "QUERY_NOT_IN_SAFELIST")
        await socket.send({"id": "2", "type": "subscribe", "payload": named})
        await socket.subscribe(MODEL, "3")
        assert await socket.event("3") == {"number": 1}, "and nothing was said of 2"


def test_trusted_documents_are_checked_at_the_start(platform: Platform) -> None:
    for text in ("{ nothing }", "{", "{" + "model { number } " * 30 + "}"):
        with pytest.raises(
            CannotStart, match="COVIDXR_TRUSTED_DOCUMENTS has an operation that cannot run here"
        ):
            GraphQLView(lambda: platform, SessionCookie(ORIGIN), register=Register([{"a": text}]))


# ------------------------------------------------------------------ manifests


def written(folder: Path, content: object) -> Path:
    file = folder / "manifest.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_reads_both_kinds(tmp_path: Path) -> None:
    operation = {"id": digest(MODEL), "name": "Model", "type": "query", "body": MODEL}
    apollo = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}
    assert read_manifest(written(tmp_path, apollo)) == {digest(MODEL): MODEL}
    assert read_manifest(written(tmp_path, {"sha1": MODEL})) == {"sha1": MODEL}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "cannot be read"),
        ([], "is neither"),
        ({"a": 5}, "is neither"),
        ({"format": "relay", "version": 1}, "another format"),
        ({"format": "apollo-persisted-query-manifest", "version": 2}, "another format or version"),
        ({"format": "apollo-persisted-query-manifest", "version": 1}, "without an id"),
        (
            {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "x"}]},
            "without an id",
        ),
    ],
)
def test_says_what_is_no_manifest(tmp_path: Path, content: object, why: str) -> None:
    with pytest.raises(CannotStart, match=why):
        read_manifest(written(tmp_path, content))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="cannot be read: No such file"):
        register_of(tmp_path / "nothing.json", tmp_path)


def test_our_own_pages_go_on_working_beside_another_front_end(tmp_path: Path) -> None:
    manifest = written(tmp_path, {"m": MODEL})
    pages = tmp_path / "dist"
    assert register_of(manifest, pages).trusted == {MODEL}
    pages.mkdir()
    (pages / "persisted-documents.json").write_text(json.dumps({"s": SIGN_IN}))
    assert register_of(manifest, pages).trusted == {MODEL, SIGN_IN}
    assert register_of(None, pages).trusted == frozenset()


def test_texts_that_no_hash_can_be_made_of_are_no_error() -> None:
    with pytest.raises(GraphQLError, match="its own front ends"):
        Register([]).text_of("\ud800", None, is_admin=False)
