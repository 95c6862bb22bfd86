"""What tests of training runs share: a trainer that lets them in, labels that start runs, how runs end."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.wiring import Parts
from ml.splits import in_holdout
from services.errors import Code, Refused
from services.platform import Platform
from services.training import Progress
from store.tables import (
    Finding,
    Image,
    JournalEntry,
    Label,
    RunState,
    RunTrigger,
    TrainingRun,
    User,
)
from tests.people import eventually
from tests.stand_ins import ScriptedTrainer, picture
from tests.uploading import upload

THRESHOLD = 3  # of the fixture `settings`


@dataclass
class Hooked(ScriptedTrainer):
    """Lets a test do something while a model is trained, and tells whether it was closed."""

    during: Callable[[], Awaitable[object]] | None = None
    at: RunState = RunState.EVALUATING
    closed: int = 0

    async def train(self, folder: Path) -> AsyncGenerator[Progress]:
        try:
            async for step in super().train(folder):
                yield step
                if self.during and step.state is self.at:
                    await self.during()
        finally:
            self.closed += 1


async def label(platform: Platform, by: User, count: int, first: int = 0) -> list[Image]:
    """So many new images with their truth, all of which teach."""
    pictures = [picture(number, 0.3) for number in range(first, first + count)]
    return await upload(platform, by, *pictures, finding=Finding.COVID, patient_ref=patients(False)[0])


def patients(held_out: bool, count: int = 1) -> list[str]:
    """References of patients whose images are held out, or are not."""
    names = (f"patient-{number}" for number in range(1000))
    return [name for name in names if in_holdout(name) is held_out][:count]


async def ended(count: int = 1) -> list[TrainingRun]:
    """All runs, once so many have ended and none is under way."""

    async def all_have() -> list[TrainingRun]:
        runs = await TrainingRun.all().order_by("id")
        return runs if len(runs) >= count and all(run.slot is None for run in runs) else []

    return await eventually(all_have)


async def training() -> TrainingRun:
    """The run under way, once it trains."""
    return await eventually(lambda: TrainingRun.get_or_none(slot=1, state=RunState.TRAINING, epoch__gt=0))


async def refusal(doing: Awaitable[object]) -> Code:
    with pytest.raises(Refused) as refused:
        await doing
    (problem,) = refused.value.problems
    return problem.code


async def interrupted(fence: int, lease: timedelta, lost: int = 0) -> TrainingRun:
    """A run that somebody holds, or held when he died, and of which nobody else has been told."""
    run = await TrainingRun.create(
        slot=1,
        state=RunState.TRAINING,
        trigger=RunTrigger.ADMIN,
        epochs=2,
        fence=fence,
        lost=lost,
        lease_until=datetime.now(UTC) + lease,
    )
    run.label_count = await Label.unclaimed().update(claimed_by_id=run.id)
    await run.save()
    return run


async def states_told(run: TrainingRun) -> list[tuple[str, int]]:
    """What subscribers heard of a run."""
    rows = await JournalEntry.filter(kind="TrainingProgressed").order_by("position")
    payloads = [row.payload for row in rows if row.payload["run_id"] == run.id]
    return [(payload["state"], payload["epoch"]) for payload in payloads]


async def training_at(state: RunState) -> TrainingRun:
    return await eventually(lambda: TrainingRun.get_or_none(slot=1, state=state))


def laid_out(parts: Parts) -> dict[str, bool]:
    """The last run's images by SHA-256, and whether each was held out."""
    folder = parts.trainer.folders[-1]
    return dict(zip(folder["sha256"].tolist(), folder["holdout"].tolist(), strict=True))


async def same(asking: Awaitable[object], expected: object) -> bool:
    return await asking == expected


async def last_told(run: TrainingRun) -> tuple[str, int]:
    return (await states_told(run))[-1]
