"""What one retraining publishes, and when: `.venv/bin/python -m benchmarks.timeline`.

A server of its own with the settings as they are gets films one by one, half with COVID, each with its
label by RT-PCR, until as many have come as start a run. Printed is the journal, as subscribers and workers
read it: every event with its place and its seconds since the first, like ones in a row on one line. A minute
or two on two cores. Ends with a line of JSON, with the verdict and how many findings changed.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple

from store.database import open_database
from store.tables import FindingChange, JournalEntry, OutboxEvent, Prediction, RunState, TrainingRun
from tests.live import Live, serving

EMAIL, PASSWORD = "admin@hospital.example", "of a benchmark alone"
POLICY = "{ retraining { run { id } threshold } }"
LOOK_SECONDS = 0.5
ENOUGH_SECONDS = 1800.0


class Told(NamedTuple):
    """Events of one kind in a row: their places, when they were published, and what the first one says."""

    first: int
    last: int
    since: float
    until: float
    what: str


def films(site: Path, count: int) -> list[tuple[Path, str]]:
    """The first films of a site and what they show, with COVID and without in turn."""
    with (site / "manifest.csv").open() as manifest:
        rows = list(csv.DictReader(manifest))
    kinds = [[row for row in rows if (row["label"] == "covid") is kind] for kind in (True, False)]
    turns = chain.from_iterable(zip(*kinds, strict=False))
    return [(site / row["file"], "COVID" if row["label"] == "covid" else "NO_COVID") for row in turns][:count]


async def lived(live: Live, site: Path) -> None:
    """Label as many films as start a run, and wait until it and what follows from it have ended."""
    live.run("create-admin", EMAIL, COVIDXR_ADMIN_PASSWORD=PASSWORD)
    admin = await live.sign_in(EMAIL, PASSWORD)
    wanted = (await admin.ask(POLICY))["retraining"]["threshold"]
    for number, (film, label) in enumerate(films(site, wanted), start=1):
        (result,) = await admin.upload([film], "id", label=label, evidence="RT_PCR")
        assert result["errors"] == [], result
        if number % 10 == 0:
            print(f"{number} of {wanted} films labelled", flush=True)
    async with asyncio.timeout(ENOUGH_SECONDS), open_database(live.database):
        while not await _is_over(wanted):
            await asyncio.sleep(LOOK_SECONDS)


async def _is_over(images: int) -> bool:
    """The run has ended and all is published; after a promotion every image is judged anew, too."""
    run = await TrainingRun.get_or_none(finished_at__isnull=False)
    if run is None or await OutboxEvent.exists():
        return False
    judged = await Prediction.filter(model_id=run.model_id).count()
    return run.state is not RunState.PROMOTED or judged == images


def in_rows(entries: Iterable[JournalEntry]) -> Iterator[Told]:
    """The journal, oldest first, like events in a row taken together."""
    began: datetime | None = None
    for what, group in groupby(entries, key=lambda entry: said(entry.kind, entry.payload)):
        several = list(group)
        began = began or several[0].published_at
        since, until = ((entry.published_at - began).total_seconds() for entry in (several[0], several[-1]))
        yield Told(several[0].position, several[-1].position, since, until, what)


def said(kind: str, payload: dict[str, Any]) -> str:
    """An event in a few words."""
    if kind != "TrainingProgressed":
        return kind
    words = [kind, payload["state"]]
    if payload["epoch"]:
        words.append(f"epoch {payload['epoch']}")
    if payload["loss"] is not None:
        words.append(f"loss {payload['loss']:.3f}")
    if payload["seconds_left"] is not None:
        words.append(f"{payload['seconds_left']:.1f} s left")
    return " ".join(words)


def show(rows: Sequence[Told]) -> None:
    for row in rows:
        places = f"{row.first}" if row.first == row.last else f"{row.first}-{row.last}"
        count = row.last - row.first + 1
        times = f"{row.since:8.2f} s" + (f" to {row.until:.2f}" if count > 1 else "")
        print(f"{places:>9}  {times:<21}  {row.what}" + (f", {count} times" if count > 1 else ""))


async def told(live: Live) -> tuple[list[Told], dict[str, Any]]:
    async with open_database(live.database):
        rows = list(in_rows(await JournalEntry.all().order_by("position")))
        run = await TrainingRun.get().prefetch_related("model")
        verdict = run.model.verdict if run.model else run.error
        outcome = {
            "state": run.state.value,
            "verdict": verdict,
            "labels": run.label_count,
            "left_out": run.left_out,
        }
        return rows, {**outcome, "findings_changed": await FindingChange.all().count()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=Path, default=Path("../shared/cxr-b"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        with serving(Path(name) / "data") as live:
            asyncio.run(lived(live, given.images))
        rows, outcome = asyncio.run(told(live))
    show(rows)
    print(json.dumps({"benchmark": "timeline", **outcome, "seconds": rows[-1].until}))


if __name__ == "__main__":
    main()
