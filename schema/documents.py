"""From a request's text to a document that may run: parsed, held to the limits, validated, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)

from schema.cost import Costs
from schema.limits import INTROSPECTION, LIMITS, MAX_ERRORS, PARSING, of_parsing

KEPT = 128
"""Documents; a front end has a few dozen."""


@dataclass(frozen=True)
class Checked:
    """A document and what is wrong with it; None where it could not be read, and no costs where it is bad."""

    document: DocumentNode | None
    errors: list[GraphQLError]
    costs: Costs | None = None
    fields: frozenset[str] = frozenset()
    """The names of all that it asks for."""

    @property
    def asks_for_the_schema(self) -> bool:
        """Whether it asks for what the schema is, and not for what it holds."""
        return not INTROSPECTION.isdisjoint(self.fields)

    def cost(self, operation: str | None, variables: Mapping[str, object] | None) -> int:
        """The points of an operation, where the document is good."""
        assert self.costs is not None
        return self.costs.of(operation, variables)

    @property
    def has_many_operations(self) -> bool:
        """Whether a request has to name the one that it means."""
        nodes = self.document.definitions if self.document else ()
        return sum(isinstance(node, OperationDefinitionNode) for node in nodes) > 1


def check(schema: GraphQLSchema, text: str) -> Checked:
    """Parse, validate and price; the limits come first, since what exceeds them is costly to validate."""
    try:
        document = parse(text, **PARSING)
    except GraphQLError as error:
        return Checked(None, [of_parsing(error)])
    errors = validate(schema, document, LIMITS) or validate(schema, document, specified_rules, MAX_ERRORS)
    costs = None if errors else Costs(schema, document)
    return Checked(document, errors, costs, fields_of(document))


def fields_of(document: DocumentNode) -> frozenset[str]:
    """The names of all fields, wherever they stand."""
    names = _Names()
    visit(document, names)
    return frozenset(names.found)


class _Names(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.found.add(node.name.value)


class Documents:
    """Checks each text once; one for a schema."""

    def __init__(self) -> None:
        self._check = lru_cache(maxsize=KEPT)(check)
        self._trusted: dict[str, Checked] = {}

    def check(self, schema: GraphQLSchema, text: str) -> Checked:
        """What has been found of this text, or is now."""
        return self._trusted.get(text) or self._check(schema, text)

    def trust(self, schema: GraphQLSchema, text: str) -> list[GraphQLError]:
        """Keep a text for good, if it may run here; otherwise what is wrong with it."""
        self._trusted[text] = check(schema, text)
        return self._trusted[text].errors

    def look_up(self, schema: GraphQLSchema, text: str) -> tuple[Checked, bool]:
        """The checked document, and whether it had to be checked now."""
        misses = self._check.cache_info().misses
        return self.check(schema, text), self._check.cache_info().misses > misses
