"""From a request's text to a document that may run: parsed, held to the limits, validated, and kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document
from strawberry.types.execution import ParseOptions

from schema.context import Context
from schema.limits import LIMITS, PARSING

KEPT = 128
"""Documents; a front end has a few dozen."""


@dataclass(frozen=True)
class Checked:
    """A document and what is wrong with it."""

    document: DocumentNode
    errors: list[GraphQLError]

    @property
    def has_many_operations(self) -> bool:
        """Whether a request has to name the one that it means."""
        operations = [node for node in self.document.definitions if isinstance(node, OperationDefinitionNode)]
        return len(operations) > 1


def check(schema: GraphQLSchema, text: str) -> Checked:
    """Parse and validate; the limits come first, since what exceeds them is costly to validate.

    Raises:
        GraphQLError: a syntax error, or more than is parsed here.
    """
    document = parse(text, **PARSING)
    errors = validate(schema, document, LIMITS) or validate_document(schema, document, tuple(specified_rules))
    return Checked(document, errors)


class Documents:
    """Checks each text once; one for a schema."""

    def __init__(self) -> None:
        self._check = lru_cache(maxsize=KEPT)(check)
        self._trusted: dict[str, Checked] = {}

    def check(self, schema: GraphQLSchema, text: str) -> Checked:
        """What has been found of this text, or is now; raises as :func:`check` does."""
        return self._trusted.get(text) or self._check(schema, text)

    def trust(self, schema: GraphQLSchema, text: str) -> list[GraphQLError]:
        """Keep a text for good, if it may run here; otherwise what is wrong with it."""
        try:
            checked = check(schema, text)
        except GraphQLError as error:
            return [error]
        self._trusted[text] = checked
        return checked.errors


class Operation(SchemaExtension):
    """Gives every operation a context of its own, and its document from those kept."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._checked: Checked | None = None

    def on_operation(self) -> Iterator[None]:
        # A socket's session outlives its operations; what they load must not.
        self.execution_context.context = Context(self.execution_context.context)
        yield

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        # Strawberry parses again what could not be parsed here, and reports it.
        context.parse_options = cast(ParseOptions, PARSING)
        with suppress(GraphQLError):
            self._checked = self._documents.check(context.schema._schema, context.query or "")
            context.graphql_document = self._checked.document
        yield

    def on_validate(self) -> Iterator[None]:
        if self._checked is not None:
            self.execution_context.pre_execution_errors = [
                *self._checked.errors,
                *self._unnamed(self._checked),
            ]
        yield

    def _unnamed(self, checked: Checked) -> Iterator[GraphQLError]:
        """Strawberry would run the first operation of many."""
        if self.execution_context._provided_operation_name is None and checked.has_many_operations:
            yield GraphQLError("operationName has to say which of the operations is meant")
