"""The key that signs addresses of pictures: a setting, or a file in the data folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from api.settings import Settings


def secret_file(data_dir: Path) -> Path:
    """Where it lies where it is no setting."""
    return data_dir / "secret.key"


def secret_of(settings: Settings) -> bytes:
    """The key that signs addresses: as set, or made once, for us alone to read.

    An empty one was left by a crash.
    """
    if settings.secret_key is not None:
        return settings.secret_key.encode()
    file = secret_file(settings.data_dir)
    if not file.exists() or not file.stat().st_size:
        half = file.with_suffix(".new")
        with open(half, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as new:
            new.write(secrets.token_bytes(32))
            new.flush()
            os.fsync(new.fileno())
        half.replace(file)
    return file.read_bytes()
