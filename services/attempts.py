"""What attempts at a run leave in its folders, one for each attempt, where the server died over it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from services.following import CAUSE, EVENT, REQUEST, RUN

LOG_FILE = "trainer.log"
LOG_LINES = 20
IDS = re.compile(rf"\s+(?:{'|'.join((REQUEST, EVENT, CAUSE, RUN))})=\S+")


def prefix(run_id: int) -> str:
    """How the names of a run's folders begin."""
    return f"run-{run_id}-"


def last_words(folder: Path) -> str:
    """The last lines of the trainer's log, for people; nothing where it wrote none."""
    file = folder / LOG_FILE
    lines = file.read_text(errors="replace").splitlines()[-LOG_LINES:] if file.exists() else []
    readable = [words for line in lines for words in _readable(line).splitlines()]
    return "\n".join(readable[-LOG_LINES:])


def _readable(line: str) -> str:
    """A line without the ids, which are no words for people; also of a log whose lines are objects."""
    try:
        told = json.loads(line)
        message = r"\n".join(told["message"].splitlines())
        trace = [f"    {one}" for one in told.get("exception", "").splitlines()]
        return "\n".join([f"{told['time']} {told['level']:7} {told['logger']}: {message}", *trace])
    except (ValueError, TypeError, KeyError, AttributeError):  # a line of text, or what a library has printed
        return IDS.sub("", line)


def keep_logs_alone(scratch: Path, run_id: int) -> None:
    """Make room for another attempt; whoever gives the run up will want to see the logs."""
    for folder in _folders(scratch, run_id):
        for found in folder.iterdir():
            if found.is_dir():
                shutil.rmtree(found)
            elif found.name != LOG_FILE:
                found.unlink()


def obituary(scratch: Path, run_id: int, lost: int) -> str:
    """Why a run is given up that was begun so often: the log of the latest attempt that has one."""
    told = f"given up, since the server died or hung {lost} times while it carried the run through"
    for folder in _folders(scratch, run_id):
        if words := last_words(folder):
            return f"{told}; the last lines of the trainer's log:\n{words}"
    return f"{told}; the trainer has left no log here: it had not begun, or ran on another machine"


def _folders(scratch: Path, run_id: int) -> list[Path]:
    """The latest first."""
    folders = scratch.glob(f"{prefix(run_id)}*")
    return sorted(folders, key=lambda folder: folder.stat().st_mtime, reverse=True)
