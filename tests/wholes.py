"""Objects as a whole: all that can be asked of one, down to those with ids, and what was told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import GraphQLField, get_named_type, is_leaf_type, is_required_argument

from tests.ways import SCHEMA


def whole(kind: Any) -> str:
    """All fields of a type, with all that is within."""
    return " ".join(asked(kind, name) for name in kind.fields)


def asked(kind: Any, name: str) -> str:
    """A field as it is asked for, with all that is within; of what has an id, that it is there."""
    field = kind.fields[name]
    assert not any(is_required_argument(one) for one in field.args.values())
    return name + selection(field)


def selection(field: GraphQLField) -> str:
    """What is asked for within a field."""
    inner = get_named_type(field.type)
    if is_leaf_type(inner):
        return ""
    return f" {{ {'__typename' if has_entry_of_its_own(inner) else whole(inner)} }}"


def has_entry_of_its_own(kind: Any) -> bool:
    """Whether its fields are asked for by its id."""
    return SCHEMA.type_map["Node"] in kind.interfaces


def places(kind: Any) -> Iterator[str]:
    """The fields that `whole` asks for, named by their types, each as often as it is asked for."""
    for name, field in kind.fields.items():
        yield f"{kind}.{name}"
        yield from places_in(field)


def places_in(field: GraphQLField) -> Iterator[str]:
    """The same of what is asked for within a field."""
    inner = get_named_type(field.type)
    if not is_leaf_type(inner) and not has_entry_of_its_own(inner):
        yield from places(inner)


def told(kind: Any, data: Mapping[str, Any]) -> Iterator[str]:
    """The fields that are more than null in what was answered of a type."""
    for name, value in data.items():
        if name == "__typename" or value is None:
            continue
        yield f"{kind}.{name}"
        inner = get_named_type(kind.fields[name].type)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from told(inner, one)
