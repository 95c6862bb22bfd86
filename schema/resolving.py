"""Fields without arguments, resolved without what Strawberry does for those that have some."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, cast

from graphql import GraphQLField, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema
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
            field.resolve = _short(made)


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
        return _read(attrgetter(made.python_name))
    function = cast(Resolver, method.wrapped_func)
    return _called(function) if method.info_parameter is None else _informed(function, made)


def _read(attribute: Callable[[Any], Any]) -> Resolver:
    def resolve(source: Any, _: GraphQLResolveInfo[Any]) -> Any:
        return attribute(source)

    resolve._is_default = True  # type: ignore[attr-defined]  # as Strawberry marks what is no resolver of ours
    return resolve


def _called(method: Resolver) -> Resolver:
    def resolve(source: Any, _: GraphQLResolveInfo[Any]) -> Any:
        return method(source)

    resolve._is_default = False  # type: ignore[attr-defined]
    return resolve


def _informed(method: Resolver, made: StrawberryField) -> Resolver:
    def resolve(source: Any, info: GraphQLResolveInfo[Any]) -> Any:
        return method(source, Info(info, made))

    resolve._is_default = False  # type: ignore[attr-defined]
    return resolve
