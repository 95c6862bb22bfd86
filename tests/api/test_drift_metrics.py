"""The gauges of drift: as the last look left them."""

from dataclasses import replace

import httpx
import pytest
from prometheus_client import parser
from starlette.applications import Starlette

from api import health
from api.metrics import Metrics
from api.wiring import Parts
from services.platform import Platform
from tests import people
from tests.drifting import RECORD, judged, labelled, uploaded


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    return replace(parts, default_model=replace(parts.default_model, record=RECORD))


async def measured(platform: Platform) -> dict[str, float]:
    """The gauges of drift, as Prometheus reads them."""
    app = Starlette(routes=health.routes())
    app.state.metrics = Metrics(platform)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        text = (await client.get("/metrics")).text
    samples = [one for family in parser.text_string_to_metric_families(text) for one in family.samples]
    return {
        ".".join([one.name.removeprefix("covidxr_drift_"), *one.labels.values()]): one.value
        for one in samples
        if one.name.startswith("covidxr_drift_")
    }


async def test_before_the_first_look_there_is_nothing(platform: Platform) -> None:
    assert await measured(platform) == {}


async def test_without_images_there_are_counts_alone(platform: Platform) -> None:
    await platform.drift_watch.look()
    found = await measured(platform)
    assert found.pop("look_timestamp_seconds") > 1.7e9
    assert found == {"model": 1, "images": 0, "labelled_images": 0}


async def test_the_gauges_are_of_the_last_look(platform: Platform) -> None:
    ana, model = await people.member(), await platform.models.in_service()
    images = await uploaded(ana, 100)
    await judged(images, model.id, abstaining=0.4, reason="OUT_OF_DISTRIBUTION", distance=2)
    await labelled(images, model.id, ana, right=0.9)
    assert await measured(platform) == {}, "nobody has looked"
    await platform.drift_watch.look()
    found = await measured(platform)
    assert (found["images"], found["labelled_images"], found["agreement_share"]) == (100, 60, 0.9)
    assert found["abstention_share.OUT_OF_DISTRIBUTION"] == 0.4
    assert found["abstention_share.UNCERTAIN"] == found["abstention_share.NOT_A_CHEST_XRAY"] == 0
    assert found["mean_probability"] == pytest.approx(0.3)
    assert found["mean_distance"] == pytest.approx(2)
    assert found["median_distance"] == pytest.approx(2, abs=0.3)
    assert (found["differs.ABSTENTIONS"], found["differs.DISTANCE"], found["differs.PROBABILITY"]) == (
        1,
        1,
        0,
    )
