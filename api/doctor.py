"""`covidxr doctor`: what is wrong with an installation, and how to mend it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from typing import Annotated

import typer
from obstore.exceptions import BaseError as BlobsError
from pydantic import ValidationError

from api import doctor_parts, terminal
from api.preparation import FILE_REMEDY, S3_REMEDY
from api.settings import Settings, complaints, unknown_settings
from services.checkup import Checked, Level, fault, ok, warning
from services.checkup_rows import of_engine, of_retention, of_rows
from store.blobs import Blobs
from store.database import open_database
from store.database_faults import DatabaseUnusable, explained, shown
from store.engine import engine
from store.migrating import known

BLOBS_SECONDS = 15


def doctor(
    everything: Annotated[
        bool,
        typer.Option("--all", help="every image, the whole trail and SQLite's whole file; may take hours"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """Say what is wrong with this installation and how to mend it; the exit status is 1 for a fault."""
    levels = asyncio.run(_told(everything, as_json))
    faults, warnings = levels.count(Level.FAULT), levels.count(Level.WARNING)
    if not as_json:
        typer.echo(f"Faults: {faults}. Warnings: {warnings}.")
    if faults:
        raise typer.Exit(1)


async def _told(everything: bool, as_json: bool) -> list[Level]:
    levels = []
    async for line in _checked(everything):
        levels.append(line.level)
        typer.echo(json.dumps(asdict(line), ensure_ascii=False) if as_json else _written(line))
    return levels


def _written(line: Checked) -> str:
    remedy = f"\n{'':23}→ {line.remedy}" if line.remedy else ""
    return f"{line.level:8} {line.part:13} {line.words}{remedy}"


async def _checked(everything: bool) -> AsyncIterator[Checked]:
    for name in unknown_settings():
        yield warning("settings", *doctor_parts.parted(name.replace(": ", ". ", 1)))
    try:
        settings = Settings()
    except ValidationError as error:
        for complaint in complaints(error):
            yield fault("settings", complaint, "mend it, and look again")
        return
    yield ok("settings", "can be used")
    for line in _of_place(settings):
        yield line
    yield await doctor_parts.of_mail(settings)
    for line in await doctor_parts.of_events(settings):
        yield line
    async for line in _of_state(settings, everything):
        yield line


def _of_place(settings: Settings) -> Iterator[Checked]:
    yield from doctor_parts.of_folder(settings)
    yield doctor_parts.of_key(settings)
    yield from doctor_parts.of_address(settings)


async def _of_state(settings: Settings, everything: bool) -> AsyncIterator[Checked]:
    """Blobs, classifier and database, and what lies in one against what lies in the others."""
    line, blobs = await _of_store(settings)
    yield line
    lines, network = doctor_parts.of_classifier(settings)
    for line in lines:
        yield line
    if (file := settings.database_file) and not file.exists():
        setting = "COVIDXR_DATABASE_URL" if settings.database_url else "COVIDXR_DATA_DIR"
        yield doctor_parts.not_there("database", shown(settings.database), file, setting)
        return
    for line in doctor_parts.of_way_to_database(settings.database):
        yield line
    try:
        async with open_database(settings.database, answer_seconds=None):
            with explained(settings.database):
                async for line in _of_database(settings, blobs, network, everything):
                    yield line
    except DatabaseUnusable as error:
        yield fault("database", *doctor_parts.parted(str(error)))


async def _of_database(
    settings: Settings, blobs: Blobs | None, network: str | None, everything: bool
) -> AsyncIterator[Checked]:
    found = await engine()
    for line in of_engine(found):
        yield line
    if found.migrations != known():
        return
    async for line in of_rows(everything):
        yield line
    yield await of_retention(settings.retained)
    if blobs is not None:
        async for line in _of_what_rows_name(blobs, network, everything):
            yield line


async def _of_what_rows_name(blobs: Blobs, network: str | None, everything: bool) -> AsyncIterator[Checked]:
    from api.decoders import DecoderProcesses
    from services import checkup_blobs  # brings jax

    try:
        async for line in checkup_blobs.of_models(blobs, network):
            yield line
        with terminal.bar() as progress:
            follow = terminal.counted(progress, "images")
            async for line in checkup_blobs.of_images(blobs, DecoderProcesses(), everything, follow):
                yield line
    except (BlobsError, OSError) as error:
        reason = str(error).partition("\n")[0]
        yield fault("blobs", f"not all can be read: {reason}", "see to the store, and who may read it")


async def _of_store(settings: Settings) -> tuple[Checked, Blobs | None]:
    """How it is with the blobs, and the blobs where they can be used."""
    from services import checkup_blobs  # brings jax

    folder = settings.blobs_folder
    if folder and not folder.exists():
        setting = "COVIDXR_BLOBS_URL" if settings.blobs_url else "COVIDXR_DATA_DIR"
        return doctor_parts.not_there("blobs", settings.blobs, folder, setting), None
    try:
        async with asyncio.timeout(BLOBS_SECONDS):
            blobs = Blobs(settings.blobs)
            return await checkup_blobs.of_store(blobs), blobs
    except (BlobsError, OSError) as error:
        reason = str(error).partition("\n")[0] or f"no answer within {BLOBS_SECONDS} s"
        remedy = FILE_REMEDY if folder else S3_REMEDY
        return fault("blobs", f"{settings.blobs} cannot be used: {reason}", remedy), None
