"""`covidxr audit`: what an operator or an auditor checks."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

import typer

from api import terminal
from api.administration import found
from api.settings import Settings
from services.counting import count_of
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
    settings = found()
    checked = asyncio.run(_checked(settings, _hash(expect) if expect else None))
    if checked.fault:
        typer.echo(checked.fault, err=True)
        before = count_of(checked.entries, "entry before it fits", "entries before it fit")
        typer.echo(f"{before}, up to the hash {checked.head}.", err=True)
        raise typer.Exit(1)
    waiting = f" To be sealed: {checked.waiting} more." if checked.waiting else ""
    entries = count_of(checked.entries, "entry", "entries")
    typer.echo(f"Whole: {entries}.{waiting} Database: {shown(settings.database)}")
    typer.echo(f"Keep the hash of the last elsewhere: {checked.head}")


def _hash(text: str) -> str:
    """A whole one: a part of one would be missed, and the alarm given for a slip of the hand."""
    expected = text.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", expected):
        raise typer.BadParameter("a hash has 64 hexadecimal digits", param_hint="--expect")
    return expected


async def _checked(settings: Settings, expect: str | None) -> Checked:
    with terminal.bar() as progress:
        async with open_database(settings.database):
            return await check(expect, terminal.counted(progress, "entries"))
