"""`covidxr audit`: what an operator or an auditor checks."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from api import terminal
from api.administration import prepared
from api.settings import Settings
from services.trail_check import Checked, check
from store.database import open_database
from store.database_faults import shown

app = typer.Typer(help="The trail of who did what when.", no_args_is_help=True)


@app.command()
def verify(
    expect: Annotated[
        str | None, typer.Option(help="the hash that an earlier check printed, which has to be there still")
    ] = None,
) -> None:
    """Walk the whole trail: the exit status is 1 where an entry was changed, removed or inserted."""
    settings = prepared()
    found = asyncio.run(_checked(settings, expect.strip().lower() if expect else None))
    if found.fault:
        typer.echo(found.fault, err=True)
        typer.echo(f"The {found.entries} entries before fit, up to the hash {found.head}.", err=True)
        raise typer.Exit(1)
    waiting = f" {found.waiting} more wait to be sealed." if found.waiting else ""
    typer.echo(f"All {found.entries} entries fit.{waiting} Database: {shown(settings.database)}")
    typer.echo(f"Keep the hash of the last elsewhere: {found.head}")


async def _checked(settings: Settings, expect: str | None) -> Checked:
    with terminal.bar() as progress:
        async with open_database(settings.database):
            return await check(expect, terminal.counted(progress, "entries"))
