"""Several processes as one platform: servers that answer and workers that work, on real servers of others."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import Broker
from tests.buckets import S3Server
from tests.fleet import Fleet, fleet, shared
from tests.live import COVIDXR, ROOT, prepared
from tests.scale_out import (
    FEW,
    MADE,
    files_of,
    heard,
    judged_anew,
    put_in_service,
    retrained,
    signed_in,
    told_once,
)


@pytest.fixture
def running_fleet(
    tmp_path: Path, own_database: str, mortal: Broker, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    settings = shared(own_database, s3.make_bucket(), mortal.url("covidxr"), **FEW)
    with fleet(tmp_path, settings, servers=2, workers=2) as found:
        yield found


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_the_whole_loop_over_processes(running_fleet: Fleet, mortal: Broker, site_b: Path) -> None:
    """Uploads at one server are told of at the other; a worker dies, the broker rests: nothing is lost."""
    here, there = await signed_in(running_fleet)
    covid, others = (files_of(site_b, label, 20) for label in ("covid", "no_finding"))
    async with there.subscribe(MADE % "") as events:
        sent = await here.upload(covid[:6], "id", label="COVID", evidence="RT_PCR")
        first = await told_once(events, sent)

        sent = await here.upload(others[:20], "id", label="NO_COVID", evidence="RT_PCR")
        running_fleet.workers[0].kill()
        await told_once(events, sent)

        mortal.stop()
        sent = await here.upload(covid[6:9], "id", label="COVID", evidence="RT_PCR")
        assert [one["errors"] for one in sent] == [[], [], []]
        assert events.empty()
        mortal.start()
        second = await told_once(events, sent)

        # A cursor that one server gave is good at the other.
        resumed = MADE % f'(after: "{second[0]["cursor"]}")'
        async with here.subscribe(resumed) as again:
            assert await heard(again, 2) == second[1:]

        # The worker that is left retrains; a promotion reaches both servers, and all is judged anew.
        run = await retrained(here, there)
        assert run["model"]["number"] == 2, run
        await put_in_service(run, (here, there))
        await judged_anew(events, 29, number=2)
    assert {one["prediction"]["model"]["number"] for one in first} == {1}


async def test_a_worker_alone_is_told_what_it_lacks(tmp_path: Path) -> None:
    live = prepared(tmp_path / "data")
    done = await asyncio.to_thread(
        subprocess.run, [*COVIDXR, "worker"], cwd=ROOT, env=live.environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("a worker shares events with its servers: set COVIDXR_EVENTS_URL")
