"""Files and folders that outlast a crash of the machine, and the disk that does not take them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)


class NotKept(OSError):
    """The disk did not take what was to be written, and nothing is left of it."""


class DiskFull(NotKept):
    """It has no room."""


class NotWritable(NotKept):
    """It can only be read, or this user may only read there."""


def settle(path: Path) -> None:
    """See that a file's bytes, or what has been made or renamed in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
