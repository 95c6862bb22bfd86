"""Files and folders that outlast a crash of the machine, and the disk that has no room for them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class DiskFull(OSError):
    """The disk has no room for what was to be written, and nothing is left of it."""


def settle(path: Path) -> None:
    """See that a file's bytes, or what has been made or renamed in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
