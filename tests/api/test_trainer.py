"""The trainer's process: what it reports, how it ends, and that it steps back and leaves nothing running."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

import api.trainer as trainer_module
from api.trainer import ROOT, TrainerProcess
from services.attempts import LOG_FILE, LOG_LINES
from services.following import followed
from services.training import Progress, TrainerFailed
from store.tables import RunState
from tests.people import eventually

linux = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the system has no /proc")

REAL = """
import os, sys, time, types
from pathlib import Path
def learn(folder, report, beginning):
{body}
sys.modules["services.learning"] = types.SimpleNamespace(learn=learn)
from api.training_process import main
main()
"""


def trainer(body: str, device: str = "auto", log: Sequence[str] = ()) -> TrainerProcess:
    """A trainer with its real process and another lesson: ``body`` knows ``folder`` and ``report``."""
    lesson = "\n".join(f"    {line}" for line in body.splitlines())
    return TrainerProcess(device, (sys.executable, "-c", REAL.format(body=lesson), *log, "beginning"))


async def steps(trained: TrainerProcess, folder: Path) -> list[Progress | None]:
    async with asyncio.timeout(30), aclosing(trained.train(folder)) as progress:
        return [step async for step in progress]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):  # it may end between the two, and while it is read
        return False


async def written(file: Path) -> str:
    """The text of a file, once there is one."""
    return await eventually(lambda: asyncio.sleep(0, file.read_text() if file.exists() else ""))


WARNING = """
import logging, signal
logging.getLogger("ml.runner").warning("anew")
report("TRAINING", 1, 0.5)
os.kill(os.getpid(), signal.SIGKILL)
"""
WAIT = """
report("TRAINING", 1, 0.5)
(folder / "pid.new").write_text(str(os.getpid()))
(folder / "pid.new").rename(folder / "pid")
time.sleep(60)
"""


async def test_reports_as_it_goes(tmp_path: Path) -> None:
    learnt = await steps(
        trainer(
            'report("TRAINING", 1, 0.5, 7.5)\nreport("TRAINING", 2, None)\nreport("EVALUATING", 2, 0.25)'
        ),
        tmp_path,
    )
    assert learnt == [
        Progress(RunState.TRAINING, 1, 0.5, seconds_left=7.5),
        Progress(RunState.TRAINING, 2, None),
        Progress(RunState.EVALUATING, 2, 0.25),
    ]


async def test_a_step_is_told_when_it_is_done_not_at_the_end(tmp_path: Path) -> None:
    async with asyncio.timeout(30), aclosing(trainer(WAIT).train(tmp_path)) as progress:
        assert await anext(progress) == Progress(RunState.TRAINING, 1, 0.5)


async def test_works_in_the_folder_that_it_was_given(tmp_path: Path) -> None:
    folder = tmp_path / "a folder; $(with) 'odd' letters é"
    folder.mkdir()
    assert await steps(trainer('(folder / "outcome").write_text("done")'), folder) == []
    assert (folder / "outcome").read_text() == "done"


async def test_whatever_is_printed_is_no_report(tmp_path: Path) -> None:
    noise = (
        'print("hello")\nos.write(1, b"\\xff raw\\n")\nos.system("echo child")\nreport("TRAINING", 1, 1.5)'
    )
    assert await steps(trainer(noise), tmp_path) == [Progress(RunState.TRAINING, 1, 1.5)]


async def test_a_flood_of_words_holds_nothing_up(tmp_path: Path) -> None:
    flood = 'sys.stderr.write("x" * 5_000_000)\nprint("y" * 5_000_000)\nreport("TRAINING", 1, 1.5)'
    assert len(await steps(trainer(flood), tmp_path)) == 1


async def test_a_failure_tells_the_last_lines_of_the_log(tmp_path: Path) -> None:
    failing = 'report("TRAINING", 1, 1.5)\nfor n in range(99): print("line", n)\nraise MemoryError("é")'
    with pytest.raises(TrainerFailed, match="status 1") as failed:
        await steps(trainer(failing), tmp_path)
    lines = str(failed.value).splitlines()
    assert lines[-1] == "MemoryError: é"
    assert len(lines) == LOG_LINES + 1
    assert "line 0" not in lines


async def test_its_log_tells_of_which_run_it_is_and_its_last_words_do_not(tmp_path: Path) -> None:
    with followed({"request_id": "of-an-upload", "run_id": "7"}), pytest.raises(TrainerFailed) as failed:
        await steps(trainer(WARNING), tmp_path)
    lines = [line[24:] for line in (tmp_path / LOG_FILE).read_text().splitlines()]
    assert lines == [
        " WARNING ml.runner: anew  request_id=of-an-upload run_id=7",
        " INFO    trainer: TRAINING epoch 1 loss 0.5  request_id=of-an-upload run_id=7",
    ]
    assert words_of(failed) == [" WARNING ml.runner: anew", " INFO    trainer: TRAINING epoch 1 loss 0.5"]


def words_of(failed: pytest.ExceptionInfo[TrainerFailed]) -> list[str]:
    """The last lines of its log as people read them, without the times."""
    return [line[24:] for line in str(failed.value).splitlines()[1:]]


async def test_an_end_by_signal_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(TrainerFailed, match="status -9"):
        await steps(trainer(f"os.kill(os.getpid(), {signal.SIGKILL})"), tmp_path)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
async def test_told_to_stop_with_everybody_it_leaves_that_to_its_parent(
    tmp_path: Path, told: signal.Signals
) -> None:
    """Else a run would fail whenever Ctrl+C, or a service manager, stops the server in an orderly way."""
    lesson = f'os.kill(os.getpid(), {told})\nreport("TRAINING", 1, 0.5)'
    assert await steps(trainer(lesson), tmp_path) == [Progress(RunState.TRAINING, 1, 0.5)]


async def test_a_command_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await steps(TrainerProcess("auto", ("/no/such/python",)), tmp_path)


@linux
async def test_closed_it_stops_at_once_and_leaves_nothing_running(tmp_path: Path) -> None:
    async with asyncio.timeout(30), aclosing(trainer(WAIT).train(tmp_path)) as progress:
        await anext(progress)
        pid = int(await written(tmp_path / "pid"))
        assert is_alive(pid)
        waiting = asyncio.create_task(anext(progress))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert not is_alive(pid)


async def test_one_that_hangs_is_killed(tmp_path: Path) -> None:
    """Too busy to notice that its parent has closed the pipe."""
    report = 'print(\'{"state": "TRAINING", "epoch": 1, "loss": null, "secondsLeft": null}\', flush=True)'
    hanging = TrainerProcess("auto", (sys.executable, "-c", f"import time; {report}; time.sleep(60)"))
    async with asyncio.timeout(10), aclosing(hanging.train(tmp_path)) as progress:
        await anext(progress)


@linux
@pytest.mark.parametrize("steps_first", range(0, 9, 2))
async def test_cancelled_at_any_moment_it_leaves_nothing_running(tmp_path: Path, steps_first: int) -> None:
    training = asyncio.create_task(steps(trainer(WAIT), tmp_path))
    for _ in range(steps_first):
        await asyncio.sleep(0)
    training.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait([training])
    assert training.cancelled()
    assert str(tmp_path) not in commands()


def commands() -> str:
    """The command lines of all processes."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes().decode(errors="replace"))
        except OSError:  # ended meanwhile
            continue
    return "\n".join(lines)


@pytest.fixture
async def orphan(tmp_path: Path) -> AsyncIterator[int]:
    """The process of a trainer whose parent is killed."""
    parent = f"""
import asyncio, sys
from pathlib import Path
from tests.api.test_trainer import WAIT, steps, trainer
asyncio.run(steps(trainer(WAIT), Path({str(tmp_path)!r})))
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", parent, cwd=ROOT)
    pid = int(await written(tmp_path / "pid"))
    assert is_alive(pid)
    process.kill()
    await process.wait()
    yield pid
    if is_alive(pid):
        os.kill(pid, signal.SIGKILL)


@linux
async def test_ends_with_its_parent(orphan: int) -> None:
    await eventually(lambda: asyncio.sleep(0, not is_alive(orphan)))


THREADS = """
import numpy as np
square = np.ones((300, 300))
square @ square
for task in os.listdir("/proc/self/task"):
    niceness = Path(f"/proc/self/task/{task}/stat").read_text().rpartition(")")[2].split()[16]
    cores, policy = len(os.sched_getaffinity(int(task))), os.sched_getscheduler(int(task))
    print("thread", niceness, cores, policy, file=open(folder / "threads", "a"))
"""


@linux
async def test_every_thread_of_it_takes_what_is_idle_of_half_of_the_cores(tmp_path: Path) -> None:
    """Also those that numpy starts as it is imported: they inherit what their process had by then."""
    await steps(trainer(THREADS), tmp_path)
    half = (len(os.sched_getaffinity(0)) + 1) // 2
    threads = set((tmp_path / "threads").read_text().splitlines())
    assert threads == {f"thread 19 {half} {os.SCHED_IDLE}"}


@linux
@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="the system has no idle policy")
async def test_it_says_that_it_is_kept_waiting_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_module, "LOOK_SECONDS", 0.3)
    core = max(os.sched_getaffinity(0))
    busy = f"import os; os.sched_setaffinity(0, [{core}])\nwhile True: pass"
    crowding = await asyncio.create_subprocess_exec(sys.executable, "-c", busy)
    crowded = trainer(f"os.sched_setaffinity(0, [{core}])\nreport('TRAINING', 1, 0.5)\nwhile True: pass")
    try:
        async with asyncio.timeout(30), aclosing(crowded.train(tmp_path)) as progress:
            told = [await anext(progress)]
            while told[-2:] != [Progress(RunState.TRAINING, 1, 0.5), None]:
                told.append(await anext(progress))
    finally:
        crowding.kill()
        await crowding.wait()


@linux
async def test_one_that_waits_for_something_else_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_module, "LOOK_SECONDS", 0.1)
    async with asyncio.timeout(30), aclosing(trainer(WAIT).train(tmp_path)) as progress:
        while await anext(progress) is None:
            pass  # as it begins, others may keep it waiting
        await written(tmp_path / "pid")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await anext(progress)


@pytest.mark.parametrize(("device", "platforms"), [("cpu", "cpu"), ("gpu", ""), ("auto", "")])
async def test_runs_on_the_device_that_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, platforms: str
) -> None:
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    tell = 'text = os.environ.get("JAX_PLATFORMS", "") + os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"]'
    await steps(trainer(f'{tell}\n(folder / "told").write_text(text)', device), tmp_path)
    assert (tmp_path / "told").read_text() == f"{platforms}false"
