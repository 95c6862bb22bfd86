"""Spans of what is done and of what that leads to. Nobody keeps them unless `api.traces` has begun to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Literal, Protocol, TypeAlias

PARENT = "traceparent"
"""Under which events carry the span in which they were recorded, by W3C's Trace Context."""

Kind = Literal["internal", "server", "consumer", "producer"]
Value: TypeAlias = str | int | float | None
Span: TypeAlias = AbstractContextManager[object]

_UNKEPT: Span = nullcontext()


class Tracer(Protocol):
    """Whoever keeps spans."""

    def span(self, name: str, kind: Kind, parent: str | None, told: Mapping[str, Value]) -> Span:
        """A span as long as the context, within the one under way unless it has another parent."""
        ...

    def tell(self, told: Mapping[str, Value]) -> None:
        """Have the span under way tell more."""
        ...

    def here(self) -> str | None:
        """The span under way, as a `traceparent`."""
        ...


_tracer: ContextVar[Tracer | None] = ContextVar("_tracer", default=None)


@contextmanager
def kept_by(tracer: Tracer) -> Iterator[None]:
    """Within this, and all tasks that are begun in it, spans are kept."""
    before = _tracer.set(tracer)
    try:
        yield
    finally:
        _tracer.reset(before)


def span(name: str, kind: Kind = "internal", parent: str | None = None, **told: Value) -> Span:
    """A span around something, and what it tells: enumerations, ids and numbers, no word of people's."""
    tracer = _tracer.get()
    return tracer.span(name, kind, parent, told) if tracer else _UNKEPT


def tell(**told: Value) -> None:
    """Have the span under way tell more."""
    if tracer := _tracer.get():
        tracer.tell(told)


def carried() -> dict[str, str]:
    """What an event takes along, so that what it leads to is in the same trace."""
    tracer = _tracer.get()
    here = tracer.here() if tracer else None
    return {PARENT: here} if here else {}
