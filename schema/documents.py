"""From a request's text to a document that may run: parsed, held to the limits, validated, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
    visit,
)

from schema.cost import Costs
from schema.disclosure import tells_of_the_schema
from schema.limits import LIMITS, MAX_ERRORS, PARSING, of_parsing

KEPT = 128
"""Documents; a front end has a few dozen."""


SEVERAL = "several"
"""In place of a field, where there are more of them, or fragments."""


class Kind(NamedTuple):
    """What an operation is, for whoever counts: query, mutation or subscription, and its root fields."""

    operation: str
    fields: tuple[str, ...]

    @property
    def field(self) -> str:
        """Its one root field."""
        return self.fields[0] if len(self.fields) == 1 else SEVERAL


UNKNOWN = Kind("unknown", ("unknown",))
"""Of what was not read or is no good."""


@dataclass(frozen=True)
class Checked:
    """A document and what is wrong with it; None where it could not be read, and no costs where it is bad."""

    document: DocumentNode | None
    errors: list[GraphQLError]
    costs: Costs | None = None
    asks_for_the_schema: bool = False
    uploads: bool = False
    kinds: Mapping[str | None, Kind] = field(default_factory=dict)
    """By the names of the operations; of a single one without any, too."""

    def kind(self, operation: str | None) -> Kind:
        """What is meant by the name of an operation, or by none."""
        return self.kinds.get(operation, UNKNOWN)

    def cost(self, operation: str | None, variables: Mapping[str, object] | None) -> int:
        """The points of an operation, where the document is good."""
        assert self.costs is not None
        return self.costs.of(operation, variables)

    def listens(self, operation: str | None) -> bool:
        """Whether it is a subscription, which has no end of its own."""
        node = get_operation_ast(self.document, operation) if self.document else None
        return node is not None and node.operation is OperationType.SUBSCRIPTION

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
    if errors:
        return Checked(document, errors)
    found = _Found()
    visit(document, found)
    costs = Costs(schema, document)
    return Checked(document, [], costs, found.introspection, found.upload, _kinds(document))


def _kinds(document: DocumentNode) -> dict[str | None, Kind]:
    nodes = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    kinds: dict[str | None, Kind] = {node.name.value if node.name else None: _kind(node) for node in nodes}
    return kinds if len(nodes) > 1 else {**kinds, None: _kind(nodes[0])}


def _kind(node: OperationDefinitionNode) -> Kind:
    names = [
        one.name.value if isinstance(one, FieldNode) else SEVERAL for one in node.selection_set.selections
    ]
    return Kind(node.operation.value, tuple(dict.fromkeys(names)))


class _Found(Visitor):
    """Looks for what is not for everybody, or takes long."""

    def __init__(self) -> None:
        super().__init__()
        self.introspection = self.upload = False

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.introspection |= tells_of_the_schema(node)
        self.upload |= node.name.value == "uploadImages"


class Documents:
    """Checks each text once against a schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._check_anew = partial(check, schema)
        self._check = lru_cache(maxsize=KEPT)(self._check_anew)
        self._trusted: dict[str, Checked] = {}

    def check(self, text: str) -> Checked:
        """What has been found of this text, or is now."""
        return self._trusted.get(text) or self._check(text)

    def trust(self, text: str) -> list[GraphQLError]:
        """Keep a text for good, if it may run here; otherwise what is wrong with it."""
        self._trusted[text] = self._check_anew(text)
        return self._trusted[text].errors

    def look_up(self, text: str) -> tuple[Checked, bool]:
        """The checked document, and whether it had to be checked now."""
        misses = self._check.cache_info().misses
        return self.check(text), self._check.cache_info().misses > misses
