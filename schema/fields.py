"""Strawberry's decorators with the types that they leave out, and what all mutations have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField

from schema.errors import RATE_LIMITED, refused, too_many, user_errors
from services.errors import Refused, TooMany

F = TypeVar("F", bound=Callable[..., Any])


class RefusalsAsData(FieldExtension):
    """A refused mutation answers with errors in its payload, and everything else in there null."""

    def apply(self, field: StrawberryField) -> None:
        self._payload = cast(Callable[..., Any], field.type)

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: strawberry.Info[Any], **kwargs: Any
    ) -> Any:
        within = ("input",) if "input" in kwargs else ()
        try:
            return await next_(source, info, **kwargs)
        except Refused as error:
            _tell(info, *(problem.code for problem in error.problems))
            return self._payload(errors=user_errors(error.problems, *within))
        except TooMany as error:
            _tell(info, RATE_LIMITED)
            return self._payload(errors=[too_many(error, *within)])
        finally:
            info.context.renew()


def _tell(info: strawberry.Info[Any], *codes: str) -> None:
    viewer = info.context.viewer
    refused(codes, [info.field_name], viewer.id if viewer else None)


def field(description: str) -> Callable[[F], F]:
    """A field that the method below resolves."""
    return cast(Callable[[F], F], strawberry.field(description=description))


def mutation(description: str) -> Callable[[F], F]:
    """A mutation that the method below carries out, or refuses."""
    made = strawberry.mutation(description=description, extensions=[RefusalsAsData()])
    return cast(Callable[[F], F], made)


def subscription(description: str) -> Callable[[F], F]:
    """A subscription whose events the method below finds."""
    return cast(Callable[[F], F], strawberry.subscription(description=description))
