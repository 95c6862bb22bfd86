"""How studies look on a terminal: bars or lines on standard error, tables on standard output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:  # these bring jax, which `covidxr --help` need not wait for
    from ml.evaluation import Evaluation
    from ml.runner import OnEpoch

NOTICE = "For research, not for diagnosis."
LINES = 20
"""For a whole bar, where lines take its place: a training has as many epochs."""


def bar(shown: bool = True) -> Progress:
    """A progress bar for whoever looks on; it leaves lines printed meanwhile alone and goes at the end."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=not (shown and console.is_terminal),
    )


@dataclass
class Lines:
    """What is said in place of a bar where nobody looks on: a line at each twentieth of the way."""

    progress: Progress
    told: int = 0

    def reach(self, done: int, total: int, words: str) -> None:
        """Say in words how far it is, once that is far enough from the last line."""
        twentieth = done * LINES // total
        if self.progress.disable and twentieth > self.told:
            self.told = twentieth
            self.progress.console.out(words, highlight=False)


def counted(progress: Progress, what: str) -> Callable[[int, int], None]:
    """A bar over images, or other things; call it with how many of how many are done."""
    task, lines = progress.add_task(what, total=None), Lines(progress)

    def follow(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total)
        lines.reach(done, total, f"{what}: {done} of {total}")

    return follow


def epochs(progress: Progress, total: int) -> Callable[[str], OnEpoch]:
    """A bar over the epochs of several trainings; call it with what is trained next."""
    task, lines, done = progress.add_task("training", total=total), Lines(progress), 0

    def follow(what: str) -> OnEpoch:
        progress.update(task, description=what)

        def advance(_: int, loss: float) -> None:
            nonlocal done
            done += 1
            progress.advance(task)
            lines.reach(done, total, f"{what}: {done} of {total} epochs, loss {loss:.4f}")

        return advance

    return follow


def figures(found: Evaluation) -> str:
    """An evaluation in one line, per cent."""
    rates = {"sensitivity": found.sensitivity, "specificity": found.specificity, "AUC": found.auc}
    return ", ".join(
        f"{name} {100 * rate.value:.1f} ({100 * rate.low:.1f} to {100 * rate.high:.1f})"
        for name, rate in rates.items()
    )


def table(title: str, header: list[str], rows: list[list[str]]) -> Table:
    """A table for a console; one of 80 columns is wide enough for a study's."""
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in header:
        made.add_column(name, no_wrap=True)
    for row in rows:
        made.add_row(*row)
    return made
