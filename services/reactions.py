"""The loop on one screen: which event leads to what."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from events.log import Delivery, EventLog, Interest, Job
from events.messages import (
    ContactMessageReceived,
    EmailChangeRequested,
    EmailVerificationRequested,
    Event,
    FeaturesMissed,
    ImageDeleted,
    ImageUploaded,
    LabelSubmitted,
    ModelPromoted,
    NoticeDue,
    PasswordResetAsked,
    PasswordResetRequested,
    RetrainingRequested,
)
from services import measurements, tracing
from services.admission import JUDGING
from services.following import EVENT, followed
from services.letters import Undeliverable
from services.platform import Platform

Handler = Callable[[Any], Awaitable[Any]]

FOR_EVER = 10**9
ABOUT_A_DAY = 1500
"""Attempts at a mail, once a minute after the first few."""
WAITING = 1000
"""Jobs of a group in hand, most of which wait for their turn or for another attempt."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0

logger = logging.getLogger(__name__)
finished = logging.getLogger("jobs")


@dataclass(frozen=True)
class Reaction:
    """What is done about an event, once: by whom, how many at a time, how often it is tried."""

    group: str
    handler: Handler
    at_once: int = 1
    attempts: int = 5
    give_up: Handler | None = None
    in_hand: int = WAITING
    """Jobs that a process has at a time: few of those that take long, so that others have their share."""
    returned: Handler | None = None
    """In the handler's place, with nothing of the group beside it, where the job came back from a process
    that may have ended over it. Attempts are counted anew then."""


class Gate:
    """So many at a time, or one alone."""

    def __init__(self, at_once: int) -> None:
        self._places, self._all, self._turn = asyncio.Semaphore(at_once), at_once, asyncio.Lock()

    @asynccontextmanager
    async def place(self, alone: bool) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if alone:
                await stack.enter_async_context(self._turn)
            for _ in range(self._all if alone else 1):
                await stack.enter_async_context(self._places)
            yield


def jobs(platform: Platform) -> Mapping[type[Event], Reaction]:
    """Done once for each event, by one process."""
    accounts, diagnosis = platform.accounts, platform.diagnosis
    return {
        EmailVerificationRequested: Reaction("verify", accounts.send_verification, 4, ABOUT_A_DAY),
        PasswordResetAsked: Reaction("claim", accounts.claim_password_reset, 4, ABOUT_A_DAY),
        PasswordResetRequested: Reaction("reset", accounts.send_password_reset, 4, ABOUT_A_DAY),
        EmailChangeRequested: Reaction("address", platform.addressing.send_link, 4, ABOUT_A_DAY),
        NoticeDue: Reaction(
            "notice", platform.notices.send, 4, ABOUT_A_DAY, give_up=platform.notices.give_up
        ),
        ContactMessageReceived: Reaction("contact", platform.contact.mail_admins, 4, ABOUT_A_DAY),
        ImageUploaded: Reaction(
            JUDGING,
            diagnosis.diagnose,
            32,
            give_up=diagnosis.give_up,
            returned=diagnosis.diagnose_returned,
        ),
        ImageDeleted: Reaction("removal", platform.images.remove_blobs, 4, FOR_EVER),
        LabelSubmitted: Reaction("threshold", platform.retraining.start_if_due),
        RetrainingRequested: Reaction("training", platform.training.train, attempts=FOR_EVER),
        FeaturesMissed: Reaction("features", platform.renewal.remaking.remake, 1, FOR_EVER, in_hand=2),
        ModelPromoted: Reaction("renewal", platform.renewal.renew, attempts=FOR_EVER),
    }


def everywhere(platform: Platform) -> Mapping[type[Event], Handler]:
    """Done by every process for each event."""
    return {ModelPromoted: platform.diagnosis.swap}


async def work(platform: Platform) -> None:
    """Do a share of the jobs, for ever."""
    async with asyncio.TaskGroup() as tasks:
        for kind, reaction in jobs(platform).items():
            tasks.create_task(_for_ever(reaction.group, partial(_work, platform.log, kind, reaction)))


async def listen(platform: Platform) -> None:
    """Do what every process does, for ever."""
    listening = partial(_listen, platform.log, everywhere(platform), platform.models.refresh)
    await _for_ever("everywhere", listening)


async def _for_ever(name: str, once: Callable[[], Awaitable[None]]) -> None:
    """A database that is away for a while stops nothing for good."""
    while True:
        try:
            await once()
        except Exception:
            logger.exception("reactions of %s: reading the log failed, trying again", name)
            await asyncio.sleep(FIRST_PAUSE_SECONDS)


async def _work(log: EventLog, kind: type[Event], reaction: Reaction) -> None:
    gate, hand = Gate(reaction.at_once), asyncio.Semaphore(reaction.in_hand)
    async with asyncio.TaskGroup() as tasks, aclosing(log.work(reaction.group, frozenset({kind}))) as jobs:
        async for job in jobs:
            await hand.acquire()
            with _following(job.delivery):
                task = tasks.create_task(_carry_out(job, reaction, gate))
            task.add_done_callback(lambda _: hand.release())


async def _carry_out(job: Job, reaction: Reaction, gate: Gate) -> None:
    returned = reaction.returned if job.delivered > 1 else None
    # What was delivered before and came back may have ended the process that had it: an attempt, too.
    for attempt in range(1 if returned else job.delivered, reaction.attempts + 1):
        try:
            # Not while pausing: what fails again and again stands in nobody's way.
            async with gate.place(alone=returned is not None):
                with _timed(reaction.group, job, attempt):
                    await (returned or reaction.handler)(job.event)
            break
        except Undeliverable as error:
            logger.warning("%s: no mail for %s: %s", reaction.group, job.event, error)
            break
        except Exception:
            logger.exception("%s: attempt %d at %s failed", reaction.group, attempt, job.event)
            await asyncio.sleep(min(FIRST_PAUSE_SECONDS * 2 ** min(attempt - 1, 10), LONGEST_PAUSE_SECONDS))
    else:
        if reaction.give_up is not None:
            await reaction.give_up(job.event)
    await job.done()


def _following(delivery: Delivery) -> AbstractContextManager[None]:
    """What is logged and recorded within this is of the event, and of what it came of."""
    told = {name: one for name, one in delivery.origin.items() if name != tracing.PARENT}
    return followed({**told, EVENT: delivery.uid})


@contextmanager
def _timed(group: str, job: Job, attempt: int) -> Iterator[None]:
    began, outcome = monotonic(), "failed"
    parent = job.delivery.origin.get(tracing.PARENT)
    try:
        with tracing.span(group, "consumer", parent, attempt=attempt):
            yield
        outcome = "done"
    except asyncio.CancelledError:
        outcome = "given back"
        raise
    finally:
        seconds = monotonic() - began
        measurements.JOBS.labels(group, outcome).observe(seconds)
        told = {"group": group, "event": type(job.event).__name__, "attempt": attempt}
        finished.info(outcome, extra={"fields": {**told, "ms": round(seconds * 1000, 1)}})


async def _listen(
    log: EventLog, handlers: Mapping[type[Event], Handler], catch_up: Callable[[], Awaitable[Any]]
) -> None:
    beginning = await log.head()
    await catch_up()  # with what happened before, while nobody listened here
    interests = frozenset(Interest(kind) for kind in handlers)
    async with aclosing(log.stream(beginning, interests)) as deliveries:
        async for delivery in deliveries:
            with _following(delivery):
                await handlers[type(delivery.event)](delivery.event)
