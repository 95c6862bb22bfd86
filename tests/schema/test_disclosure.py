"""What strangers find out about the schema: what `graphql-cop` and `clairvoyance` try, and get nothing by."""

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import get_introspection_query

from store.tables import NewsPost
from tests import databases
from tests.asking import Asker

INTROSPECTION = get_introspection_query(input_value_deprecation=True, directive_is_repeatable=True)
ASKING = [
    INTROSPECTION,
    "{ __schema { types { name } } }",
    '{ __type(name: "User") { fields { name } } }',
    "{ ...F } fragment F on Query { a: __schema { queryType { name } } }",
    "{ ... { ... on Query { viewer { id } x: __schema { queryType { name } } } } }",
    "query B { __schema { queryType { name } } } query A { viewer { id } }",
]
MISSPELT: list[tuple[str, dict[str, Any]]] = [
    ("{ viewr { id } }", {}),
    ("{ viewer { nam } }", {}),
    ("{ viewer }", {}),
    ("{ news(frist: 1) { totalCount } }", {}),
    ("{ ... on Usr { id } }", {}),
    ("query($x: ImageFiltr) { images(filter: $x) { totalCount } }", {}),
    ("{ images(filter: {findin: COVID}) { totalCount } }", {}),
    ("{ images(filter: {finding: COVI}) { totalCount } }", {}),
    ('{ images(filter: {finding: "COVID"}) { totalCount } }', {}),
    ("query($x: ImageFilter) { images(filter: $x) { totalCount } }", {"x": {"findin": "COVID"}}),
    ("query($x: ImageFilter) { images(filter: $x) { totalCount } }", {"x": {"finding": "COVI"}}),
    ('mutation { signIn(input: {emial: "a", password: "b"}) { token } }', {}),
    ("mutation($x: SignInInput!) { signIn(input: $x) { token } }", {"x": {"emial": "a", "password": "b"}}),
]


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what never comes to it."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


async def test_introspection_is_for_those_who_are_signed_in(anybody: Asker, member: Asker) -> None:
    for query in ASKING:
        body = {"query": query, "operationName": "B" if "query B" in query else None}
        answer = (await anybody.client.post("/graphql", json=body)).json()
        assert "data" not in answer, query
        (error,) = answer["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}
        assert "sign in first" in error["message"]
    types = (await member.data(INTROSPECTION))["types"]
    assert {"User", "Image", "ModelVersion"} <= {kind["name"] for kind in types}
    assert (await anybody.data("{ __typename }")) == "Query"


async def test_whether_there_is_a_type_of_a_name_is_no_secret(anybody: Asker) -> None:
    """Validation tells as much, and the audits of GraphQL over HTTP ask for it."""
    query = "query($name: String!) { __type(name: $name) { name __typename } }"
    assert await anybody.data(query, name="User") == {"name": "User", "__typename": "__Type"}
    assert await anybody.data(query, name="Usr") is None
    for beyond in ("kind", "...F", "... { name }", "fields { name }", "name: description"):
        query = f'{{ __type(name: "User") {{ {beyond} }} }} fragment F on __Type {{ kind }}'
        assert "errors" in await anybody.ask(query), beyond


async def test_a_token_that_is_no_good_opens_nothing(anybody: Asker) -> None:
    assert await Asker(anybody.client, "made-up").code(INTROSPECTION) == "UNAUTHENTICATED"


async def test_get_opens_nothing_either(anybody: Asker) -> None:
    response = await anybody.client.get("/graphql", params={"query": INTROSPECTION})
    assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_names_are_suggested_to_those_alone_who_may_see_them(anybody: Asker, member: Asker) -> None:
    suggested = 0
    for query, variables in MISSPELT * 2:  # again, since what was found is kept
        told = json.dumps(await anybody.ask(query, **variables))
        assert "Did you mean" not in told, told
        suggested += "Did you mean" in json.dumps(await member.ask(query, **variables))
    assert suggested == 2 * len(MISSPELT)


async def test_of_many_wrong_names_strangers_hear_of_one(anybody: Asker, member: Asker) -> None:
    query = "{" + " ".join(f"word{n}" for n in range(15)) + "}"
    assert len((await anybody.ask(query))["errors"]) == 1
    assert len((await member.ask(query))["errors"]) == 15


async def test_of_too_many_wrong_names_nobody_hears_all(member: Asker) -> None:
    errors = (await member.ask("{ viewer {" + " ".join(f"word{n}" for n in range(200)) + "} }"))["errors"]
    assert len(errors) == 21
    assert "Too many validation errors" in errors[-1]["message"]


# ------------------------------------------------------------------ graphql-cop


async def test_many_aliases_of_one_field(anybody: Asker) -> None:
    query = "query cop { " + " ".join(f"alias{n}: __typename" for n in range(101)) + " }"
    assert_limit(await anybody.ask(query), "ALIASES")


async def test_one_field_many_times(anybody: Asker) -> None:
    assert_limit(await anybody.ask("query cop { " + "__typename " * 500 + "}"), "ROOT_FIELDS")


async def test_many_directives(anybody: Asker, member: Asker) -> None:
    for directive in ("@aa", "@include(if: true)", "@skip(if: false)"):
        for query in (
            f"query cop {{ __typename {directive * 100} }}",
            f"query cop {directive * 100} {{ __typename }}",
            f"query cop {{ ...F {directive * 60} }} fragment F on Query {{ __typename }}",
            f"query cop {{ ... {directive * 60} {{ __typename }} }}",
        ):
            assert_limit(await anybody.ask(query), "DIRECTIVES")
    assert "errors" not in await member.ask("{ __typename @include(if: true) }")


async def test_circles_of_introspection_and_fragments(anybody: Asker, member: Asker) -> None:
    circle = "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }"
    for asker in (anybody, member):
        assert "introspection depth" in (await asker.ask(circle))["errors"][0]["message"]
    fragments = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"
    assert "within itself" in (await anybody.ask(fragments))["errors"][0]["message"]


async def test_many_fields_of_the_schema(member: Asker) -> None:
    """Deep it is not, and each alias is a hundred types more."""
    aliases = " ".join(f"a{n}: types {{ name }}" for n in range(40))
    assert_limit(await member.ask(f"{{ __schema {{ {aliases} }} }}"), "ALIASES")


async def test_batches(anybody: Asker) -> None:
    response = await anybody.client.post("/graphql", json=[{"query": "{ __typename }"}] * 10)
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"] == "A GraphQL request and all JSON in it are objects"


async def test_requests_that_another_site_could_send(anybody: Asker) -> None:
    mutation = "mutation { signOut { signedOut } }"
    assert (await anybody.client.get("/graphql", params={"query": mutation})).status_code == 405
    for kind in ("application/x-www-form-urlencoded", "text/plain"):
        response = await anybody.client.post(
            "/graphql", content="query=%7B__typename%7D", headers={"Content-Type": kind}
        )
        assert response.status_code == 415


async def test_nor_could_it_by_asking_for_a_stream(admin: Asker) -> None:
    query = 'mutation { publishNews(input: {title: "t", body: "b"}) { post { id } } }'
    headers = {"Accept": "text/event-stream", **admin.headers}
    response = await admin.client.get("/graphql", params={"query": query}, headers=headers)
    assert '"errors"' in response.text
    assert not await NewsPost.exists()
    response = await admin.client.post("/graphql", json={"query": query}, headers=headers)
    assert '"errors"' not in response.text
    assert await NewsPost.exists()


@pytest.mark.parametrize("query", ["{ ... @defer { __typename } }", "{ news { nodes @stream { id } } }"])
async def test_answers_in_parts_are_not_given(anybody: Asker, query: str) -> None:
    assert "Unknown directive" in (await anybody.ask(query))["errors"][0]["message"]


async def test_no_trace_and_no_page_of_tools(anybody: Asker) -> None:
    response = await anybody.client.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"X-Apollo-Tracing": "1", "apollo-tracing": "1"}
    )
    assert response.json()["extensions"].keys() == {"cost"}
    assert "server" not in response.headers
    broken = (await anybody.client.post("/graphql", json={"query": "query {"})).text
    assert "Traceback" not in broken
    assert "graphql-core" not in broken


def assert_limit(answer: dict[str, Any], name: str) -> None:
    """Refused by this limit and perhaps others, before anything ran."""
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert name in [error["extensions"].get("limit") for error in answer["errors"]], answer
