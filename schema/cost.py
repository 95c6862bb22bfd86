"""What an operation may cost, told before it runs: how many objects it asks for, lists counted as full.

An object is a point, and so is each entry of a list; plain values are free, since they come with their
object. A page counts as full, by `first` or `last`, a list by its argument, and another list as `ASSUMED`
entries. Every fragment is priced once, however often it is spread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    value_from_ast_untyped,
)

from schema.connections import DEFAULT_SIZE, MAX_SIZE
from schema.drift import PERIODS
from schema.limits import Limit

OPERATION = 10
"""Any operation: to be taken in, looked up and answered."""
NEW_DOCUMENT = 50
"""Of the budget alone: a document that is not among those kept has to be parsed and validated first."""
ASSUMED = 10
"""Entries of a list that has no pages: of errors, or of the models that a label taught."""
WEIGHTS = {
    "Query.__schema": 1000,
    "Query.__type": 100,
    "Query.drift": 200,
    "Query.labelQueue": 50,
    "Mutation.signUp": 200,
    "Mutation.signIn": 200,
    "Mutation.resetPassword": 200,
    "Mutation.deleteAccount": 200,
    "Mutation.requestEmailChange": 200,
    "Mutation.beginSecondFactor": 200,
    "Mutation.endSecondFactor": 200,
    "UploadImagesPayload.results": 10,
}
"""Points of a field itself, where they are not one: it reads many rows, or hashes, or decodes a file."""
MUTATION = 10
"""Points of any other mutation."""
COUNTING = 5
"""Points of `totalCount`, which the database counts."""

SIZED_BY = {"first": DEFAULT_SIZE, "last": None, "ids": None, "periods": PERIODS, "input": None}
"""Arguments that tell how long a list is, and how long it is where they are left out."""
FILES = "files"
"""The list within an input that does so."""
VARIANTS = 64
"""Page sizes of one document whose prices are kept."""

MAX_COST = Limit(
    "COST",
    20_000,
    "may cost {found} points; at most {most} are allowed",
    "ask for smaller pages, by `first` or `last`, or for less of each entry",
)


@dataclass(frozen=True)
class Price:
    """Points of a selection: those it has once, and those it has for each entry of the page around it."""

    once: int = 0
    each: int = 0

    def __add__(self, other: Price) -> Price:
        return Price(self.once + other.once, self.each + other.each)


class Pricing:
    """Prices the selections of one operation, given how long the lists are that its variables size."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        sizes: Mapping[str, int | None],
    ) -> None:
        self._schema, self._fragments, self._sizes = schema, fragments, sizes
        self._prices: dict[str, Price] = {}
        self.used: set[str] = set()
        """The variables that size a list."""

    def operation(self, operation: OperationDefinitionNode) -> int:
        """All its points."""
        root = self._schema.get_root_type(operation.operation)
        asked = self._selection(operation.selection_set, root)
        return OPERATION + asked.once + ASSUMED * asked.each

    def _selection(self, selection_set: SelectionSetNode | None, parent: Any) -> Price:
        if selection_set is None:
            return Price()
        return sum((self._one(selection, parent) for selection in selection_set.selections), Price())

    def _one(self, selection: SelectionNode, parent: Any) -> Price:
        if isinstance(selection, FieldNode):
            return self._field(selection, parent)
        if isinstance(selection, FragmentSpreadNode):
            return self._fragment(selection.name.value)
        assert isinstance(selection, InlineFragmentNode)
        condition = selection.type_condition
        inside = self._schema.type_map[condition.name.value] if condition else parent
        return self._selection(selection.selection_set, inside)

    def _fragment(self, name: str) -> Price:
        if name not in self._prices:
            fragment = self._fragments[name]
            kind = self._schema.type_map[fragment.type_condition.name.value]
            self._prices[name] = self._selection(fragment.selection_set, kind)
        return self._prices[name]

    def _field(self, field: FieldNode, parent: Any) -> Price:
        name = field.name.value
        if name.startswith("__"):
            return Price(WEIGHTS.get(f"Query.{name}", 0))
        definition: GraphQLField = parent.fields[name]
        inside = self._selection(field.selection_set, get_named_type(definition.type))
        weight, size = weight_of(parent.name, name, definition), self._size(field, definition)
        entry = weight + inside.once + (ASSUMED if size is None else size) * inside.each
        if not is_list_type(get_nullable_type(definition.type)):
            return Price(entry)
        return Price(each=entry) if size is None else Price(size * entry)

    def _size(self, field: FieldNode, definition: GraphQLField) -> int | None:
        """How long the lists are that this field's arguments size; None where they size none."""
        given = {argument.name.value: argument.value for argument in field.arguments or ()}
        named = [name for name in SIZED_BY if name in definition.args]
        found = [size for name in named if (size := self._extent(given.get(name))) is not None]
        otherwise = next((SIZED_BY[name] for name in named if SIZED_BY[name] is not None), None)
        return max(found, default=otherwise)

    def _extent(self, value: ValueNode | None) -> int | None:
        if isinstance(value, VariableNode):
            self.used.add(value.name.value)
            return self._sizes.get(value.name.value)
        if isinstance(value, ObjectValueNode):
            return self._extent(next((one.value for one in value.fields if one.name.value == FILES), None))
        if isinstance(value, ListValueNode):
            return _at_most(len(value.values))
        return _at_most(int(value.value)) if isinstance(value, IntValueNode) else None


def weight_of(parent: str, name: str, field: GraphQLField) -> int:
    """Points of a field itself, each time that it is asked for."""
    is_plain = is_leaf_type(get_named_type(field.type))
    usual = MUTATION if parent == "Mutation" else COUNTING if name == "totalCount" else int(not is_plain)
    return WEIGHTS.get(f"{parent}.{name}", usual)


def extent_of(value: object) -> int | None:
    """How long a list is that this value of a variable sizes; None where it sizes none."""
    if isinstance(value, dict):
        return extent_of(value.get(FILES))
    if isinstance(value, list):
        return _at_most(len(value))
    # GraphQL takes 100.0 for an Int too.
    return _at_most(value) if isinstance(value, int | float) else None


def _at_most(size: float) -> int:
    """More is refused by the field itself."""
    return int(min(max(size, 0), MAX_SIZE))


class Costs:
    """What the operations of one valid document may cost, kept by the sizes that their variables give."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._sizing = {name for one in self._operations for name in self._priced(one, {})[1]}
        self._kept = lru_cache(maxsize=VARIANTS)(self._of)

    def of(self, name: str | None, variables: Mapping[str, object] | None) -> int:
        """The points of the operation of this name, or of the only one."""
        given = variables or {}
        return self._kept(name, tuple((one, extent_of(given[one])) for one in self._sizing if one in given))

    def _of(self, name: str | None, sizes: tuple[tuple[str, int | None], ...]) -> int:
        operation = next(one for one in self._operations if name is None or name_of(one) == name)
        return self._priced(operation, dict(sizes))[0]

    def _priced(
        self, operation: OperationDefinitionNode, sizes: Mapping[str, int | None]
    ) -> tuple[int, set[str]]:
        """The points of an operation, and the variables that size its lists."""
        pricing = Pricing(self._schema, self._fragments, {**defaults_of(operation), **sizes})
        return pricing.operation(operation), pricing.used


def name_of(operation: OperationDefinitionNode) -> str | None:
    """The name of an operation that has one."""
    return operation.name.value if operation.name else None


def defaults_of(operation: OperationDefinitionNode) -> dict[str, int | None]:
    """What the variables of an operation size where they are left out."""
    return {
        one.variable.name.value: extent_of(value_from_ast_untyped(one.default_value))
        for one in operation.variable_definitions or ()
        if one.default_value is not None
    }
