"""Retraining: asked for or due, one run at a time, and what becomes of it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tortoise.exceptions import IntegrityError
from tortoise.queryset import QuerySet

from events.messages import LabelSubmitted, RetrainingRequested, TrainingProgressed
from services.errors import Code, Refused, refuse
from services.outbox import Outbox, record
from services.permissions import admin, member
from services.policy import Policies, Policy
from services.run_words import WITHOUT_VERDICT
from services.trail import note
from store.pages import Page, Window, page
from store.tables import Finding, Label, RunState, RunTrigger, TrailKind, TrainingRun, User

WATCH_SECONDS = 30.0
"""How often a look is taken whether a run has become due without a new label."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """How near the next run is, and the run under way."""

    new_labels: int
    threshold: int
    run: TrainingRun | None
    waits_for: str | None
    """What keeps the next automatic run from beginning, in a sentence; None where it is due."""


@dataclass(frozen=True)
class Retraining:
    """The use cases around runs; what a run does is in `services.training`."""

    outbox: Outbox
    policies: Policies
    epochs: int

    async def status(self, viewer: User | None) -> Status:
        """For everyone who is signed in."""
        member(viewer)
        policy = await self.policies.in_force()
        run, waits_for = await TrainingRun.active(), await _waits_for(policy)
        return Status(await Label.unclaimed().count(), policy.threshold, run, waits_for)

    async def page(self, viewer: User | None, window: Window) -> Page[TrainingRun]:
        """All runs, newest first; for administrators."""
        admin(viewer)
        return await page(TrainingRun.all(), window)

    async def request(self, viewer: User | None) -> TrainingRun:
        """Starts a run at an administrator's wish.

        Raises:
            Refused: ALREADY_RUNNING; NOT_ENOUGH_LABELS, where there is no new one or the policy wants more.
        """
        return await self._begin(RunTrigger.ADMIN, admin(viewer), at_least=1)

    async def start_if_due(self, event: LabelSubmitted | None = None) -> TrainingRun | None:
        """Starts a run where the policy wants one and none is under way."""
        policy = await self.policies.in_force()
        if await TrainingRun.active() or await _waits_for(policy):
            return None
        try:
            return await self._begin(RunTrigger.THRESHOLD, None, at_least=policy.threshold)
        except Refused:  # somebody was faster
            return None

    async def watch(self) -> None:
        """Start what becomes due without a new label, for ever: a wait is over, or the policy has changed."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self.start_if_due()
            except Exception:
                logger.exception("looking whether a run is due failed, trying again")

    async def cancel(self, viewer: User | None) -> TrainingRun:
        """Ends the run under way; its labels count towards the next. The trainer stops at its next heartbeat.

        Raises:
            Refused: NOT_FOUND, where no run is under way.
        """
        viewer = admin(viewer)
        while (run := await TrainingRun.active()) is not None:
            if await end(self.outbox, run, RunState.CANCELLED, "cancelled by an administrator", viewer):
                return await TrainingRun.get(id=run.id)
            # Taken over, or ended, since we looked.
        raise refuse(Code.NOT_FOUND, "no run is under way")

    async def _begin(self, trigger: RunTrigger, by: User | None, at_least: int) -> TrainingRun:
        policy = await self.policies.in_force()

        async def begin() -> TrainingRun:
            run = await TrainingRun.create(slot=1, trigger=trigger, requested_by=by, epochs=self.epochs)
            run.label_count = await Label.unclaimed().update(claimed_by_id=run.id)
            if run.label_count < at_least:
                raise refuse(Code.NOT_ENOUGH_LABELS, "there are no new labels to learn from")
            if lacking := _lacking(policy, await _by_class(Label.filter(claimed_by_id=run.id))):
                raise refuse(Code.NOT_ENOUGH_LABELS, lacking)
            await run.save(update_fields=["label_count"])
            await record(RetrainingRequested(run.id))
            await record(progress_of(run))
            await note(TrailKind.RETRAINING_STARTED, by, value=trigger, TrainingRun=run.id)
            return run

        try:
            return await self.outbox.commit(begin)
        except IntegrityError as error:
            raise refuse(Code.ALREADY_RUNNING, "a run is under way") from error


async def _waits_for(policy: Policy) -> str | None:
    """What an automatic run waits for, a run under way aside."""
    new = await Label.unclaimed().count()
    if new < policy.threshold:
        return f"There are {new} new labels, and {policy.threshold} start a run."
    if lacking := _lacking(policy, await _by_class(Label.unclaimed())):
        return lacking
    return await _waits_for_label() or await _waits_for_time(policy)


async def _waits_for_label() -> str | None:
    """What failed, or was cancelled, is not begun again and again."""
    last = await TrainingRun.all().order_by("-id").first()
    if last is None or last.state not in WITHOUT_VERDICT or last.finished_at is None:
        return None
    if await Label.unclaimed().filter(created_at__gt=last.finished_at).exists():
        return None
    ended = "failed" if last.state is RunState.FAILED else "was cancelled"
    return f"The last run {ended}: the next begins with a new label, or when an administrator asks for it."


async def _waits_for_time(policy: Policy) -> str | None:
    last = await TrainingRun.filter(trigger=RunTrigger.THRESHOLD).order_by("-id").first()
    if last is None:
        return None
    earliest = last.queued_at + timedelta(minutes=policy.minutes_between)
    if datetime.now(UTC) >= earliest:
        return None
    return (
        f"Between automatic runs there are at least {policy.minutes_between} minutes: the next begins at "
        f"{earliest:%Y-%m-%d %H:%M} UTC or soon after."
    )


async def _by_class(labels: QuerySet[Label]) -> dict[Finding, int]:
    return {finding: await labels.filter(finding=finding).count() for finding in Finding}


def _lacking(policy: Policy, counts: dict[Finding, int]) -> str | None:
    """Which class has too few new labels, in a sentence."""
    if min(counts.values()) >= policy.labels_per_class:
        return None
    covid, others = counts[Finding.COVID], counts[Finding.NO_COVID]
    return (
        f"There are {covid} new labels of COVID and {others} of no COVID, and a run needs "
        f"{policy.labels_per_class} of each."
    )


def progress_of(run: TrainingRun) -> TrainingProgressed:
    """What subscribers hear of a run now."""
    return TrainingProgressed(run.id, run.state, run.epoch, run.loss, left_out=run.left_out)


def seconds_left(run: TrainingRun) -> float | None:
    """How long the run will take yet; None before its first epoch, and where it has ended."""
    if run.state not in (RunState.TRAINING, RunState.EVALUATING) or run.learned_by is None:
        return None
    return max(0.0, (run.learned_by - datetime.now(UTC)).total_seconds())


async def end(
    outbox: Outbox, run: TrainingRun, state: RunState, error: str | None, by: User | None = None
) -> bool:
    """End a run that did not come to a verdict and set its labels free; False where it had ended already.

    ``by`` is the administrator who cancels it.
    """

    async def write() -> bool:
        changes = {"state": state, "slot": None, "error": error, "finished_at": datetime.now(UTC)}
        if not await TrainingRun.held(run.id, run.fence).update(**changes):
            return False
        await Label.filter(claimed_by_id=run.id).update(claimed_by_id=None)
        await record(TrainingProgressed(run.id, state, run.epoch, run.loss, left_out=run.left_out))
        if by is not None:
            await note(TrailKind.RETRAINING_CANCELLED, by, TrainingRun=run.id)
        return True

    return await outbox.commit(write)
