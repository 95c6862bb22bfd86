"""Events on their way from the log to one subscriber."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from events.log import Delivery, Interest, Interests, decode_cursor, encode_cursor
from events.messages import Event, SessionsEnded
from schema.context import Context, Session
from schema.scalars import Cursor
from services.errors import Unauthenticated
from store.tables import User

E = TypeVar("E", bound=Event)
T = TypeVar("T")

SILENT_SECONDS = 10.0
"""How often a session is looked up that hears of no event, its own end among them."""
DELIVERY_SECONDS = 1.0
"""How old the knowledge of who is asking may be when an event is shown."""

Show = Callable[[Context, Cursor, E], Awaitable[T | None]]


async def place(context: Context, after: str | None) -> int:
    """Where a subscription begins: behind its cursor, or with what comes from now on.

    Raises:
        CursorError: the cursor is malformed.
    """
    return await context.platform.log.head() if after is None else decode_cursor(after)


async def follow(
    context: Context, after: int, kind: type[E], show: Show[E, T], about_viewer: bool = False
) -> AsyncGenerator[T, None]:
    """What ``show`` makes of each event of a kind behind ``after``; None is passed over.

    With ``about_viewer`` events are for whom they are about and for administrators: a thousand others who
    listen cost nothing then.

    Raises:
        Unauthenticated: the session has ended.
        CursorExpired: events behind ``after`` are no longer kept.
    """
    session, reached, since = context.session, after, 0
    while True:  # a viewer whose role has changed hears of others from then on
        interests = _interests(session.viewer, kind, about_viewer)
        stream = paced(context.platform.log.stream(reached, interests), lambda: session.pause(SILENT_SECONDS))
        async with aclosing(stream) as deliveries:
            async for delivery in deliveries:
                event = delivery.event if delivery else None
                await _still_there(session, _knowledge(event, kind))
                if interests != _interests(session.viewer, kind, about_viewer):
                    since = await context.platform.log.head()
                    break
                if delivery is None or not isinstance(event, kind):
                    continue
                reached = delivery.position
                if reached <= since and not _is_about(event, session.viewer):
                    continue  # from before
                await session.audience.turnstile.passed()
                context.show(reached)
                shown = await show(context, Cursor(encode_cursor(reached)), event)
                if shown is not None:
                    yield shown


def _interests(viewer: User | None, kind: type[Event], about_viewer: bool) -> Interests:
    """What a viewer is to hear of; the end of the session is for us."""
    if viewer is None:
        return frozenset({Interest(kind)})
    theirs = viewer.id if about_viewer and not viewer.is_admin else None
    return frozenset({Interest(kind, theirs), Interest(SessionsEnded, viewer.id)})


def _is_about(event: Event, viewer: User | None) -> bool:
    return viewer is not None and event.about == viewer.id


def _knowledge(event: Event | None, kind: type[Event]) -> float:
    """How many seconds old the knowledge of who is asking may be."""
    if event is None:
        return SILENT_SECONDS
    return DELIVERY_SECONDS if isinstance(event, kind) else 0.0


async def paced(
    stream: AsyncGenerator[Delivery, None], seconds: Callable[[], float]
) -> AsyncGenerator[Delivery | None, None]:
    """What the stream yields, and None whenever it has been silent for so long."""
    async with aclosing(stream):
        arriving = _next(stream)
        try:
            while True:
                await asyncio.wait({arriving}, timeout=seconds())
                if arriving.done():
                    yield arriving.result()
                    arriving = _next(stream)
                else:
                    yield None
        finally:
            arriving.cancel()
            await asyncio.gather(arriving, return_exceptions=True)


def _next(stream: AsyncGenerator[Delivery, None]) -> asyncio.Future[Delivery]:
    return asyncio.ensure_future(anext(stream))


async def _still_there(session: Session, seconds: float) -> None:
    await session.refresh(older_than=seconds)
    if session.has_ended:
        raise Unauthenticated("the session has ended: sign in again")
