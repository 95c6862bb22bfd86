"""Events on their way from the log to one subscriber."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from events.log import Delivery, decode_cursor, encode_cursor
from events.messages import Event, FindingChanged, PredictionMade, SessionsEnded
from schema.context import Context, Session
from schema.scalars import Cursor
from services.errors import Unauthenticated
from services.lookups import is_self_or_admin
from store.tables import User

E = TypeVar("E", bound=Event)
T = TypeVar("T")

SILENT_SECONDS = 10.0
"""How often a session is looked up that hears of no event, its own end among them."""
DELIVERY_SECONDS = 1.0
"""How old the knowledge of who is asking may be when an event is shown."""

Show = Callable[[Context, Cursor, E], Awaitable[T | None]]
Concerns = Callable[[User | None, E], bool]


async def place(context: Context, after: str | None) -> int:
    """Where a subscription begins: behind its cursor, or with what comes from now on.

    Raises:
        CursorError: the cursor is malformed.
    """
    return await context.platform.log.head() if after is None else decode_cursor(after)


def its_owner(viewer: User | None, event: PredictionMade | FindingChanged) -> bool:
    """The owner of the image, and administrators."""
    return is_self_or_admin(viewer, event.owner_id)


def everybody(viewer: User | None, event: Event) -> bool:
    """Everybody who was let in when it began."""
    return True


async def follow(
    context: Context, after: int, kind: type[E], show: Show[E, T], concerns: Concerns[E] = everybody
) -> AsyncGenerator[T, None]:
    """What ``show`` makes of each event of a kind behind ``after`` that concerns the viewer.

    None is passed over.

    Raises:
        Unauthenticated: the session has ended.
        CursorExpired: events behind ``after`` are no longer kept.
    """
    stream = context.platform.log.stream(after)
    async with aclosing(paced(stream, lambda: context.session.pause(SILENT_SECONDS))) as deliveries:
        async for delivery in deliveries:
            if (
                delivery is None
                or not isinstance(delivery.event, kind)
                # Of a thousand who listen it is often one that is concerned: the others are not looked up.
                or not concerns(context.viewer, delivery.event)
            ):
                is_told = delivery is not None and _ends(context.session, delivery.event)
                await _still_there(context.session, 0.0 if is_told else SILENT_SECONDS)
                continue
            await _still_there(context.session, DELIVERY_SECONDS)
            if not concerns(context.viewer, delivery.event):  # any more
                continue
            context.show(delivery.position)
            shown = await show(context, Cursor(encode_cursor(delivery.position)), delivery.event)
            if shown is not None:
                yield shown


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


def _ends(session: Session, event: Event) -> bool:
    """Whether the session may have been revoked just now."""
    return (
        isinstance(event, SessionsEnded) and session.viewer is not None and session.viewer.id == event.user_id
    )


async def _still_there(session: Session, seconds: float) -> None:
    await session.refresh(older_than=seconds)
    if session.has_ended:
        raise Unauthenticated("the session has ended: sign in again")
