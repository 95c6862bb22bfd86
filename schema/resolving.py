"""Fields without arguments, resolved without what Strawberry does for those that have some."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, cast

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema
from strawberry import Info
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

Resolver = Callable[..., Any]


def shorten(schema: GraphQLSchema) -> None:
    """Let plain fields read their attribute, and methods without arguments be called as they are.

    Strawberry gathers the arguments of each call, chains the extensions of the field and awaits what comes of
    it in a coroutine of its own. A list asks for hundreds of fields that have neither.
    """
    for field, made in _fields(schema):
        if not field.args and not made.extensions and not made.is_subscription:
            field.resolve = resolve = _short(made)
            resolve._is_default = made.base_resolver is None  # type: ignore[attr-defined]  # Strawberry's mark


def _fields(schema: GraphQLSchema) -> Iterator[tuple[GraphQLField, StrawberryField]]:
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                made = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
                if isinstance(made, StrawberryField):
                    yield field, made


def _short(made: StrawberryField) -> Resolver:
    method = made.base_resolver
    if method is None:
        attribute = attrgetter(made.python_name)
        return lambda source, _: attribute(source)
    function = cast(Resolver, method.wrapped_func)
    if method.info_parameter is None:
        return lambda source, _: function(source)
    return lambda source, info: function(source, Info(info, made))
