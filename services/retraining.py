"""Retraining: asked for or due, one run at a time, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from tortoise.exceptions import IntegrityError

from events.messages import LabelSubmitted, RetrainingRequested, TrainingProgressed
from services.errors import Code, Refused, refuse
from services.outbox import Outbox, record
from services.permissions import admin, member
from store.pages import Page, Window, page
from store.tables import Label, RunState, RunTrigger, TrainingRun, User


@dataclass(frozen=True)
class Status:
    """How near the next run is, and the run under way."""

    new_labels: int
    threshold: int
    run: TrainingRun | None


@dataclass(frozen=True)
class Retraining:
    """The use cases around runs; what a run does is in `services.training`."""

    outbox: Outbox
    threshold: int
    epochs: int

    async def status(self, viewer: User | None) -> Status:
        """For everyone who is signed in."""
        member(viewer)
        return Status(await Label.unclaimed().count(), self.threshold, await TrainingRun.active())

    async def page(self, viewer: User | None, window: Window) -> Page[TrainingRun]:
        """All runs, newest first; for administrators."""
        admin(viewer)
        return await page(TrainingRun.all(), window)

    async def request(self, viewer: User | None) -> TrainingRun:
        """Starts a run at an administrator's wish.

        Raises:
            Refused: ALREADY_RUNNING; NOT_ENOUGH_LABELS, where there is no new one.
        """
        return await self._begin(RunTrigger.ADMIN, admin(viewer), at_least=1)

    async def start_if_due(self, event: LabelSubmitted | None = None) -> TrainingRun | None:
        """Starts a run where the new labels have reached the threshold and none is under way."""
        if await Label.unclaimed().count() < self.threshold or await TrainingRun.active():
            return None
        try:
            return await self._begin(RunTrigger.THRESHOLD, None, at_least=self.threshold)
        except Refused:  # somebody was faster
            return None

    async def cancel(self, viewer: User | None) -> TrainingRun:
        """Ends the run under way; its labels count towards the next. The trainer stops at its next heartbeat.

        Raises:
            Refused: NOT_FOUND, where no run is under way.
        """
        admin(viewer)
        while (run := await TrainingRun.active()) is not None:
            if await end(self.outbox, run, RunState.CANCELLED, "cancelled by an administrator"):
                return await TrainingRun.get(id=run.id)
            # Taken over, or ended, since we looked.
        raise refuse(Code.NOT_FOUND, "no run is under way")

    async def _begin(self, trigger: RunTrigger, by: User | None, at_least: int) -> TrainingRun:
        async def begin() -> TrainingRun:
            run = await TrainingRun.create(slot=1, trigger=trigger, requested_by=by, epochs=self.epochs)
            run.label_count = await Label.unclaimed().update(claimed_by_id=run.id)
            if run.label_count < at_least:
                raise refuse(Code.NOT_ENOUGH_LABELS, "there are no new labels to learn from")
            await run.save(update_fields=["label_count"])
            await record(RetrainingRequested(run.id))
            await record(progress_of(run))
            return run

        try:
            return await self.outbox.commit(begin)
        except IntegrityError as error:
            raise refuse(Code.ALREADY_RUNNING, "a run is under way") from error


def progress_of(run: TrainingRun) -> TrainingProgressed:
    """What subscribers hear of a run now."""
    return TrainingProgressed(run.id, run.state, run.epoch, run.loss)


async def end(outbox: Outbox, run: TrainingRun, state: RunState, error: str | None) -> bool:
    """End a run that did not come to a verdict and set its labels free; False where it had ended already."""

    async def write() -> bool:
        changes = {"state": state, "slot": None, "error": error, "finished_at": datetime.now(UTC)}
        if not await TrainingRun.held(run.id, run.fence).update(**changes):
            return False
        await Label.filter(claimed_by_id=run.id).update(claimed_by_id=None)
        await record(TrainingProgressed(run.id, state, run.epoch, run.loss))
        return True

    return await outbox.commit(write)
