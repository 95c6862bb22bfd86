"""What an operation may ask for at once, and that refusing it costs next to nothing."""

from time import thread_time
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLError, get_introspection_query

from schema import limits
from schema.audience import Audience
from schema.context import Session
from schema.schema import Schema, build_schema
from services.budget import Budget
from services.throttle import Throttle
from store.tables import User
from tests.asking import Asker


@pytest.fixture(scope="module")
def schema() -> Schema:
    return build_schema()


async def errors_of(schema: Schema, document: str) -> list[GraphQLError]:
    """What is reported of a document of which nothing is executed."""
    platform: Any = SimpleNamespace(budget=Budget(Throttle(), 0))
    session = Session(Audience(platform))
    session.viewer = User(id=1)
    result = await schema.execute(document, context_value=session)
    assert all(error.extensions["code"] == "BAD_USER_INPUT" for error in result.errors or [])
    return result.errors or []


def nested(open_with: str, leaf: str, levels: int) -> str:
    """Fragments that spread the one before them twice; each level has ``open_with`` around them."""
    bodies = [leaf, *(open_with.replace("%", f"...F{n} ...F{n}") for n in range(levels))]
    fragments = [f"fragment F{n} on User {{ {body} }}" for n, body in enumerate(bodies)]
    return f"{{ viewer {{ ...F{levels} }} }} " + " ".join(fragments)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (nested("%", "id name", 25), "asks for more than 500 fields"),
        (nested("a: id b: name %", "id", 25), "has more than 30 aliases"),
        ("{" + " ".join(f"a{n}: viewer {{ id }}" for n in range(31)) + "}", "more than 30 aliases"),
        ("{" + "viewer { id } " * 21 + "}", "has 21 root fields; at most 20 are allowed"),
        ("{ viewer { " + "id " * 1000 + "} }", "asks for more than 500 fields"),
        (
            "{ images { nodes " + "{ predictions { nodes { image " * 5 + "{ id }" + "}}}" * 5 + "} }",
            "is 18 fields deep; at most 15 are allowed",
        ),
        (
            "{ viewer { ...F0 } } "
            + " ".join(f"fragment F{n} on User {{ ...F{n + 1} }}" for n in range(60))
            + " fragment F60 on User { id }",
            "nests fragments more than 50 deep",
        ),
        ("{ viewer { " + "id " * 3000 + "} }", "more than 2000 tokens"),
        ("{ viewer { id " + " " * 1_000_000 + "} }", "more than 100000 characters"),
        ("{ viewer { id } } #" + "x" * 1_000_000, "more than 100000 characters"),
        ("{" + "a {" * 500 + "id" + "}" * 500 + "}", "nested too deeply"),
        ("{ node(id: " + "[" * 500 + "]" * 500 + ") { id } }", "nested too deeply"),
        ("{ viewer {" + "...{" * 500 + "id" + "}" * 500 + "} }", "nested too deeply"),
        ("{ viewer { ...A } } fragment A on User { ...B } fragment B on User { ...A }", "within itself"),
        ("{ viewer { ...A } } fragment A on User { ...A }", "within itself"),
        (
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
            "introspection depth",
        ),
    ],
)
async def test_hostile_documents_are_refused(schema: Schema, document: str, message: str) -> None:
    errors = await errors_of(schema, document)
    assert any(message in error.message for error in errors), [error.message for error in errors]


async def test_what_doubles_with_each_level_takes_no_longer(schema: Schema) -> None:
    """Linear in the document: forty levels are as cheap as ten, where two to the forty would never end."""
    for levels in (10, 40):
        assert await errors_of(schema, nested("%", "id", levels))


async def test_a_bomb_of_25_levels_is_answered_within_20_ms(anybody: Asker) -> None:
    """Of this thread's own time, since the machine may be busy. The quickest of five, each of them new."""
    taken = []
    for number in range(5):
        began = thread_time()
        answer = await anybody.ask(f"query Bomb{number} {nested('%', 'id name', 25)}")
        taken.append(thread_time() - began)
        assert answer["errors"][0]["extensions"]["limit"] == "FIELDS"
    assert min(taken) < 0.02


@pytest.mark.parametrize(
    ("document", "is_fine"),
    [
        ("{" + " ".join(f"a{n}: viewer {{ id }}" for n in range(limits.MAX_ROOT_FIELDS)) + "}", True),
        ("{" + "viewer { id } " * (limits.MAX_ROOT_FIELDS + 1) + "}", False),
        ("{ viewer { " + " ".join(f"a{n}: id" for n in range(limits.MAX_ALIASES)) + " } }", True),
        ("{ viewer { " + " ".join(f"a{n}: id" for n in range(limits.MAX_ALIASES + 1)) + " } }", False),
        ("{ viewer { " + "id " * (limits.MAX_FIELDS - 1) + " } }", True),
        ("{ viewer { " + "id " * limits.MAX_FIELDS + " } }", False),
    ],
)
async def test_the_limit_itself_is_allowed(schema: Schema, document: str, is_fine: bool) -> None:
    assert bool(await errors_of(schema, document)) is not is_fine


async def test_depth_counts_through_fragments(schema: Schema) -> None:
    """13 fields lie above the leaf; one that does not exist shows that the limits have been passed."""
    chain = "predictions { nodes { image { " * 3 + "predictions { nodes { %s } }" + " } } }" * 3
    document = (
        "{ images { nodes { ...F } } } fragment F on Image { ...G } fragment G on Image { " + chain + " }"
    )
    (error,) = await errors_of(schema, document % "image { nothing }")
    assert error.message == "Cannot query field 'nothing' on type 'Image'."
    (error,) = await errors_of(schema, document % "image { uploadedBy { nothing } }")
    assert error.message.startswith("the operation is 16 fields deep; at most 15 are allowed: ask")


async def test_introspection_is_answered(schema: Schema) -> None:
    assert not await errors_of(
        schema, get_introspection_query(input_value_deprecation=True, directive_is_repeatable=True)
    )


async def test_every_operation_of_a_document_is_held_to_them(schema: Schema) -> None:
    fine, broad = "query A { viewer { id } }", "query B { viewer { " + "id " * 1000 + "} }"
    assert await errors_of(schema, f"{fine} {broad}")


async def test_an_error_tells_where(schema: Schema) -> None:
    (error,) = await errors_of(schema, "\n\n  query Broad { " + "viewer { id } " * 21 + "}")
    assert [(place.line, place.column) for place in error.locations or []] == [(3, 3)]


async def test_what_was_checked_once_is_kept(schema: Schema) -> None:
    first, again = (schema.documents.check("{ viewer { id } }") for _ in range(2))
    assert again is first
