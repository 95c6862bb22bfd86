"""The one place where what goes wrong becomes GraphQL: errors as data, and coded top-level errors."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from uuid import uuid4

import strawberry
from graphql import FieldNode, GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from events.log import CursorError
from schema.enums import describe
from services.errors import Code, Forbidden, Problem, Refused, SecondFactorRequired, TooMany, Unauthenticated
from store.database_faults import is_away, is_full, is_read_only

logger = logging.getLogger(__name__)
security = logging.getLogger("security")

UNAUTHENTICATED = "UNAUTHENTICATED"
FORBIDDEN = "FORBIDDEN"
SECOND_FACTOR_REQUIRED = "SECOND_FACTOR_REQUIRED"
BAD_USER_INPUT = "BAD_USER_INPUT"
NOT_FOUND = "NOT_FOUND"
RATE_LIMITED = "RATE_LIMITED"
TIMED_OUT = "TIMED_OUT"
TOO_SLOW = "TOO_SLOW"
RESTARTING = "RESTARTING"
NOT_FOUND_BY_HASH = "PERSISTED_QUERY_NOT_FOUND"
NOT_SUPPORTED_BY_HASH = "PERSISTED_QUERY_NOT_SUPPORTED"
NOT_TRUSTED = "QUERY_NOT_IN_SAFELIST"
UNAVAILABLE = "UNAVAILABLE"
INTERNAL = "INTERNAL"

REFUSALS = {UNAUTHENTICATED, FORBIDDEN, SECOND_FACTOR_REQUIRED, RATE_LIMITED}
"""Of whole operations; what is refused in a payload, its errors tell."""

AWAY_SECONDS = 5
"""After which somebody may try again whom a part of the platform did not answer."""
MENDED_SECONDS = 60
"""The same where somebody has to make room first, or to let the server write."""

CODES: dict[type[Exception], str] = {
    Unauthenticated: UNAUTHENTICATED,
    Forbidden: FORBIDDEN,
    SecondFactorRequired: SECOND_FACTOR_REQUIRED,
    Refused: BAD_USER_INPUT,
    TooMany: RATE_LIMITED,
    CursorError: BAD_USER_INPUT,
    MissingQueryError: BAD_USER_INPUT,
    CannotGetOperationTypeError: BAD_USER_INPUT,
    InvalidOperationTypeError: BAD_USER_INPUT,
}

UserErrorCode = describe(
    Code,
    "What kind of thing is wrong, for programs to act upon.",
    name="UserErrorCode",
    INVALID="The value does not have the form or range that is asked for.",
    REQUIRED="Something that must be given is missing or blank.",
    TOO_LARGE="The text, file or list is longer or larger than what is taken.",
    UNSUPPORTED_FORMAT="The file is not an image of a kind that is read here.",
    CORRUPT_IMAGE="The file begins as an image and cannot be read to its end.",
    EMAIL_TAKEN="Somebody has signed up with this address.",
    BAD_CREDENTIALS="The address or the password is wrong, and which of them is not told; or the code is.",
    SECOND_FACTOR_REQUIRED="The password is right; a code of the second factor is asked for beside it.",
    EMAIL_NOT_VERIFIED="The address has to be confirmed first, by the link in the mail.",
    BLOCKED="An administrator has blocked this account.",
    TOKEN_EXPIRED="The token of the link is not whole, has expired or was used already.",
    NOT_FOUND="There is no such thing, or none that you may see.",
    CONFLICT="Somebody else was faster, or the state of things does not allow it.",
    ALREADY_RUNNING="A training run is queued or under way.",
    NOT_ENOUGH_LABELS="There are too few new labels to learn from.",
    RATE_LIMITED="Too many attempts; `retryAfter` tells when the next may be made.",
    UNAVAILABLE="A part of the platform does not work now, or its disk is full; send the same again later.",
)


@strawberry.type(
    description="Something that stands in the way of a mutation and that the user can put right."
)
class UserError:
    message: str = strawberry.field(description="What is wrong, in a sentence for people.")
    code: Code = strawberry.field(description="What is wrong, for programs.")
    path: list[str] | None = strawberry.field(
        default=None,
        description='Where in the arguments: ["input", "email"]; null where the mutation takes none.',
    )
    retry_after: int | None = strawberry.field(
        default=None, description="In how many seconds to try again; null where time alone does not help."
    )


def user_errors(problems: Iterable[Problem], *within: str) -> list[UserError]:
    """The problems as data; ``within`` is the path of the input that their fields belong to."""
    return [
        UserError(message=problem.message, code=problem.code, path=_path(problem, within))
        for problem in problems
    ]


def too_many(error: TooMany, *within: str) -> UserError:
    """A refusal for having tried too often, as data."""
    return UserError(
        message=str(error),
        code=Code.RATE_LIMITED,
        path=list(within) or None,
        retry_after=error.retry_after,
    )


def refused(codes: Iterable[str], fields: Sequence[str], user_id: int | None) -> None:
    """Tell the log of what somebody tried and may not, in codes and names of the schema."""
    told = {"codes": sorted(set(codes)), "fields": fields, "user": user_id}
    security.info("refused", extra={"fields": told})


def _path(problem: Problem, within: tuple[str, ...]) -> list[str] | None:
    path = [*within, *([problem.field] if problem.field else [])]
    return path or None


def bad_input(message: str) -> GraphQLError:
    """A request that cannot be right, whatever the state of things."""
    return GraphQLError(message, extensions={"code": BAD_USER_INPUT})


def coded(error: GraphQLError) -> GraphQLError:
    """The error as clients see it: with a code, and masked where the fault is ours."""
    if error.extensions and "code" in error.extensions:
        return error
    code = next((code for kind, code in CODES.items() if isinstance(error.original_error, kind)), None)
    if code is None and _is_fault(error):
        return _masked(error)
    error.extensions = {"code": code or BAD_USER_INPUT}
    if isinstance(error.original_error, TooMany):
        error.extensions["retryAfter"] = error.original_error.retry_after
    return error


def fault(error: BaseException, where: str) -> GraphQLError:
    """What clients see of a fault of ours: when to come back, or an id, under which the log has the rest."""
    if is_full(error):
        logger.error("%s: a disk is full, make room: %s", where, error)
        return _unavailable(
            "there is no room on the platform's disk, so nothing was stored: try again once its operator has "
            "made room",
            MENDED_SECONDS,
        )
    if is_read_only(error):
        logger.error("%s: storage cannot be written, let this user write it: %s", where, error)
        return _unavailable(
            "the platform's storage can only be read now, so nothing was stored: try again once its operator "
            "has mended that",
            MENDED_SECONDS,
        )
    if is_away(error):
        logger.warning("%s: the database or another part does not answer: %s", where, error)
        return _unavailable(
            "a part of the platform does not answer now: try again in some seconds, and look first whether "
            "what you asked for was done",
            AWAY_SECONDS,
        )
    fault_id = uuid4().hex[:12]
    logger.error("fault %s at %s", fault_id, where, exc_info=error)
    return GraphQLError(
        f"something went wrong on our side: quote {fault_id} when you report it",
        extensions={"code": INTERNAL, "id": fault_id},
    )


def _unavailable(message: str, seconds: int) -> GraphQLError:
    return GraphQLError(message, extensions={"code": UNAVAILABLE, "retryAfter": seconds})


def _is_fault(error: GraphQLError) -> bool:
    """Whether it is not about the document or its variables, which graphql-core tells of by itself."""
    if error.path is None:
        return error.original_error is not None and not error.nodes
    return all(isinstance(node, FieldNode) for node in error.nodes or ())


def _masked(error: GraphQLError) -> GraphQLError:
    where = ".".join(map(str, error.path)) if error.path else "the operation"
    seen = fault(error.original_error or error, where)
    return GraphQLError(
        seen.message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=seen.extensions,
    )
