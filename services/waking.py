"""Telling anew of what rows say is still to do, where the events that told of it have not come along."""

from __future__ import annotations

from events.messages import (
    ContactMessageReceived,
    Event,
    ImageUploaded,
    ModelPromoted,
    NoticeDue,
    RetrainingRequested,
)
from services import lookups
from services.outbox import record_all
from store.database import atomically
from store.tables import ContactMessage, Deployment, Image, Notice, TrainingRun


async def wake() -> int:
    """Record the events of all open work, each of which may come twice; how many that are.

    A mail that confirms an address, or brings a new password, is asked for again by whoever waits for it.
    """
    events = [*await _promotion(), *await _unjudged(), *await _runs(), *await _letters()]

    async def tell() -> None:
        await record_all(events)

    await atomically(tell)
    return len(events)


async def _promotion() -> list[Event]:
    """Images that the model in service has yet to judge are found by whoever hears of it."""
    current = await lookups.deployment()
    if current is None:
        return []
    before = await Deployment.filter(number=current.number - 1).first()
    return [ModelPromoted(current.model_id, before.model_id if before else None)]


async def _unjudged() -> list[Event]:
    found = Image.filter(features__isnull=True, failure__isnull=True).order_by("id")
    return [ImageUploaded(number) for (number,) in await found.values_list("id")]


async def _runs() -> list[Event]:
    run = await TrainingRun.active()
    return [RetrainingRequested(run.id)] if run else []


async def _letters() -> list[Event]:
    messages = ContactMessage.filter(delivered_at__isnull=True).order_by("id")
    notices = Notice.all().order_by("id")
    return [
        *[ContactMessageReceived(number) for (number,) in await messages.values_list("id")],
        *[NoticeDue(number) for (number,) in await notices.values_list("id")],
    ]
