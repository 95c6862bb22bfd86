"""By which ids one follows what is done: from a request to its events, and to what they lead to.

Whatever is logged while they hold tells them, and events carry them along: `api.logs`, `services.outbox`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

REQUEST, EVENT, CAUSE, RUN = "request_id", "event_id", "caused_by", "run_id"

_ids: ContextVar[Mapping[str, str]] = ContextVar("_ids", default={})  # noqa: B039 - never changed


def ids() -> Mapping[str, str]:
    """What holds here and now."""
    return _ids.get()


@contextmanager
def followed(more: Mapping[str, str]) -> Iterator[None]:
    """Within this, these ids hold as well."""
    before = _ids.set({**_ids.get(), **more})
    try:
        yield
    finally:
        _ids.reset(before)


def origin() -> dict[str, str]:
    """What an event that is recorded here comes of: what holds, and the event that is reacted to."""
    found = {name: one for name, one in ids().items() if name not in (EVENT, CAUSE)}
    if EVENT in ids():
        found[CAUSE] = ids()[EVENT]
    return found
