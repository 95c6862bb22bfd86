"""What KEDA reads of the broker to scale workers is there, and grows and shrinks with the queue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from events.jetstream import STREAM, connected
from services import reactions
from services.platform import Platform
from tests.brokers import Broker, broker
from tests.carriers import UPLOADS, entries
from tests.manifests import FOLDER, Manifest, built, of_kind


@pytest.fixture(params=["base", "gpu"])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return built(FOLDER / request.param)


def triggers(manifests: list[Manifest]) -> list[Manifest]:
    found: list[Manifest] = of_kind(manifests, "ScaledObject")["worker"]["spec"]["triggers"]
    return found


async def test_it_looks_at_queues_that_there_are(manifests: list[Manifest], platform: Platform) -> None:
    queues = {reaction.group for reaction in reactions.jobs(platform).values()}
    for asked in triggers(manifests):
        assert asked["type"] == "nats-jetstream"
        told = asked["metadata"]
        assert told["stream"] == STREAM
        assert told["consumer"] in queues
        assert told.keys() == {
            *("natsServerMonitoringEndpoint", "account", "stream", "consumer", "lagThreshold"),
        }
        assert re.fullmatch(r"\d+", told["lagThreshold"])
    assert [asked["metadata"]["consumer"] for asked in triggers(manifests)] == ["diagnosis", "features"]


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    with broker(tmp_path) as one:
        yield one


async def lag(broker: Broker, told: Manifest) -> int:
    """What KEDA's scaler reads (pkg/scalers/nats_jetstream_scaler.go): what waits and what is in hand.

    Raises:
        KeyError: it is not there, and KEDA would take the number of all events that ever were.
    """
    query = {"acc": told["account"], "consumers": "true", "config": "true"}
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{broker.monitoring_port}/jsz", params=query)
    accounts = {one["name"]: one for one in answer.json()["account_details"]}
    streams = {one["name"]: one for one in accounts[told["account"]]["stream_detail"]}
    consumers = {one["name"]: one for one in streams[told["stream"]]["consumer_detail"]}
    found = consumers[told["consumer"]]
    return int(found["num_pending"] + found["num_ack_pending"])


async def test_what_it_reads_grows_and_shrinks_with_the_queue(own_broker: Broker) -> None:
    told = triggers(built(FOLDER / "base"))[0]["metadata"]
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(connected(own_broker.url(told["stream"]), timedelta(days=1)))
        with pytest.raises(KeyError):
            await lag(own_broker, told)
        await log.publish(entries(1, 10))
        jobs = await stack.enter_async_context(aclosing(log.work(told["consumer"], UPLOADS)))
        taken = [await anext(jobs) for _ in range(3)]
        assert await lag(own_broker, told) == 10
        await log.publish(entries(11, 15))
        assert await lag(own_broker, told) == 15
        for job in taken:
            await job.done()
        await anext(jobs)  # what was acknowledged before is counted by now
        assert await lag(own_broker, told) == 12
