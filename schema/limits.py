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
    GraphQLSyntaxError,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValidationContext,
    VisitorAction,
)

from schema.errors import BAD_USER_INPUT

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
MAX_DIRECTIVES = 50
"""Directives with every fragment written out; our own pages use none."""
MAX_FRAGMENT_NESTING = 50
"""Fragments that spread fragments that spread fragments."""
MAX_ERRORS = 20
"""Told of a document that does not fit the schema; looking for more would cost more than they are worth."""

PARSING: dict[str, Any] = {"max_tokens": MAX_TOKENS, "max_source_length": MAX_LENGTH}
"""What graphql-core's parser counts by itself."""

INTROSPECTION = frozenset({"__schema", "__type"})
"""Their depth is graphql-core's own rule's affair."""


@dataclass(frozen=True)
class Limit:
    """What an operation may have so much of, and what to do about one that has more."""

    name: str
    most: int
    complaint: str
    remedy: str

    def exceeded(self, found: int | None = None, *nodes: Node) -> GraphQLError:
        """The error of an operation that has more, with the limit's name for programs."""
        text = f"the operation {self.complaint.format(found=found, most=self.most)}: {self.remedy}"
        extensions = {"code": BAD_USER_INPUT, "limit": self.name, "allowed": self.most}
        return GraphQLError(text, list(nodes), extensions=extensions)


LENGTH = Limit("LENGTH", MAX_LENGTH, "has more than {most} characters", "put texts into variables")
TOKENS = Limit("TOKENS", MAX_TOKENS, "has more than {most} tokens", "send it in parts")
DEPTH = Limit(
    "DEPTH", MAX_DEPTH, "is {found} fields deep; at most {most} are allowed", "ask for what lies deeper by id"
)
FIELDS = Limit("FIELDS", MAX_FIELDS, "asks for more than {most} fields", "send it in parts")
ALIASES = Limit("ALIASES", MAX_ALIASES, "has more than {most} aliases", "ask for `nodes` by their ids")
ROOT_FIELDS = Limit(
    "ROOT_FIELDS", MAX_ROOT_FIELDS, "has {found} root fields; at most {most} are allowed", "send it in parts"
)
DIRECTIVES = Limit("DIRECTIVES", MAX_DIRECTIVES, "has more than {most} directives", "leave some out")
FRAGMENT_NESTING = Limit(
    "FRAGMENT_NESTING",
    MAX_FRAGMENT_NESTING,
    "nests fragments more than {most} deep",
    "spread them side by side",
)


@dataclass(frozen=True)
class Size:
    """How much a selection asks for, its fragments written out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    roots: int = 0
    directives: int = 0

    def __add__(self, other: Size) -> Size:
        """Two selections side by side."""
        return Size(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.roots + other.roots,
            self.directives + other.directives,
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
            size = self._selection(operation.selection_set) + directives_of(operation)
            for limit, found in exceeded_by(size):
                self.report_error(limit.exceeded(found, operation))
        except TooEntangled:
            self.report_error(FRAGMENT_NESTING.exceeded(None, operation))
        return SKIP

    def enter_fragment_definition(self, *_: Any) -> VisitorAction:
        return SKIP  # it is counted where it is spread

    def _selection(self, selection_set: SelectionSetNode | None) -> Size:
        if selection_set is None:
            return Size()
        return sum(map(self._one, selection_set.selections), Size())

    def _one(self, selection: SelectionNode) -> Size:
        if isinstance(selection, FieldNode):
            return self._field(selection) + directives_of(selection)
        if isinstance(selection, FragmentSpreadNode):
            return self._fragment(selection.name.value) + directives_of(selection)
        return self._selection(getattr(selection, "selection_set", None)) + directives_of(selection)

    def _field(self, field: FieldNode) -> Size:
        inside = self._selection(field.selection_set)
        depth = 0 if field.name.value in INTROSPECTION else inside.depth
        aliases = inside.aliases + (field.alias is not None)
        return Size(depth + 1, inside.fields + 1, aliases, 1, inside.directives)

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


def directives_of(node: OperationDefinitionNode | SelectionNode) -> Size:
    """How many directives stand at a node itself."""
    return Size(directives=len(node.directives or ()))


def exceeded_by(size: Size) -> Iterator[tuple[Limit, int]]:
    """The limits that an operation of this size exceeds, and by how much it has."""
    counts = {
        DEPTH: size.depth,
        FIELDS: size.fields,
        ALIASES: size.aliases,
        ROOT_FIELDS: size.roots,
        DIRECTIVES: size.directives,
    }
    return ((limit, found) for limit, found in counts.items() if found > limit.most)


def of_parsing(error: GraphQLError) -> GraphQLError:
    """The error of a document that was too long to parse as the limit's own; any other as it is."""
    if isinstance(error, GraphQLSyntaxError):
        if f"more than {MAX_TOKENS} tokens" in error.message:
            return TOKENS.exceeded()
        if f"more than {MAX_LENGTH} code points" in error.message:
            return LENGTH.exceeded()
    return error


LIMITS = (Limits,)
"""Built once, so that what has been validated can be kept."""
