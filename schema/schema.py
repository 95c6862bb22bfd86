"""The schema, put together."""

from __future__ import annotations

from functools import cached_property
from typing import cast

import strawberry
from graphql import GraphQLError
from graphql.execution import MiddlewareManager
from strawberry.extensions import SchemaExtension
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.disclosure import without_suggestion
from schema.documents import Documents
from schema.errors import coded
from schema.mutations import Mutation
from schema.nodes import NODE_TYPES
from schema.operations import Operation
from schema.queries import Query
from schema.resolving import shorten
from schema.scalars import SCALARS
from schema.subscriptions import Subscription
from schema.timing import Sample


class Schema(strawberry.Schema):
    """A schema whose operations are held to the limits, and whose every error carries a code."""

    @cached_property
    def documents(self) -> Documents:
        """What has been asked of this schema."""
        return Documents(self._schema)

    @cached_property
    def sample(self) -> Sample:
        """Which of its operations are timed field by field."""
        return Sample()

    def _get_middleware_manager(self, extensions: list[SchemaExtension]) -> MiddlewareManager:
        """Called once for each operation; without a manager graphql-core calls resolvers as they are."""
        return cast(MiddlewareManager, self.sample.next())

    def create_extensions_runner(
        self, execution_context: ExecutionContext, extensions: list[SchemaExtension]
    ) -> SchemaExtensionsRunner:
        """Called once for each operation."""
        return cast(SchemaExtensionsRunner, Operation(self.documents, execution_context))

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Called once for each result, whichever way it goes out."""
        errors[:] = [coded(error) for error in errors]
        if execution_context is None or execution_context.context.viewer is None:
            errors[:] = [without_suggestion(error) for error in errors]


def build_schema(*, in_order: bool = False) -> Schema:
    """The schema, with its cache of documents. Takes a tenth of a second: once for a process.

    ``in_order`` is for printing alone: the sorted copy hands enum arguments to resolvers as plain strings.
    """
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=NODE_TYPES,
        config=StrawberryConfig(scalar_map=SCALARS, sort_schema=in_order),
    )
    shorten(schema._schema)
    return schema
