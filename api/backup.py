"""`covidxr backup`: database, blobs and key into a folder, while everything goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from obstore.exceptions import BaseError as BlobsError

from api import terminal
from api.preparation import find_file
from api.secret_key import secret_file
from api.settings import Settings
from services.backing_up import BackedUp, BackingUp
from services.backup_files import BackupUnusable, Manifest
from services.counting import count_of
from store.blobs import Blobs
from store.database import open_database
from store.database_faults import explained
from store.disk import NotKept

Folder = Annotated[Path, typer.Argument(help="the folder of the backup")]
IN_DATABASE, AT_BROKER = "database", "broker"


def backup(folder: Folder) -> None:
    """Back up everything into a folder, while the platform runs; of an earlier backup there, what is new."""
    settings = Settings()
    find_file(settings)
    _check_elsewhere(folder, settings)
    with explained_parts(settings):
        done = asyncio.run(_back_up(settings, folder))
    typer.echo(f"{folder} holds {contents(done.manifest)}; copied: {count_of(done.copied, 'blob')}.")
    if done.lost:
        lost = count_of(done.lost, "blob")
        typer.echo(f"Lost, though rows name them: {lost}. `covidxr doctor --all` names the images.", err=True)
    if settings.secret_key:
        typer.echo("The key of addresses is a setting, COVIDXR_SECRET_KEY, and in no backup: keep it, too.")
    if folder.stat().st_mode & 0o077:
        typer.echo(f"Others may look into {folder}: it holds people's names, films and secrets.", err=True)
    typer.echo(f"Keep this elsewhere, for `covidxr restore --expect`: {done.sha256}")


def contents(manifest: Manifest) -> str:
    """What a backup holds, in words."""
    rows, tables = count_of(manifest.rows, "row"), count_of(len(manifest.tables), "table")
    blobs = f"{count_of(manifest.blobs, 'blob')} ({manifest.bytes / 1e6:.1f} MB)"
    return f"{rows} of {tables} and {blobs}, of {manifest.made_at}"


def _check_elsewhere(folder: Path, settings: Settings) -> None:
    """See that the backup is not lost with what it is of, nor takes up the names of blobs.

    Raises:
        BackupUnusable: it would be.
    """
    for kept in filter(None, (settings.data_dir, settings.blobs_folder)):
        if folder.resolve().is_relative_to(kept.resolve()):
            raise BackupUnusable(
                f"{folder} lies in {kept}, and is lost with it: name a folder elsewhere, on another disk."
            )


@contextmanager
def explained_parts(settings: Settings) -> Iterator[None]:
    """What database and blobs say that cannot be used, in a line."""
    with explained(settings.database):
        try:
            yield
        except (BlobsError, NotKept) as error:  # before the database is blamed for a disk
            reason = str(error).partition("\n")[0]
            raise BackupUnusable(f"the blobs in {settings.blobs} cannot be used: {reason}.") from error


async def _back_up(settings: Settings, folder: Path) -> BackedUp:
    with terminal.bar() as progress:
        rows, blobs = terminal.counted(progress, "rows"), terminal.counted(progress, "blobs")
        async with open_database(settings.database, answer_seconds=None):
            backing_up = BackingUp(
                Blobs(settings.blobs),
                None if settings.secret_key else secret_file(settings.data_dir),
                AT_BROKER if settings.scales_out else IN_DATABASE,
            )
            return await backing_up.back_up(folder, rows, blobs)
