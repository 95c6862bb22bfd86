"""What an operation may ask for at once. Every count is linear in the document, however fragments nest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    SKIP,
    ASTValidationRule,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValidationContext,
    VisitorAction,
)

MAX_LENGTH = 100_000
"""Characters of a document. Texts belong into variables; this still takes a news post written into it."""
MAX_TOKENS = 2000
"""GraphiQL's introspection query has about 300, the largest of our own pages' about 200."""
MAX_DEPTH = 15
"""Fields within fields; images → nodes → labels → nodes → usedIn → evaluation → auc → value are 8."""
MAX_FIELDS = 500
"""Fields with every fragment written out; our own pages' largest operation has about 100."""
MAX_ALIASES = 30
"""Aliases with every fragment written out: each is one more answer to compute."""
MAX_ROOT_FIELDS = 20
"""Fields of the operation itself: queries side by side, mutations one after the other."""
MAX_FRAGMENT_NESTING = 50
"""Fragments that spread fragments that spread fragments."""

PARSING: dict[str, Any] = {"max_tokens": MAX_TOKENS, "max_source_length": MAX_LENGTH}
"""What graphql-core's parser counts by itself."""

INTROSPECTION = frozenset({"__schema", "__type"})
"""Their depth is graphql-core's own rule's affair."""


@dataclass(frozen=True)
class Size:
    """How much a selection asks for, its fragments written out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    roots: int = 0

    def __add__(self, other: Size) -> Size:
        """Two selections side by side."""
        return Size(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.roots + other.roots,
        )


class TooEntangled(Exception):
    """Fragments within fragments, deeper than anybody writes them."""


class Limits(ASTValidationRule):
    """Reports an operation that is deeper, broader or longer than allowed."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._sizes: dict[str, Size] = {}
        self._open: list[str] = []

    def enter_operation_definition(self, operation: OperationDefinitionNode, *_: Any) -> VisitorAction:
        try:
            problems = list(problems_of(self._selection(operation.selection_set)))
        except TooEntangled:
            problems = [f"nests fragments more than {MAX_FRAGMENT_NESTING} deep"]
        for problem in problems:
            self.report_error(GraphQLError(f"the operation {problem}", [operation]))
        return SKIP

    def _selection(self, selection_set: SelectionSetNode | None) -> Size:
        if selection_set is None:
            return Size()
        return sum(map(self._one, selection_set.selections), Size())

    def _one(self, selection: SelectionNode) -> Size:
        if isinstance(selection, FieldNode):
            return self._field(selection)
        if isinstance(selection, FragmentSpreadNode):
            return self._fragment(selection.name.value)
        return self._selection(getattr(selection, "selection_set", None))

    def _field(self, field: FieldNode) -> Size:
        inside = Size() if field.name.value in INTROSPECTION else self._selection(field.selection_set)
        aliases = inside.aliases + (field.alias is not None)
        return Size(inside.depth + 1, inside.fields + 1, aliases, roots=1)

    def _fragment(self, name: str) -> Size:
        if name not in self._sizes:
            fragment = self.context.get_fragment(name)
            if fragment is None or name in self._open:  # unknown or a cycle: other rules report it
                return Size()
            if len(self._open) >= MAX_FRAGMENT_NESTING:
                raise TooEntangled
            self._open.append(name)
            self._sizes[name] = self._selection(fragment.selection_set)
            self._open.pop()
        return self._sizes[name]


def problems_of(size: Size) -> Iterator[str]:
    """What an operation of this size exceeds."""
    if size.depth > MAX_DEPTH:
        yield f"is {size.depth} fields deep; at most {MAX_DEPTH} are allowed"
    if size.fields > MAX_FIELDS:
        yield f"asks for more than {MAX_FIELDS} fields"
    if size.aliases > MAX_ALIASES:
        yield f"has more than {MAX_ALIASES} aliases"
    if size.roots > MAX_ROOT_FIELDS:
        yield f"has {size.roots} root fields; at most {MAX_ROOT_FIELDS} are allowed"


LIMITS = (Limits,)
"""Built once, so that what has been validated can be kept."""
