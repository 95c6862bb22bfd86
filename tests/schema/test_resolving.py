"""Fields without arguments are resolved the short way, and say what they said the long way."""

from collections.abc import Callable
from inspect import signature
from typing import Any, cast

import pytest
from graphql import GraphQLField, GraphQLObjectType

from schema import schema as schemas
from schema.resolving import _fields
from schema.schema import Schema, build_schema


@pytest.fixture
def long() -> Schema:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schemas, "shorten", lambda _: None)
        return build_schema()


def fields(schema: Schema) -> dict[str, GraphQLField]:
    kinds = [kind for kind in schema._schema.type_map.values() if isinstance(kind, GraphQLObjectType)]
    return {
        f"{kind.name}.{name}": field
        for kind in kinds
        if not kind.name.startswith("__")
        for name, field in kind.fields.items()
    }


def way(field: GraphQLField) -> str:
    """Whose resolver it is."""
    return str(getattr(field.resolve, "__module__", ""))


def is_plain(field: GraphQLField) -> object:
    """As Strawberry marks it, and `schema.timing` reads it."""
    return getattr(field.resolve, "_is_default", None)


def test_what_takes_arguments_is_refused_as_data_or_is_listened_to_goes_the_long_way(long: Schema) -> None:
    short = fields(build_schema())
    assert way(short["Image.filename"]) == way(short["Image.prediction"]) == "schema.resolving"
    for name, field in short.items():
        goes_long = way(field) != "schema.resolving"
        assert goes_long == (bool(field.args) or name.startswith(("Mutation.", "Subscription."))), name
    assert not any(way(field) == "schema.resolving" for field in fields(long).values())


def test_what_is_called_the_short_way_takes_itself_and_what_is_around_and_no_more() -> None:
    kinds = [(), ("info",)]
    for _, made in _fields(build_schema()._schema):
        if made.base_resolver and not made.base_resolver.arguments:
            of_itself, *others = signature(
                cast(Callable[..., Any], made.base_resolver.wrapped_func)
            ).parameters
            assert of_itself == "self", made.python_name
            assert tuple(others) in kinds, made.python_name


def test_both_ways_tell_alike_which_resolvers_are_ours(long: Schema) -> None:
    expected = fields(long)
    for name, field in fields(build_schema()).items():
        assert is_plain(field) == is_plain(expected[name]), name
