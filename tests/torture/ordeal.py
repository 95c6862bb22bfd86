"""One ordeal: everybody at once, a killer among them, and afterwards the reckoning."""

from __future__ import annotations

import asyncio
import csv
import random
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from time import monotonic
from typing import Any

from tests.live import Live, prepared
from tests.torture.clients import administer_for_ever, films, label_for_ever, upload_for_ever
from tests.torture.listeners import KINDS, listen_for_ever, over_socket, over_stream
from tests.torture.server import Server, die_at_first_start, kill_for_ever, watch_for_ever
from tests.torture.story import Story
from tests.torture.truth import Truth, faults, is_settled, truth

PASSWORD = "a fire-proof password"
UPLOADERS = 2
LAZY_SECONDS = 0.05  # one subscriber's pause over each event, so that it falls behind
LISTENERS = ((over_socket, 0.0), (over_socket, LAZY_SECONDS), (over_stream, 0.0))
SETTLING_SECONDS = 300.0
LEAST_KILLS = 2
SETTINGS = {"retrain_epochs": "3", "retrain_threshold": "20"}
"""Short runs, many of them: some begin by themselves, some are asked for."""
SAMPLES_OF_EACH = 24
NEVER = 1_000_000
PEACE = f"mutation {{ setRetrainingPolicy(input: {{ threshold: {NEVER} }}) {{ errors {{ code message }} }} }}"


def samples(site: Path) -> list[tuple[Path, str]]:
    """The first images of each class at a site, and what they show."""
    with (site / "manifest.csv").open() as manifest:
        rows = list(csv.DictReader(manifest))
    covid = [(site / row["file"], "COVID") for row in rows if row["label"] == "covid"]
    others = [(site / row["file"], "NO_COVID") for row in rows if row["label"] != "covid"]
    return covid[:SAMPLES_OF_EACH] + others[:SAMPLES_OF_EACH]


async def _rage(server: Server, admin: Live, site: Path, seconds: float, seed: int) -> tuple[Story, Truth]:
    """Everything at once, for so long; then the server may live, and everybody hears the rest."""
    story, chance = Story(), random.Random(seed)
    workers: list[Coroutine[Any, Any, None]] = [
        *(upload_for_ever(admin, story, films(samples(site), seed + n)) for n in range(UPLOADERS)),
        label_for_ever(admin, story, chance),
        administer_for_ever(admin, story, chance),
        watch_for_ever(admin, story),
        kill_for_ever(server, story, chance),
    ]
    async with asyncio.TaskGroup() as listening:
        listeners = []
        for name, kind in KINDS.items():
            story.heard[name] = [[] for _ in LISTENERS]
            for heard, (over, pause) in zip(story.heard[name], LISTENERS, strict=True):
                listeners.append(listening.create_task(listen_for_ever(admin, kind, heard, over, pause)))
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(worker) for worker in workers]
            await _long_enough(seconds, story)
            for task in working:
                task.cancel()
        await server.ready()
        await _settled(admin, story)
        for listener in listeners:
            listener.cancel()
    await server.stop()
    return story, await truth(admin.database)


async def _long_enough(seconds: float, story: Story) -> None:
    """So many seconds, and until a run and some deaths: a short life on a slow machine sees none."""
    await asyncio.sleep(seconds)
    async with asyncio.timeout(SETTLING_SECONDS):
        while not story.runs or story.kills.total() < LEAST_KILLS:
            await asyncio.sleep(1)


async def _settled(admin: Live, story: Story) -> None:
    """Runs and renewals have ended, no other begins, nobody has an event to hear; or it takes too long."""
    began = monotonic()
    answer = await admin.ask(PEACE)
    assert answer["setRetrainingPolicy"]["errors"] == [], answer
    while monotonic() - began < SETTLING_SECONDS:
        if is_settled(story, await truth(admin.database)):
            return
        await asyncio.sleep(1)


def _figures(story: Story, found: Truth) -> dict[str, Any]:
    return {
        "kills": story.kills.total(),
        "kills_by_stage": dict(story.kills.most_common()),
        "acknowledged_uploads": len(story.images),
        "acknowledged_labels": len(story.labels),
        "predictions": len(found.predictions),
        "runs": dict(Counter(run["state"].value for run in found.runs)),
        "runs_taken_over": sum(run["lost"] for run in found.runs),
        "promotions": len(found.deployments) - 1,
        "promotions_by_hand": len(story.promotions),
        "findings_changed": len(found.changes),
        "events_heard": {kind: [len(heard) for heard in several] for kind, several in story.heard.items()},
        "faults": faults(story, found),
    }


async def _ordeal(live: Live, site: Path, seconds: float, seed: int) -> dict[str, Any]:
    server, chance = Server(live), random.Random(seed)
    try:
        await die_at_first_start(server, chance)
        await server.first_start()
        live.run("create-admin", "chief@hospital.example", COVIDXR_ADMIN_PASSWORD=PASSWORD)
        admin = await live.sign_in("chief@hospital.example", PASSWORD)
        story, found = await _rage(server, admin, site, seconds, seed)
    finally:
        server.clean_up()
    return _figures(story, found)


def torture(folder: Path, site: Path, seconds: float, seed: int = 0, database: str = "") -> dict[str, Any]:
    """The figures of one ordeal, and the faults that it found.

    Without the URL of an empty database, it is a SQLite file.
    """
    settings = SETTINGS | ({"database_url": database} if database else {})
    live = prepared(folder / "data", **settings)
    return asyncio.run(_ordeal(live, site, seconds, seed))
