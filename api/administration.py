"""What an operator does at the command line: migrations and the first administrator."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from api.settings import Settings
from events.memory import InProcessLog
from services.accounts import Accounts
from services.errors import Refused
from services.journal import DatabaseJournal
from services.outbox import Outbox
from store.database import migrate as migrate_database
from store.database import open_database
from store.tables import User


def migrate() -> None:
    """Bring the database's tables up to date."""
    settings = Settings()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(migrate_database(settings.database))
    typer.echo("The tables are up to date.")


def create_admin(email: Annotated[str, typer.Argument(help="the administrator's address")]) -> None:
    """Make an administrator; the password comes from COVIDXR_ADMIN_PASSWORD or from a prompt."""
    password = os.environ.get("COVIDXR_ADMIN_PASSWORD") or typer.prompt(
        "Password", hide_input=True, confirmation_prompt=True
    )
    try:
        user = asyncio.run(_create(Settings(), email, password))
    except Refused as refused:
        for problem in refused.problems:
            typer.echo(f"{problem.field or 'error'}: {problem.message}", err=True)
        raise typer.Exit(1) from refused
    typer.echo(f"{user.email} is an administrator and can sign in.")


async def _create(settings: Settings, email: str, password: str) -> User:
    from api.wiring import post_of

    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    await migrate_database(settings.database)
    async with open_database(settings.database):
        accounts = Accounts(Outbox(InProcessLog(DatabaseJournal())), post_of(settings), settings.address)
        return await accounts.create_admin(email, password)
