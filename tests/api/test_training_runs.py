"""Runs on the trainer's real process: killed or cancelled, they end soon, say why and free their labels."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.wiring import Parts
from services import training
from services.platform import Platform
from services.training import LEASE, Progress, Trainer
from store.tables import Finding, Label, RunState, TrainingRun
from tests.api.test_trainer import is_alive, trainer, written
from tests.people import admin, eventually
from tests.store_rows import image

LESSON = """
print("all features are read")
report("TRAINING", 1, 0.5, 120.0)
file = Path("{told}")
file.with_suffix(".new").write_text(str(os.getpid()))
file.with_suffix(".new").rename(file)
while True:
    with open("{stamps}", "a") as stamps:
        print(time.time(), file=stamps)
    time.sleep(0.01)
"""


@pytest.fixture
async def parts(parts: Parts, tmp_path: Path) -> Parts:
    lesson = LESSON.format(told=tmp_path / "pid", stamps=tmp_path / "stamps")
    return replace(parts, trainer=trainer(lesson))


async def asked_for(platform: Platform) -> None:
    """Have a run begin over one label."""
    chief = await admin()
    await Label.create(
        image=await image(chief, failure="no pixels"), finding=Finding.COVID, submitted_by=chief
    )
    await platform.retraining.request(chief)


async def begun(platform: Platform, tmp_path: Path) -> int:
    """The process of a run's trainer, once it has done an epoch."""
    await asked_for(platform)
    pid = int(await written(tmp_path / "pid"))
    await eventually(lambda: TrainingRun.exists(state=RunState.TRAINING, epoch=1))
    return pid


def without_time(run: TrainingRun) -> list[str]:
    """The lines of a run's error, of which those of the trainer's log begin with a moment."""
    return re.sub(r"^[\d-]+T[\d:.]+Z ", "", str(run.error), flags=re.MULTILINE).splitlines()


async def test_a_killed_trainer_is_found_and_its_log_is_kept(platform: Platform, tmp_path: Path) -> None:
    pid = await begun(platform, tmp_path)
    assert await Label.unclaimed().count() == 0
    killed = datetime.now(UTC)
    os.kill(pid, signal.SIGKILL)
    run = await eventually(lambda: TrainingRun.get_or_none(slot=None))
    assert (run.state, run.model_id) == (RunState.FAILED, None)
    assert run.finished_at <= killed + LEASE
    assert without_time(run) == [
        "the trainer ended with status -9 (SIGKILL):",
        "all features are read",
        "INFO    trainer: TRAINING epoch 1 loss 0.5",
    ]
    assert await Label.unclaimed().count() == 1


HANG = """
print("all features are read")
Path("{told}").write_text(str(os.getpid()))
report("TRAINING", 1, 0.5, 0.01)
os.kill(os.getpid(), signal.SIGSTOP)
"""


@dataclass
class LosesPatience:
    """A trainer that is let begin in peace, and of which a word is expected soon from then on."""

    trainer: Trainer
    monkeypatch: pytest.MonkeyPatch

    async def train(self, folder: Path) -> AsyncGenerator[Progress]:
        async with aclosing(self.trainer.train(folder)) as steps:
            async for step in steps:
                self.monkeypatch.setattr(training, "SILENT_SECONDS", 1.0)
                yield step


async def test_a_trainer_that_hangs_is_missed_and_its_labels_are_free(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = trainer("import signal" + HANG.format(told=tmp_path / "pid"))
    object.__setattr__(platform.training, "trainer", LosesPatience(hanging, monkeypatch))
    await asked_for(platform)
    run = await eventually(lambda: TrainingRun.get_or_none(slot=None))
    assert (run.state, run.model_id) == (RunState.FAILED, None)
    assert without_time(run) == [
        "the trainer hung: it had reported nothing for 0:00:01 hours and was stopped:",
        "all features are read",
        "INFO    trainer: TRAINING epoch 1 loss 0.5",
    ]
    assert not is_alive(int((tmp_path / "pid").read_text()))
    assert await Label.unclaimed().count() == 1


async def test_cancelled_a_trainer_stops_within_two_seconds(platform: Platform, tmp_path: Path) -> None:
    """By the moment in the run's row, and the last that the trainer wrote down itself."""
    pid, stamps = await begun(platform, tmp_path), tmp_path / "stamps"
    await eventually(lambda: asyncio.to_thread(_has_lines, stamps, 2))
    run = await platform.retraining.cancel(await admin("second@hospital.example"))
    await eventually(lambda: _gone(pid))
    last = float(stamps.read_text().splitlines()[-2])
    assert datetime.fromtimestamp(last, UTC) - run.finished_at < timedelta(seconds=2)
    assert run.state is RunState.CANCELLED
    assert await Label.unclaimed().count() == 1


def _has_lines(file: Path, count: int) -> bool:
    return file.exists() and len(file.read_text().splitlines()) >= count


async def _gone(pid: int) -> bool:
    return not is_alive(pid)


async def test_the_time_left_is_told_while_it_learns(platform: Platform, tmp_path: Path) -> None:
    await begun(platform, tmp_path)
    run = await TrainingRun.get()
    assert run.learned_by is not None
    assert timedelta(seconds=60) < run.learned_by - datetime.now(UTC) <= timedelta(seconds=120)
    await platform.retraining.cancel(await admin("second@hospital.example"))
