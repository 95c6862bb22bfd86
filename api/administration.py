"""What an operator does at the command line: migrations, the first administrator, the models' cards."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Annotated

import typer

from api.mail import post_of
from api.preparation import CannotStart, find_database, make_data_folder, prepare_database
from api.settings import Settings
from events.memory import InProcessLog
from services import addresses
from services.accounts import Accounts
from services.counting import count_of
from services.door import Door
from services.errors import Refused
from services.journal import DatabaseJournal
from services.outbox import Outbox
from services.second_factor import SecondFactors
from services.sessions import Sessions
from store.database import open_database
from store.database_faults import shown
from store.tables import User


def migrate() -> None:
    """Bring the database's tables up to date."""
    settings = prepared()
    typer.echo(f"The tables of {shown(settings.database)} are up to date.")


def create_admin(email: Annotated[str, typer.Argument(help="the administrator's address")]) -> None:
    """Make an administrator; the password comes from COVIDXR_ADMIN_PASSWORD or from a prompt."""
    settings = prepared()
    password = os.environ.get("COVIDXR_ADMIN_PASSWORD") or _asked_for()
    try:
        user, is_new = asyncio.run(_create(settings, email, password))
    except Refused as refused:
        for problem in refused.problems:
            typer.echo(f"{problem.field or 'error'}: {problem.message}", err=True)
        raise typer.Exit(1) from refused
    done = "is an administrator" if is_new else "was there: password replaced; is an administrator"
    typer.echo(f"{user.email} {done} and can sign in.")
    typer.echo(f"Database: {shown(settings.database)}")


def reset_second_factor(email: Annotated[str, typer.Argument(help="the account's address")]) -> None:
    """Let somebody who has lost the second factor sign in by the password alone."""
    user = asyncio.run(_reset(found(), email))
    if user is None:
        typer.echo(f"there is no account with the address {email}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{user.email} signs in by the password alone, and has no session any more.")


def end_sessions(
    email: Annotated[str | None, typer.Argument(help="of which account; else of everybody")] = None,
) -> None:
    """Sign an account out everywhere, or everybody: tokens, cookies, sockets and pictures' addresses end."""
    settings = found()
    count = asyncio.run(_end_sessions(settings, email))
    if count is None:
        typer.echo(f"there is no account with the address {email}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{count_of(count, 'session has', 'sessions have')} ended.")
    typer.echo(f"Database: {shown(settings.database)}")


def model_card(
    number: Annotated[int | None, typer.Argument(help="which version; else the one in service")] = None,
) -> None:
    """Print the card of a model version as Markdown, whether it has served or not."""
    settings = found()
    card = asyncio.run(_card(settings, number))
    if card is None:
        which = "no model is in service yet: the first start of the server installs one"
        typer.echo(which if number is None else f"there is no model {number}", err=True)
        raise typer.Exit(1)
    typer.echo(card, nl=False)


def _asked_for() -> str:
    if not sys.stdin.isatty():
        raise CannotStart("there is no terminal to ask for the password: set COVIDXR_ADMIN_PASSWORD.")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def prepared() -> Settings:
    """The settings, once there is a data folder and the tables are up to date.

    Raises:
        CannotStart: the folder or the database cannot be used.
    """
    settings = Settings()
    make_data_folder(settings.data_dir)
    prepare_database(settings)
    return settings


def found() -> Settings:
    """The settings, once there is a database of this version, which is left as it is.

    Raises:
        CannotStart: there is none.
        DatabaseUnusable: it cannot be asked.
    """
    settings = Settings()
    find_database(settings)
    return settings


async def _create(settings: Settings, email: str, password: str) -> tuple[User, bool]:
    """The administrator, and whether the account is new."""
    async with open_database(settings.database):
        outbox, door = Outbox(InProcessLog(DatabaseJournal())), Door()
        accounts = Accounts(outbox, post_of(settings), settings.address, door)
        address, _ = addresses.normalised(email)
        is_new = not await User.filter(email=address).exists()
        return await accounts.create_admin(email, password), is_new


async def _reset(settings: Settings, email: str) -> User | None:
    """Whose second factor has gone, if there was one; None where nobody has the address."""
    address, _ = addresses.normalised(email)
    async with open_database(settings.database):
        outbox = Outbox(InProcessLog(DatabaseJournal()))
        return await SecondFactors(outbox, Door()).reset_by_operator(address)


async def _end_sessions(settings: Settings, email: str | None) -> int | None:
    """How many there were; None where nobody has the address."""
    async with open_database(settings.database):
        sessions = Sessions(Outbox(InProcessLog(DatabaseJournal())))
        address = None if email is None else addresses.normalised(email)[0]
        if address is not None and not await User.filter(email=address).exists():
            return None
        return await sessions.end_by_operator(address)


async def _card(settings: Settings, number: int | None) -> str | None:
    """The card as Markdown; None where there is no such version."""
    from services.model_card import as_markdown
    from services.model_cards import any_card

    async with open_database(settings.database):
        card = await any_card(number)
        return as_markdown(card) if card else None
