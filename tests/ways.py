"""Ways through the schema: what can be asked, from each root field through the objects behind it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from graphql import GraphQLField, GraphQLInterfaceType, get_named_type, is_leaf_type

from schema.schema import build_schema

STEPS = 2
"""Fields that lead to further objects, from each object of a root field on."""
SIZE = 12
"""Of each page."""
FIGURES = {"evaluation", "curves", "band", "gate", "audit", "elsewhere"}
"""They stand in the row of the model."""

SCHEMA = build_schema()._schema
Ways = Iterator[tuple[str, str]]
"""Names of ways, and what to ask on each; `nodes` takes the variable `ids`."""


def ways(without: Container[str] = (), everything: bool = True) -> Ways:
    """From every root field on but those ``without``; asks for ids alone, or for everything that is known."""
    assert SCHEMA.query_type
    for name, field in SCHEMA.query_type.fields.items():
        if name in without:
            continue
        for way, asked in _through(name, field, STEPS, everything):
            if name == "nodes":
                yield way, f"query($ids: [ID!]!) {{ {asked.replace(name, 'nodes(ids: $ids)', 1)} }}"
            else:
                yield way, f"{{ {asked} }}"


def _through(name: str, field: GraphQLField, steps: int, everything: bool) -> Ways:
    kind = get_named_type(field.type)
    if is_leaf_type(kind):
        yield name, name
    elif isinstance(kind, GraphQLInterfaceType):
        for one in SCHEMA.get_possible_types(kind):
            for way, asked in _from_object(one, steps, everything):
                yield f"{name}({one}){way}", f"{name} {{ ... on {one} {{ {asked} }} }}"
    elif "nodes" in kind.fields:
        for way, asked in _from_object(get_named_type(kind.fields["nodes"].type), steps, everything):
            yield f"{name}{way}", f"{name}(first: {SIZE}) {{ totalCount nodes {{ {asked} }} }}"
    else:
        for way, asked in _from_object(kind, steps, everything):
            yield f"{name}{way}", f"{name} {{ {asked} }}"


def _from_object(kind: Any, steps: int, everything: bool) -> Ways:
    leaves = [name for name, field in kind.fields.items() if is_leaf_type(get_named_type(field.type))]
    known = " ".join(leaves if everything else ["__typename", *({"id"} & set(leaves))])
    yield "", known or "__typename"
    if steps:
        for name in [name for name in kind.fields if name not in {*FIGURES, *leaves}]:
            for way, asked in _through(name, kind.fields[name], steps - 1, everything):
                yield f".{way}", f"{known} {asked}"
