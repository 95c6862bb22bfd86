"""What an operation may cost, and that telling it is as cheap for nested fragments as for flat ones."""

from typing import Any

import pytest
from graphql import GraphQLObjectType, parse

from schema import cost
from schema.cost import ASSUMED, MUTATION, OPERATION, WEIGHTS, Costs, Pricing
from schema.documents import check
from schema.schema import Schema, build_schema
from tests.asking import Asker
from tests.schema.test_limits import nested

PAGE = "query($first: Int) { images(first: $first) { nodes { id } } }"
BOTH = "query($n: Int = 7, $m: Int) { images(first: $n) { nodes { labels(last: $m) { nodes { id } } } } }"
NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Image { labels(first: 5) { nodes { id } } } } }"
UPLOAD = "mutation($input: UploadImagesInput!) { uploadImages(input: $input) { results { filename } } }"
FILES = "mutation($files: [Upload!]!) { uploadImages(input: {files: $files}) { results { filename } } }"


@pytest.fixture(scope="module")
def schema() -> Schema:
    return build_schema()


def price(schema: Schema, document: str, /, **variables: Any) -> int:
    """The points of the only operation, beside those of any."""
    assert check(schema._schema, document).errors == []
    return Costs(schema._schema, parse(document)).of(None, variables) - OPERATION


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ __typename }", 0),
        ("{ viewer { id name email } }", 1),
        ("{ a: viewer { id } b: viewer { id } }", 2),
        ("{ model { evaluation { auc { value } } } }", 3),
        ("{ images { nodes { id } } }", 1 + 20),
        ("{ images { edges { node { id } } nodes { id } pageInfo { hasNextPage } } }", 1 + 20 * 3 + 1),
        ("{ images { totalCount } }", 1 + cost.COUNTING),
        ("{ images(first: 3) { nodes { id } } }", 1 + 3),
        ("{ images(last: 4) { nodes { id } } }", 1 + 4),
        ("{ images(first: 0) { nodes { id } } }", 1),
        ("{ images(first: null) { nodes { id } } }", 1 + 20),
        ("{ images(first: 999999) { nodes { id } } }", 1 + 100),
        ("{ images(first: -5) { nodes { id } } }", 1),
        ("{ images(first: 3) { nodes { labels(first: 5) { nodes { id } } } } }", 1 + 3 * (1 + 1 + 5)),
        ("{ images(first: 3) { ...P } } fragment P on ImageConnection { nodes { id } }", 1 + 3),
        ("{ images(first: 3) { ... @include(if: true) { nodes { ... on Node { id } } } } }", 1 + 3),
        ("{ model { deployments { reason } } }", 1 + ASSUMED),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 3),
        ('{ nodes(ids: "a") { id } }', ASSUMED),
        ("{ drift(periods: 4) { series { end } } }", WEIGHTS["Query.drift"] + 4),
        ("{ drift { series { end } } }", WEIGHTS["Query.drift"] + 13),
        ("{ __schema { types { name } } }", WEIGHTS["Query.__schema"]),
        ("mutation { signOut { signedOut } }", MUTATION),
        ("subscription { newsPublished { post { author { name } } } }", 3),
    ],
)
def test_counts_objects_and_full_pages(schema: Schema, document: str, expected: int) -> None:
    assert price(schema, document) == expected


@pytest.mark.parametrize(
    ("document", "variables", "expected"),
    [
        (PAGE, {}, 1 + 20),
        (PAGE, {"first": None}, 1 + 20),
        (PAGE, {"first": 50}, 1 + 50),
        (PAGE, {"first": 10**9}, 1 + 100),
        (PAGE, {"first": 50.0}, 1 + 50),
        (PAGE, {"first": 1e300}, 1 + 100),
        (PAGE, {"first": "many"}, 1 + 20),
        (BOTH, {}, 1 + 7 * (1 + 1 + 20)),
        (BOTH, {"n": 2, "m": 3}, 1 + 2 * (1 + 1 + 3)),
        (BOTH, {"n": None, "m": 3}, 1 + 20 * (1 + 1 + 3)),
        (NODES, {"ids": ["x"] * 40}, 40 * (1 + 1 + 5)),
        (NODES, {"ids": ["x"] * 4000}, 100 * (1 + 1 + 5)),
        (UPLOAD, {"input": {"files": [None] * 30}}, MUTATION + 30 * WEIGHTS["UploadImagesPayload.results"]),
        (FILES, {"files": [None] * 30}, MUTATION + 30 * WEIGHTS["UploadImagesPayload.results"]),
    ],
)
def test_considers_variables(schema: Schema, document: str, variables: dict[str, Any], expected: int) -> None:
    assert price(schema, document, **variables) == expected


def test_tells_operations_of_a_document_apart(schema: Schema) -> None:
    text = "query %s($n: Int = %d) { news(first: $n) { nodes { id } } }"
    costs = Costs(schema._schema, parse(text % ("A", 3) + text % ("B", 9)))
    assert (costs.of("A", {}), costs.of("B", {}), costs.of("B", {"n": 1})) == (14, 20, 12)


def test_every_weight_is_of_a_field_that_there_is(schema: Schema) -> None:
    for name in WEIGHTS:
        parent, _, field = name.partition(".")
        kind = schema._schema.type_map[parent]
        assert isinstance(kind, GraphQLObjectType)
        assert field.startswith("__") or field in kind.fields


def test_each_fragment_is_visited_once(schema: Schema, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty levels of two spreads each are two to the forty selections."""
    visited: list[str] = []
    one = Pricing._one

    def counting(self: Pricing, selection: Any, parent: Any) -> Any:
        visited.append(selection.kind)
        return one(self, selection, parent)

    monkeypatch.setattr(Pricing, "_one", counting)
    document = parse(nested("... on Node { % }", "id", 40))
    points = Costs(schema._schema, document).of(None, {})
    assert points == OPERATION + 1
    assert len(visited) < 2 * 2 * 4 * 41  # priced twice: for the variables that size it, and for its points


def test_a_price_is_kept_by_the_sizes_alone(schema: Schema, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = Costs(schema._schema, parse(PAGE))
    costs.of(None, {"first": 5, "other": 1})
    monkeypatch.setattr(Pricing, "operation", None)
    assert costs.of(None, {"first": 5, "other": 2}) == OPERATION + 1 + 5
    with pytest.raises(TypeError):
        costs.of(None, {"first": 6})


# ------------------------------------------------------------------ over HTTP


async def test_each_answer_tells_its_cost(member: Asker) -> None:
    answer = await member.ask(PAGE, first=30)
    assert answer["extensions"] == {"cost": OPERATION + 1 + 30}
    answer = await member.ask("{ images(first: 2, last: 2) { nodes { id } } }")
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert answer["extensions"] == {"cost": OPERATION + 1 + 2}
    assert "extensions" not in await member.ask("{ nothing }")


async def test_too_costly_an_operation_is_refused_with_the_remedy(member: Asker) -> None:
    query = """query($n: Int) { images(first: $n) { nodes { labels(first: $n) { nodes {
      image { predictions(first: $n) { nodes { id } } } } } } } }"""
    assert "errors" not in await member.ask(query, n=20)
    (error,) = (await member.ask(query, n=100))["errors"]
    assert error["message"] == (
        "the operation may cost 1030211 points; at most 20000 are allowed: "
        "ask for smaller pages, by `first` or `last`, or for less of each entry"
    )
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "limit": "COST", "allowed": 20_000}
