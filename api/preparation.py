"""What must hold before the platform starts: a data folder of one server, a port, a database, blobs, a model.

Tried before jax is loaded, so that an operator hears at once of what is missing.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path
from tempfile import TemporaryFile
from uuid import uuid4

from obstore.exceptions import BaseError as BlobsError

from api.secret_key import secret_file, secret_of
from api.settings import Settings
from services import lookups
from store.blobs import Blobs
from store.database import migrate, open_database
from store.database_faults import DatabaseUnusable, explained, is_full, shown
from store.engine import engine
from store.migrating import known

LOCK_FILE = "server.lock"
TRIAL_KEY = "written-at-start-up"
BLOBS_SECONDS = 15
S3_REMEDY = (
    "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (of a service other than Amazon's also "
    "AWS_ENDPOINT_URL, with AWS_ALLOW_HTTP=true for http://), or COVIDXR_BLOBS_URL to another place"
)
AS_IT_IS = "Set COVIDXR_DATA_DIR or COVIDXR_DATABASE_URL as the server has them"
FILE_REMEDY = "make it a folder that you can write, or set COVIDXR_BLOBS_URL to another place"


class CannotStart(Exception):
    """Something that an operator can mend; the message is one line with the remedy."""


def make_data_folder(folder: Path) -> None:
    """Make the data folder, its owner's alone, unless it is there; so is what this process makes from now on.

    Raises:
        CannotStart: it cannot be made or written.
    """
    os.umask(0o077)  # in there as well: an operator may have made the folder, for everybody to look into
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise CannotStart(
            f"the data folder {folder} cannot be written: {error.strerror}. "
            "Make it a folder that you can write, or set COVIDXR_DATA_DIR to another."
        ) from error


def try_key(settings: Settings) -> None:
    """Make the key that signs addresses, unless it is there.

    Raises:
        CannotStart: it cannot be read or written.
    """
    with _usable(secret_file(settings.data_dir)):
        secret_of(settings)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the data folder for one server; the system lets go of it however the process ends.

    Raises:
        CannotStart: another server holds it, or it cannot be written.
    """
    file = folder / LOCK_FILE
    with ExitStack() as stack:
        with _usable(file):
            lock = stack.enter_context(open(file, "ab+", buffering=0))
            _lock(lock, folder)
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
        yield


def _lock(file: FileIO, folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        raise CannotStart(
            f"another server (process {file.read().decode() or '?'}) works on the data folder {folder}. "
            "Stop that one, or set COVIDXR_DATA_DIR to another folder."
        ) from error


@contextmanager
def _usable(file: Path) -> Iterator[None]:
    """What keeps a file from being read or written, as CannotStart."""
    try:
        yield
    except OSError as error:
        remedy = "Make room on its disk" if is_full(error) else "Make it this user's own (chown)"
        raise CannotStart(f"{file} cannot be used: {error.strerror}. {remedy}.") from error


def bound(host: str, port: int, setting: str) -> socket.socket:
    """The port, taken before anything that takes long; ``setting`` names it to whoever has to choose another.

    Raises:
        CannotStart: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, UnicodeError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "no name of a host"
        raise CannotStart(f"cannot listen on {host}:{port}: {reason}. {_remedy(error, setting)}") from error
    return listener


def _remedy(error: Exception, setting: str) -> str:
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return f"Stop what listens there, or set {setting} to another port."
        case errno.EACCES:
            return f"Set {setting} to a port from 1024 on, which needs no right."
        case _:
            return "Set COVIDXR_HOST to an address of this machine: 127.0.0.1, or 0.0.0.0 for all of them."


def prepare_database(settings: Settings) -> None:
    """Bring the database's tables up to date.

    Raises:
        CannotStart: it cannot be used.
    """
    try:
        asyncio.run(migrate(settings.database))
    except DatabaseUnusable as error:
        setting = "COVIDXR_DATABASE_URL" if settings.database_url else "COVIDXR_DATA_DIR"
        raise CannotStart(f"{error} ({setting} says where it is).") from error


def find_database(settings: Settings) -> None:
    """See that there is a database of this version. Nothing is made, and nothing is changed.

    Raises:
        CannotStart: there is none, or it is of another version.
        DatabaseUnusable: it cannot be asked.
    """
    find_file(settings)
    if asyncio.run(_migrations(settings.database)) != known():
        raise CannotStart(
            f"the tables of {shown(settings.database)} are not those of this version. {AS_IT_IS}, or run "
            "covidxr migrate."
        )


def find_file(settings: Settings) -> None:
    """See that the file of a SQLite database is there, which would be made else.

    Raises:
        CannotStart: it is not.
    """
    file = settings.database_file
    if file and not file.is_file():
        raise CannotStart(f"there is no database {file}. {AS_IT_IS}.")


async def _migrations(url: str) -> list[str]:
    async with open_database(url):
        with explained(url):
            return (await engine()).migrations


def try_blobs(settings: Settings) -> None:
    """Write a blob and delete it.

    Raises:
        CannotStart: blobs cannot be kept there.
    """
    url = settings.blobs
    try:
        asyncio.run(_write_and_delete(url))
    except (BlobsError, OSError) as error:
        is_silent = isinstance(error, TimeoutError) and not str(error)
        reason = f"no answer within {BLOBS_SECONDS} s" if is_silent else str(error).partition("\n")[0]
        remedy = S3_REMEDY if url.startswith("s3://") else FILE_REMEDY
        raise CannotStart(f"blobs cannot be kept in {url}: {reason}. Remedy: {remedy}.") from error


async def _write_and_delete(url: str) -> None:
    blobs, key = Blobs(url), f"{TRIAL_KEY}-{uuid4().hex}"  # another process may start at the same moment
    async with asyncio.timeout(BLOBS_SECONDS):
        await blobs.put(key, b"")
        await blobs.delete([key])


def try_model(settings: Settings) -> None:
    """Read the file of the model in service, where there is one.

    Raises:
        CannotStart: it is missing or damaged.
    """
    from services.models import ModelFileLost, file_of  # brings jax

    async def read() -> None:
        async with open_database(settings.database):
            if (model := await lookups.model_in_service()) is not None:
                await file_of(model, Blobs(settings.blobs))

    try:
        asyncio.run(read())
    except ModelFileLost as error:
        raise CannotStart(
            f"{error}. Remedy: put it back from a backup into {settings.blobs}, or mend COVIDXR_BLOBS_URL "
            "where that is another place; `covidxr doctor` names all that is damaged."
        ) from error


def compilation_cache(data_dir: Path) -> Path:
    """Where what is compiled is kept; jax's own variable goes first."""
    return Path(os.environ.get("JAX_COMPILATION_CACHE_DIR") or data_dir / "cache" / "jax")
