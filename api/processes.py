"""What all processes that the server starts have in common."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
"""Where they find the modules."""


def status_in_words(code: int) -> str:
    """An exit status; of a negative one, the signal that ended the process."""
    name = next((f" ({one.name})" for one in signal.Signals if one == -code), "")
    return f"status {code}{name}"
