"""What the processes of the platform have in common."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
"""Where they find the modules."""
ENDING_SECONDS: Final = 5.0


def status_in_words(code: int) -> str:
    """An exit status; of a negative one, the signal that ended the process."""
    name = next((f" ({one.name})" for one in signal.Signals if one == -code), "")
    return f"status {code}{name}"


def let_others_end() -> None:
    """Wait for threads of others that are within Python, before it ends; to be called as a process's last.

    obstore's tell the event loop of a result, and it may be through with that before they are back. Python
    up to 3.13, when it ends itself, ends such a thread where it stands, and that aborts the process.
    """
    until = time.monotonic() + ENDING_SECONDS
    while _strangers() and time.monotonic() < until:
        time.sleep(0.001)


def _strangers() -> set[int]:
    """Threads that run Python now and that Python has not started."""
    return set(sys._current_frames()) - {thread.ident for thread in threading.enumerate()}
