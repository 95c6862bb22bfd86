"""Runs on the trainer's real process: killed or cancelled, they end soon, say why and free their labels."""

import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.wiring import Parts
from services.platform import Platform
from services.training import LEASE
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


async def begun(platform: Platform, tmp_path: Path) -> int:
    """The process of a run's trainer, once it has done an epoch."""
    chief = await admin()
    await Label.create(
        image=await image(chief, failure="no pixels"), finding=Finding.COVID, submitted_by=chief
    )
    await platform.retraining.request(chief)
    pid = int(await written(tmp_path / "pid"))
    await eventually(lambda: TrainingRun.exists(state=RunState.TRAINING, epoch=1))
    return pid


async def test_a_killed_trainer_is_found_and_its_log_is_kept(platform: Platform, tmp_path: Path) -> None:
    pid = await begun(platform, tmp_path)
    assert await Label.unclaimed().count() == 0
    killed = datetime.now(UTC)
    os.kill(pid, signal.SIGKILL)
    run = await eventually(lambda: TrainingRun.get_or_none(slot=None))
    assert (run.state, run.model_id) == (RunState.FAILED, None)
    assert run.finished_at <= killed + LEASE
    assert str(run.error).splitlines() == [
        "the trainer ended with status -9 (SIGKILL):",
        "all features are read",
        "TRAINING epoch 1 loss 0.5",
    ]
    assert await Label.unclaimed().count() == 1


async def test_cancelled_a_trainer_stops_within_two_seconds(platform: Platform, tmp_path: Path) -> None:
    """By the moment in the run's row, and the last that the trainer wrote down itself."""
    pid = await begun(platform, tmp_path)
    run = await platform.retraining.cancel(await admin("second@hospital.example"))
    await eventually(lambda: _gone(pid))
    last = float((tmp_path / "stamps").read_text().splitlines()[-2])
    assert datetime.fromtimestamp(last, UTC) - run.finished_at < timedelta(seconds=2)
    assert run.state is RunState.CANCELLED
    assert await Label.unclaimed().count() == 1


async def _gone(pid: int) -> bool:
    return not is_alive(pid)


async def test_the_time_left_is_told_while_it_learns(platform: Platform, tmp_path: Path) -> None:
    await begun(platform, tmp_path)
    run = await TrainingRun.get()
    assert run.learned_by is not None
    assert timedelta(seconds=60) < run.learned_by - datetime.now(UTC) <= timedelta(seconds=120)
    await platform.retraining.cancel(await admin("second@hospital.example"))
