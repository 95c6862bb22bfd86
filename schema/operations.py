"""One operation on its way: a context of its own, its document from those kept, its cost, its time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from time import perf_counter
from typing import Any, Final, TypeAlias

from graphql import (
    DocumentNode,
    GraphQLError,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)
from strawberry.types import ExecutionContext

from schema import disclosure
from schema.context import Context
from schema.cost import MAX_COST, NEW_DOCUMENT, OPERATION
from schema.documents import UNKNOWN, Checked, Documents, Kind
from schema.errors import INTERNAL, REFUSALS, TIMED_OUT, bad_input, refused
from services import measurements, tracing
from services.errors import TooMany

access = logging.getLogger("access")

SECONDS = 30.0
"""How long an operation may take."""
UPLOAD_SECONDS = 600.0
"""How long an upload may take, of up to a hundred files, and a minute of waiting for predictions."""

Stage: TypeAlias = AbstractAsyncContextManager[None]
DONE: Final[Stage] = nullcontext()
"""A stage whose work is done as it is entered."""


class Operation:
    """Carries an operation through its stages, each of which Strawberry enters; made anew for each.

    It stands in for Strawberry's runner of extensions, which looks each one up and wraps it at every stage,
    a third of the time that a small query takes.
    """

    def __init__(self, documents: Documents, execution_context: ExecutionContext) -> None:
        self._documents = documents
        self.execution_context = execution_context
        self._checked: Checked | None = None
        self._cost: int | None = None
        self._refused: GraphQLError | None = None
        self._began: float | None = perf_counter()

    def operation(self) -> Stage:
        """Begins; a socket's session outlives its operations, and what they load must not."""
        self.execution_context.context = Context(self.execution_context.context)
        return DONE

    def parsing(self) -> Stage:
        """Finds the document, where the asker can pay for that."""
        if self._pays(OPERATION):
            self._check()
        if self.execution_context.graphql_document is None:
            self.execution_context.graphql_document = stand_in(self._name)
        return DONE

    def validation(self) -> Stage:
        """Says what stands in the way."""
        self.execution_context.pre_execution_errors = self._problems()
        return DONE

    @asynccontextmanager
    async def executing(self) -> AsyncIterator[None]:
        """Gives it its time. A subscription is set up within that, and lives as long as it likes."""
        seconds = UPLOAD_SECONDS if self._checked and self._checked.uploads else SECONDS
        kind = self._kind
        try:
            with tracing.span(f"{kind.operation} {kind.field}"):
                async with asyncio.timeout(seconds):
                    yield
        except TimeoutError as error:
            raise cut_off(seconds) from error

    def on_stream_result(self, _: object) -> Stage:
        """Leaves each event as it is."""
        return DONE

    async def get_extensions_results(self, _: ExecutionContext) -> dict[str, Any]:
        """What the answer says besides its data. Called at the end, and for each event of a subscription."""
        self._measure()
        return {} if self._cost is None else {"cost": self._cost}

    def _measure(self) -> None:
        """Count the operation, and log it, once: what it was, and nothing of what it asked about."""
        if self._began is None:
            return
        seconds, self._began = perf_counter() - self._began, None
        kind, outcome = self._kind, self._outcome
        tracing.tell(outcome=outcome, cost=self._cost)
        measurements.OPERATIONS.labels(kind.operation, kind.field, outcome).observe(seconds)
        if outcome in REFUSALS:
            refused([outcome], kind.fields, self._user)
        if access.isEnabledFor(logging.INFO):
            what = {"operation": kind.operation, "fields": kind.fields, "outcome": outcome}
            whose = {"ms": round(seconds * 1000, 1), "cost": self._cost, "user": self._user}
            access.info("answered", extra={"fields": {**what, **whose}})

    @property
    def _kind(self) -> Kind:
        return self._checked.kind(self._name) if self._checked else UNKNOWN

    @property
    def _user(self) -> int | None:
        viewer = self.execution_context.context.viewer
        return viewer.id if viewer else None

    @property
    def _outcome(self) -> str:
        """OK, or the code of the first error."""
        result = self.execution_context.result
        errors = result.errors if result is not None else self.execution_context.pre_execution_errors
        return (errors[0].extensions or {}).get("code", INTERNAL) if errors else "OK"

    @property
    def _name(self) -> str | None:
        return self.execution_context._provided_operation_name

    def _check(self) -> None:
        context = self.execution_context
        self._checked, is_new = self._documents.look_up(context.query or "")
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
