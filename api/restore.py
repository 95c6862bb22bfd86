"""`covidxr restore`: a backup into an empty database, empty blobs and a data folder, wherever they are."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from typing import Annotated

import typer

from api import terminal
from api.backup import IN_DATABASE, Folder, contents, explained_parts
from api.preparation import held, make_data_folder, try_blobs
from api.secret_key import secret_file
from api.settings import Settings
from services import backup_files
from services.backing_up import check_version
from services.backup_files import Whole, writable
from services.restoring import SESSIONS, Place, Restoring
from services.waking import wake
from store.blobs import Blobs
from store.database import open_database
from store.database_faults import shown


def restore(
    folder: Folder,
    expect: Annotated[str | None, typer.Option(help="the SHA-256 that the backup printed")] = None,
    check: Annotated[bool, typer.Option("--check", help="check the backup, and restore nothing")] = False,
    end_sessions: Annotated[
        bool, typer.Option("--end-sessions", help="leave out sessions, and links of mails")
    ] = False,
) -> None:
    """Restore a backup into an empty place, once every file of it has been checked."""
    with writable(folder):
        found = backup_files.read(folder, expect.strip().lower() if expect else None)
        check_version(found.manifest.migrations, f"the backup in {folder}")
        with terminal.bar() as progress:
            found.check(terminal.counted(progress, "blobs checked"))
    if check:
        typer.echo(f"Whole: {contents(found.manifest)}.")
        return
    _restore(Settings(), found, not end_sessions)
    left = [table for table in found.manifest.tables if not (end_sessions and table.name == SESSIONS)]
    typer.echo(f"Restored and compared: {contents(replace(found.manifest, tables=left))}.")


def _restore(settings: Settings, backup: Whole, with_sessions: bool) -> None:
    make_data_folder(settings.data_dir)
    with ExitStack() as stack:
        if settings.keeps_files:
            stack.enter_context(held(settings.data_dir))
        try_blobs(settings)
        stack.enter_context(explained_parts(settings))
        secret = None if settings.secret_key else secret_file(settings.data_dir)
        place = Place(settings.database, Blobs(settings.blobs), secret)
        asyncio.run(_fill(Restoring(backup, place, with_sessions)))
        if settings.scales_out or backup.manifest.events != IN_DATABASE:
            asyncio.run(_wake(settings.database))
    typer.echo(f"Database: {shown(settings.database)}")
    typer.echo(f"Blobs: {settings.blobs}")


async def _fill(restoring: Restoring) -> None:
    await restoring.check_place()
    with terminal.bar() as progress:
        await restoring.restore_blobs(terminal.counted(progress, "blobs"))
        restoring.restore_secret()
        await restoring.restore_rows(terminal.counted(progress, "rows"))


async def _wake(database: str) -> None:
    async with open_database(database):
        await wake()
