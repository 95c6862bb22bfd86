"""A change of the network where several processes work: all make features anew, and one may die over it."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from api.settings import Settings
from api.wiring import running
from events import jetstream
from events.messages import Event, PredictionMade
from store.database import open_database
from store.tables import Image, ModelState, ModelVersion, Prediction
from tests import stand_ins
from tests.brokers import Broker
from tests.fleet import SECRET
from tests.live import ROOT
from tests.people import eventually, member
from tests.services.renewing_worker import NEW
from tests.stand_ins import picture
from tests.uploading import upload

IMAGES, AT_ONCE = 200, 100
SECONDS = 120
"""A job of a worker that was killed comes to another after half a minute."""


@contextmanager
def workers(
    settings: Settings, folder: Path, count: int
) -> Iterator[tuple[list[subprocess.Popen[bytes]], list[Path]]]:
    """So many, each with its tally of what it has extracted."""
    named = {"DATABASE_URL": settings.database_url, "BLOBS_URL": settings.blobs_url}
    named |= {"EVENTS_URL": settings.events_url, "SECRET_KEY": SECRET}
    tallies = [folder / f"tally {number}" for number in range(count)]
    started = []
    for number, tally in enumerate(tallies):
        tally.touch()
        ours = named | {"DATA_DIR": str(folder / f"worker {number}")}
        environment = {**os.environ, **{f"COVIDXR_{name}": value for name, value in ours.items()}}
        command = [sys.executable, "-m", "tests.services.renewing_worker", str(tally)]
        started.append(subprocess.Popen(command, cwd=ROOT, env=environment))
    try:
        yield started, tallies
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.slow
async def test_workers_share_the_work_and_do_what_a_dead_one_left(
    own_database: str, nats_server: Broker, tmp_path: Path
) -> None:
    settings = Settings(
        data_dir=tmp_path / "server",
        database_url=own_database,
        blobs_url=f"file://{tmp_path / 'blobs'}",
        events_url=nats_server.url(),
        secret_key=SECRET,
    )
    async with running(settings, stand_ins.parts()) as platform:
        ana, pictures = await member(), [picture(number, 0.7) for number in range(IMAGES)]
        for start in range(0, IMAGES, AT_ONCE):
            assert len(await upload(platform, ana, *pictures[start : start + AT_ONCE])) == AT_ONCE
    with workers(settings, tmp_path, 2) as (processes, tallies):
        async with open_database(settings.database):
            await eventually(lambda: both_have_extracted(tallies, 10), SECONDS)
            processes[0].kill()
            await eventually(all_are_made_anew, SECONDS)
            model = await ModelVersion.get(state=ModelState.IN_SERVICE)
            await eventually(lambda: so_many_by(model), SECONDS)
            made = await Prediction.filter(model_id=model.id).values_list("id", flat=True)
            await eventually(lambda: told_once(settings, set(made)))
    done = Counter(line for tally in tallies for line in tally.read_text().splitlines())
    twice = sum(done.values()) - len(done)
    assert len(done) == IMAGES
    assert twice <= 2, "what was in hand when a worker was killed, and nothing else"


async def both_have_extracted(tallies: list[Path], count: int) -> bool:
    return all(tally.read_text().count("\n") >= count for tally in tallies)


async def all_are_made_anew() -> bool:
    return not await Image.all().exclude(features=NEW).exists()


async def so_many_by(model: ModelVersion) -> bool:
    return await Prediction.filter(model_id=model.id).count() == IMAGES


async def told_once(settings: Settings, ids: set[int]) -> bool:
    """Whether these predictions, and each of them once, have been told of."""
    told: list[int] = []
    async with jetstream.connected(settings.events_url, timedelta(days=1)) as log:
        newest = await log.head()
        async with aclosing(log.stream(0)) as deliveries:
            async for delivery in deliveries:
                event: Event = delivery.event
                if isinstance(event, PredictionMade) and event.prediction_id in ids:
                    told.append(event.prediction_id)
                if delivery.position == newest:
                    break
    assert len(told) == len(set(told)), "none is told of twice"
    return set(told) == ids
