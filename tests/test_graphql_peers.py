"""The servers that ours is compared with serve a part of its schema, and answer as it does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, build_schema, is_introspection_type

from benchmarks.asking import ask, request_to
from benchmarks.graphql_peers.__main__ import compare_answers, fastest_on_python, ratios
from benchmarks.graphql_peers.questions import Asker, made_up_film, taken
from benchmarks.graphql_peers.rows import fill
from benchmarks.graphql_peers.servers import FOLDER, OURS, PEERS, Server, connection, ours, peer
from benchmarks.scale.calling import films
from store.database import open_database
from store.tables import Image
from tests.live import ROOT

ABSENT = [name for name, one in PEERS.items() if not one.needs.exists()]
"""Nobody needs them to run the product or to test it, CI included."""


def test_peers_serve_a_part_of_our_schema() -> None:
    """Each of their types, fields and arguments is one of ours, of the same type."""
    part = build_schema((FOLDER / "schema.graphql").read_text())
    whole = build_schema((ROOT / "schema.graphql").read_text())
    for name, kind in part.type_map.items():
        if is_introspection_type(kind):
            continue
        known = whole.type_map[name]
        assert type(known) is type(kind), name
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
            for field, definition in kind.fields.items():
                assert str(known.fields[field].type) == str(definition.type), f"{name}.{field}"
        if isinstance(kind, GraphQLObjectType):
            for field, definition in kind.fields.items():
                known_arguments = known.fields[field].args
                for argument, given in definition.args.items():
                    assert str(known_arguments[argument].type) == str(given.type), (
                        f"{name}.{field}({argument})"
                    )


def test_ratios_are_of_ours_to_each() -> None:
    figures = {
        OURS: {"per_second": 300.0},
        "Graphene": {"per_second": 150.0},
        "Mercurius": {"per_second": 600.0},
    }
    assert ratios(figures) == {"Graphene": 2.0, "Mercurius": 0.5}
    assert fastest_on_python(figures) == "Graphene"
    assert fastest_on_python({OURS: {"per_second": 300.0}}) is None


def test_a_database_is_named_as_drivers_take_it() -> None:
    assert connection("mysql://some%40body:a%2Fb@db.example:3307/covidxr") == {
        "host": "db.example",
        "port": 3307,
        "user": "some@body",
        "password": "a/b",
        "database": "covidxr",
    }


@pytest.fixture
def asked(own_database: str, tmp_path: Path) -> Iterator[tuple[dict[str, Server], Asker]]:
    """Our server alone, and who asks."""
    with ours(tmp_path, own_database) as server:
        yield {OURS: server}, Asker(asyncio.run(fill(own_database)), made_up_film())


@pytest.mark.slow
def test_ours_answers_what_is_asked(asked: tuple[dict[str, Server], Asker], own_database: str) -> None:
    (server,), asker = asked[0].values(), asked[1]
    film = next(films([asker.film]))
    listed = asker.answer("list", server.port, film)["images"]
    assert listed["pageInfo"] == {"hasNextPage": True}
    assert len(listed["nodes"]) == 20
    assert {node["prediction"]["finding"] for node in listed["nodes"]} == {"COVID", "NO_COVID"}
    assert {node["prediction"]["model"]["number"] for node in listed["nodes"]} == {1}
    assert len({node["label"]["submittedBy"]["name"] for node in listed["nodes"]}) == 1
    assert asker.answer("upload", server.port, film) == taken(film)

    async def count() -> int:
        async with open_database(own_database):
            return await Image.filter(filename="film.jpg").count()

    assert asyncio.run(count()) == 1
    # A server that refuses is not timed.
    refused = repeat(request_to(server.port, b'{"query": "{ images { nodes { id } } }"}', {}))
    with pytest.raises(ConnectionError):
        asyncio.run(ask(server.port, refused, 0.5))


@pytest.mark.slow
@pytest.mark.skipif(bool(ABSENT), reason=f"`make bench-graphql` installs {', '.join(ABSENT)}")
def test_every_peer_answers_as_ours(
    asked: tuple[dict[str, Server], Asker], own_database: str, tmp_path: Path
) -> None:
    servers, asker = asked
    with ExitStack() as stack:
        for name in PEERS:
            servers[name] = stack.enter_context(peer(name, tmp_path, own_database))
        compare_answers(servers, asker)
