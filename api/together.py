"""Several processes that train as one, on one host or on several, by `jax.distributed`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

LOST_SECONDS = 20
"""A process that has given no sign of life for so long is lost, and the others end."""

Coordinator = Annotated[
    str | None,
    typer.Option(help="HOST:PORT at which the first of several processes awaits the others, to train as one"),
]
Processes = Annotated[int, typer.Option(min=1, help="how many train as one; each with all devices it has")]
Process = Annotated[int, typer.Option(min=0, help="which of them this is: 0 is the first, at --coordinator")]


@dataclass(frozen=True)
class Place:
    """Which of how many processes this is, and where the first one is found."""

    coordinator: str
    processes: int
    process: int


def place_of(coordinator: str | None, processes: int, process: int) -> Place | None:
    """The place that the options name; None of a process alone."""
    if coordinator is None:
        if processes > 1 or process:
            raise typer.BadParameter(
                "is wanted where there are several processes", param_hint="--coordinator"
            )
        return None
    if not coordinator.rpartition(":")[2].isdecimal() or coordinator.startswith(":"):
        raise typer.BadParameter("is HOST:PORT", param_hint="--coordinator")
    if process >= processes:
        raise typer.BadParameter(f"is below --processes, {processes}", param_hint="--process")
    return Place(coordinator, processes, process)


@contextmanager
def together(place: Place | None) -> Iterator[None]:
    """Joined with the other processes, before jax is used; alone where there is no place.

    When one fails or is lost the others end: with a sentence where jax tells by an error, else by jax's words
    and SIGABRT, `LOST_SECONDS` after the last sign of life; so they do where not all come in five minutes.
    """
    if place is None:
        yield
        return
    import jax

    typer.echo(
        f"Process {place.process} of {place.processes}: waiting at {place.coordinator} for all.", err=True
    )
    jax.distributed.initialize(
        place.coordinator, place.processes, place.process, heartbeat_timeout_seconds=LOST_SECONDS
    )
    try:
        yield
    except typer.Exit:
        _leave()
    except Exception as error:  # jax tells of a loss by several kinds
        _leave(
            f"this process ends, and with it the others: it failed, or one of them was lost: {error}. Start "
            "all of them again with the same options; with --checkpoints they go on from the last one"
        )
    jax.distributed.shutdown()


def _leave(reason: str = "") -> None:
    """End here and now: jax would wait for the others, who wait for us."""
    if reason:
        typer.echo(reason, err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
