"""One operation on its way: a context of its own, its document from those kept, its cost, its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)
from strawberry.extensions import SchemaExtension

from schema import disclosure
from schema.context import Context
from schema.cost import MAX_COST, NEW_DOCUMENT, OPERATION
from schema.documents import Checked, Documents
from schema.errors import TIMED_OUT, bad_input
from services.errors import TooMany

SECONDS = 30.0
"""How long an operation may take."""
UPLOAD_SECONDS = 600.0
"""How long an upload may take, of up to a hundred files, and a minute of waiting for predictions."""


class Operation(SchemaExtension):
    """Carries an operation through its stages; made anew for each."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._checked: Checked | None = None
        self._cost: int | None = None
        self._refused: GraphQLError | None = None

    def on_operation(self) -> Iterator[None]:
        # A socket's session outlives its operations; what they load must not.
        self.execution_context.context = Context(self.execution_context.context)
        yield

    def on_parse(self) -> Iterator[None]:
        if self._pays(OPERATION):
            self._check()
        if self.execution_context.graphql_document is None:
            self.execution_context.graphql_document = stand_in(self._name)
        yield

    def on_validate(self) -> Iterator[None]:
        self.execution_context.pre_execution_errors = self._problems()
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        seconds = UPLOAD_SECONDS if self._checked and self._checked.uploads else SECONDS
        try:
            # A subscription is set up within this time, and lives as long as it likes.
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise cut_off(seconds) from error

    def get_results(self) -> dict[str, Any]:
        return {} if self._cost is None else {"cost": self._cost}

    @property
    def _name(self) -> str | None:
        return self.execution_context._provided_operation_name

    def _check(self) -> None:
        context = self.execution_context
        self._checked, is_new = self._documents.look_up(context.schema._schema, context.query or "")
        context.graphql_document = self._checked.document
        if is_new:
            self._pays(NEW_DOCUMENT)

    def _pays(self, points: int) -> bool:
        """Whether there was enough left in the asker's budget."""
        context: Context = self.execution_context.context
        try:
            context.platform.budget.spend(context.session.spender, points)
        except TooMany as error:
            self._refused = GraphQLError(str(error), original_error=error)
        return self._refused is None

    def _problems(self) -> list[GraphQLError]:
        """What stands in the way, or nothing, and then it has been paid for."""
        errors = self._errors(self._checked) if self._checked else []
        if self._cost is not None:
            self._pays(self._cost - OPERATION)
        return [self._refused] if self._refused else errors

    def _errors(self, checked: Checked) -> list[GraphQLError]:
        is_signed_in = self.execution_context.context.viewer is not None
        if checked.errors:
            return checked.errors if is_signed_in else disclosure.first_alone(checked.errors)
        if checked.asks_for_the_schema and not is_signed_in:
            return [disclosure.introspection_closed()]
        if self._name is None and checked.has_many_operations:
            return [bad_input("operationName has to say which of the operations is meant")]
        return self._errors_of_cost(checked.cost(self._name, self.execution_context.variables))

    def _errors_of_cost(self, cost: int) -> list[GraphQLError]:
        if cost > MAX_COST.most:
            return [MAX_COST.exceeded(cost)]
        self._cost = cost
        return []


def stand_in(name: str | None) -> DocumentNode:
    """In place of a document that was not read or cannot be: Strawberry would read it, once more."""
    operation = OperationDefinitionNode(
        operation=OperationType.QUERY,
        name=NameNode(value=name) if name else None,
        selection_set=SelectionSetNode(selections=()),
    )
    return DocumentNode(definitions=(operation,))


def cut_off(seconds: float) -> GraphQLError:
    """The error of an operation that has taken too long."""
    text = (
        f"the operation was cut off after {seconds:.0f} seconds: ask for less at once, and look whether a "
        "mutation was carried out before you send it again"
    )
    return GraphQLError(text, extensions={"code": TIMED_OUT})
