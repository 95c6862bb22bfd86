"""A training run, from lease to verdict."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from tortoise.exceptions import DBConnectionError, IntegrityError, OperationalError
from tortoise.expressions import F

from events.messages import RetrainingRequested, TrainingProgressed
from services import attempts, lookups, run_checkpoints, tracing, training_set
from services.examples import select
from services.fingerprints import Fingerprints
from services.following import RUN, followed
from services.models import Models, NewModel, create, deploy
from services.outbox import Outbox, record
from services.remaking import Remaking
from services.retraining import Retraining, end
from services.run_checkpoints import RunCheckpoints
from store import clock
from store.blobs import Blobs
from store.database import atomically
from store.tables import Label, ModelState, ModelVersion, RunState, TrainingRun

LEASE = timedelta(seconds=10)
HEARTBEAT_SECONDS = 0.5
GIVING_BACK_SECONDS = 3.0
DATABASE_AWAY = (DBConnectionError, OperationalError, OSError)
MAX_LOSSES = 3
"""Of whoever carries a run through, by a crash or a kill; a server that is stopped gives its run back."""
LABELS_AT_ONCE = 1000
SILENT_SECONDS = 1800.0
"""So long a trainer may take to say something, or several times as long as it expects to take yet."""
TIMES_EXPECTED = 5
ANEW: dict[str, Any] = {"epoch": 0, "loss": None, "losses": None}
"""What is told of a run that has no checkpoint to go on from."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """What the trainer says as it goes."""

    state: RunState
    epoch: int
    loss: float | None
    seconds_left: float | None = None
    """Until it is judged, by what its phases have taken so far."""


class Trainer(Protocol):
    """Whatever trains: a process of low priority beside the server, or a worker elsewhere."""

    def train(self, folder: Path) -> AsyncGenerator[Progress | None]:
        """Learn from what `services.training_set` laid out and leave the candidate and the outcome there.

        Says None now and then while it has nothing to tell because the machine's processors are others'.
        Closed early, it stops at once.

        Raises:
            TrainerFailed: it ended without an outcome.
        """
        ...


class TrainerFailed(Exception):
    """The trainer ended without an outcome; the text holds the last lines of its log."""


class LeaseLost(Exception):
    """The run was cancelled, or somebody else took it over."""


@dataclass(frozen=True)
class Training:
    """The reaction to a request for retraining; it may come twice and does its work once."""

    outbox: Outbox
    blobs: Blobs
    models: Models
    retraining: Retraining
    trainer: Trainer
    fingerprints: Fingerprints
    remaking: Remaking
    scratch: Path

    async def train(self, event: RetrainingRequested) -> None:
        """Carry the run through, unless it has ended or is somebody else's.

        Cancelled, since the server stops, it gives the run back, and whoever comes next goes on from its last
        checkpoint, or begins anew where what is learned from has become another.
        """
        seized: list[TrainingRun] = []
        try:
            with followed({RUN: str(event.run_id)}):
                run = await self._take(event.run_id, seized)
                if run is not None:
                    await self._carry_to_an_end(run)
        except asyncio.CancelledError:
            for held in seized:
                await _give_back(held)
            raise

    async def _carry_to_an_end(self, run: TrainingRun) -> None:
        try:
            await self._carry_through(run)
            # After a failure or a cancellation, the next run waits for a label or an administrator.
            await self.retraining.start_if_due()
        except* LeaseLost:
            logger.info("run %d: stopped, it was cancelled or taken over", run.id)
        except* Exception as errors:
            logger.exception("run %d failed", run.id)
            await end(self.outbox, run, RunState.FAILED, "; ".join(str(error) for error in errors.exceptions))
        if not await TrainingRun.filter(id=run.id, slot=1).exists():
            await run_checkpoints.forget(self.blobs, run.id)

    async def _take(self, run_id: int, seized: list[TrainingRun]) -> TrainingRun | None:
        """The run, once it is ours; it is noted in ``seized`` even where we are cancelled at that moment."""
        while True:
            run, taken = await atomically(partial(_seize, run_id, seized, await clock.now()))
            if run is None or run.slot is None:
                return None
            if taken and run.lost < MAX_LOSSES:
                return run
            if taken:
                reason = await asyncio.to_thread(attempts.obituary, self.scratch, run.id, run.lost)
                await end(self.outbox, run, RunState.FAILED, reason)
                return None
            # Held: by another process, or by one that died and whose lease has to run out.
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _carry_through(self, run: TrainingRun) -> None:
        self.scratch.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(attempts.keep_logs_alone, self.scratch, run.id)
        with tempfile.TemporaryDirectory(dir=self.scratch, prefix=attempts.prefix(run.id)) as name:
            async with asyncio.TaskGroup() as group:
                heartbeat = group.create_task(self._keep_lease(run))
                incumbent, taught_by = await self._learn(run, Path(name))
                heartbeat.cancel()
            # Without the heartbeat, which would take the end of the run for its loss; the fence guards it.
            await self._conclude(run, incumbent, taught_by, Path(name))

    async def _keep_lease(self, run: TrainingRun) -> None:
        """A database that is away for a moment ends no run: the lease outlasts it.

        It runs out by the database's clock, since those of two machines differ, and by the monotonic one
        while the database is away.
        """
        renewed = monotonic()
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            began = monotonic()
            try:
                until = await clock.now() + LEASE
                if not await TrainingRun.held(run.id, run.fence).update(lease_until=until):
                    raise LeaseLost
                renewed = began
            except DATABASE_AWAY:
                left = renewed + LEASE.total_seconds() - monotonic()
                if left <= 0:
                    raise
                logger.warning("run %d: the database is away, the lease lasts for %.0f s", run.id, left)

    async def _learn(self, run: TrainingRun, folder: Path) -> tuple[ModelVersion, list[int]]:
        """Have a candidate made; the model to be judged against, and the labels that taught, by id."""
        await self.remaking.until_labelled_are_made()
        await self.fingerprints.complete()
        incumbent = await self.models.in_service()
        policy = await self.retraining.policies.in_force()
        taught_by = await self._gather(run, incumbent.extractor, policy.share_per_user, folder)
        checkpoints = RunCheckpoints(self.blobs, run.id, folder / training_set.CHECKPOINTS)
        changes = {"left_out": run.left_out} | ({} if await checkpoints.bring() else ANEW)
        if not await TrainingRun.held(run.id, run.fence).update(**changes):
            raise LeaseLost
        run.update_from_dict(changes)
        data = await self.blobs.get(incumbent.key)
        await asyncio.to_thread((folder / training_set.INCUMBENT_FILE).write_bytes, data)
        task = {
            "head": incumbent.head,
            "epochs": run.epochs,
            "seed": run.id,
            "incumbent": incumbent.number,
            "margins": asdict(policy.margins),
            "costs": await _costs(incumbent.head),
        }
        await asyncio.to_thread((folder / training_set.TASK_FILE).write_text, json.dumps(task))
        with tracing.span("learn"):
            await self._follow(run, folder, checkpoints)
        return incumbent, taught_by

    async def _gather(self, run: TrainingRun, extractor: str, share: float, folder: Path) -> list[int]:
        """Lay out what the run learns from, which is not kept in memory; the labels that teach, by id."""
        selection = await select(extractor, share, self.fingerprints.holdout)
        used = await training_set.lay_out(selection.examples, extractor, self.blobs, folder)
        run.left_out = selection.left_out(used)
        return [example.label.id for example in used if not example.holdout]

    async def _follow(self, run: TrainingRun, folder: Path, checkpoints: RunCheckpoints) -> None:
        """Note what the trainer says, until its end."""
        last: Progress | None = None
        async with aclosing(self.trainer.train(folder)) as progress:
            async for step in _told(progress, folder):
                await self._note(run, step, last)
                await checkpoints.keep()
                last = step

    async def _note(self, run: TrainingRun, step: Progress, last: Progress | None) -> None:
        """Keep a step, and tell of it, unless all that is new since the last one is the time left."""
        left = step.seconds_left
        is_news = last is None or (last.state, last.epoch) != (step.state, step.epoch)
        learned_by = None if left is None else datetime.now(UTC) + timedelta(seconds=left)

        # Neither JSON nor MySQL has a word for a loss that has diverged.
        loss = step.loss if step.loss is not None and math.isfinite(step.loss) else None
        known: list[float | None] = run.losses or []
        # A step may tell of the last epoch again, or of one before it, whose checkpoint is taken up.
        before = [*known, *([loss] * step.epoch)][: step.epoch - 1]
        losses = [*before, loss]

        async def write() -> None:
            changes = {"state": step.state, "epoch": step.epoch, "loss": loss, "losses": losses}
            if not await TrainingRun.held(run.id, run.fence).update(**changes, learned_by=learned_by):
                raise LeaseLost
            if is_news:
                moment = (step.state, step.epoch, loss, step.seconds_left)
                await record(TrainingProgressed(run.id, *moment, left_out=run.left_out))

        await self.outbox.commit(write)
        if is_news:
            told = {"state": step.state, "epoch": step.epoch, "loss": loss}
            logger.info("run %d goes on", run.id, extra={"fields": told})
        run.epoch, run.loss, run.losses = step.epoch, loss, losses

    async def _conclude(
        self, run: TrainingRun, incumbent: ModelVersion, taught_by: Sequence[int], folder: Path
    ) -> None:
        outcome = json.loads(await asyncio.to_thread((folder / training_set.OUTCOME_FILE).read_text))
        data = await asyncio.to_thread((folder / training_set.CANDIDATE_FILE).read_bytes)
        candidate = _candidate(outcome, data, incumbent, run.left_out)
        sha256 = await self.models.keep(candidate)

        async def write() -> None:
            # The one conditional update that names the fence: a stale holder changes nothing.
            if not await TrainingRun.held(run.id, run.fence).update(slot=None, finished_at=datetime.now(UTC)):
                raise LeaseLost
            model = await create(candidate, sha256, ModelState.CANDIDATE)
            for start in range(0, len(taught_by), LABELS_AT_ONCE):
                ids = taught_by[start : start + LABELS_AT_ONCE]
                # Locked, since an image that is deleted at this moment takes its labels along.
                await model.labels.add(*await Label.filter(id__in=ids).select_for_update())
            state = await _decide(model, incumbent, outcome)
            await TrainingRun.filter(id=run.id).update(state=state, model_id=model.id)
            await record(TrainingProgressed(run.id, state, run.epoch, run.loss, left_out=run.left_out))

        try:
            await self.outbox.commit(write)
        except IntegrityError:  # another model was put in service at this very moment
            await self.outbox.commit(write)
        await self.models.refresh()


async def _told(progress: AsyncGenerator[Progress | None], folder: Path) -> AsyncIterator[Progress]:
    """What the trainer tells, until its end; one that hangs would hold the run for ever."""
    expected = 0.0
    while True:
        seconds = max(SILENT_SECONDS, TIMES_EXPECTED * expected)
        try:
            async with asyncio.timeout(seconds):
                step = await anext(progress)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            words = await asyncio.to_thread(attempts.last_words, folder)
            reason = (
                f"the trainer hung: it had reported nothing for {timedelta(seconds=round(seconds))} hours"
            )
            raise TrainerFailed(f"{reason} and was stopped:\n{words}") from error
        if step is not None:
            expected = step.seconds_left or 0.0
            yield step


async def _costs(head: str) -> dict[str, float] | None:
    """What the phases of the last run of such a head took, see `services.pace`; None before the first."""
    last = await ModelVersion.filter(head=head).order_by("-number").first()
    found: dict[str, float] | None = ((last.record if last else None) or {}).get("pace")
    return found


async def _give_back(run: TrainingRun) -> None:
    """Let go of a run. Where the database does not answer either, the lease runs out by itself."""
    try:
        async with asyncio.timeout(GIVING_BACK_SECONDS):
            # With another fence, since a heartbeat that was on its way to the database may come after this.
            held = TrainingRun.held(run.id, run.fence)
            await held.update(fence=F("fence") + 1, lease_until=None)
    except Exception:
        logger.exception("run %d: not given back, its lease has to run out", run.id)


async def _seize(run_id: int, seized: list[TrainingRun], now: datetime) -> tuple[TrainingRun | None, bool]:
    """The run, and whether it is ours now; in one transaction, lest we take another's fence for ours.

    ``now`` is by the database's clock, and takes no lease too early for lying in the past a little.
    """
    unknown = {"learned_by": None, "left_out": None}
    changes = {"fence": F("fence") + 1, "lease_until": now + LEASE, "state": RunState.TRAINING, **unknown}
    taken = await TrainingRun.abandoned(run_id, now).update(**changes, lost=F("lost") + 1)
    taken = taken or await TrainingRun.free(run_id).update(**changes)
    run = await TrainingRun.get_or_none(id=run_id)
    if taken and run is not None:
        seized.append(run)
    return run, bool(taken)


async def _decide(model: ModelVersion, incumbent: ModelVersion, outcome: Mapping[str, Any]) -> RunState:
    """Promote, reject or leave it to an administrator, within the transaction under way."""
    passed, current = outcome["promote"] or outcome["awaits"], await lookups.deployment()
    if passed and current is not None and current.model_id == incumbent.id:
        if outcome["awaits"]:
            return RunState.AWAITING
        await deploy(model.id, model.verdict or "", None)
        return RunState.PROMOTED
    model.state = ModelState.REJECTED
    if passed:
        model.verdict = "Rejected: another model was put in service while this one was trained."
    await model.save(update_fields=["state", "verdict"])
    return RunState.REJECTED


def _candidate(
    outcome: dict[str, Any], data: bytes, incumbent: ModelVersion, left_out: dict[str, int] | None
) -> NewModel:
    return NewModel(
        data=data,
        backbone=incumbent.backbone,
        head=outcome["head"],
        extractor=incumbent.extractor,
        trained_on=outcome["trainedOn"],
        evaluation=outcome["evaluation"],
        verdict=outcome["verdict"],
        record=outcome["record"] | {"left_out": left_out},
    )
