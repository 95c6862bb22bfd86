"""Whether the process is alive, whether it can serve, and its measurements."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import generate_latest, parser
from starlette.applications import Starlette
from tortoise import connections

from api import health
from services.models import Models
from services.platform import Platform
from store.tables import Deployment
from tests.people import admin
from tests.versions import candidate


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=health.routes())
    app.state.platform = platform
    app.state.metrics = health.registry_of(platform)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        yield client


async def test_is_ready_with_a_database_and_a_model(platform: Platform, client: httpx.AsyncClient) -> None:
    response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"ready": True, "model": 1})
    second = await candidate(platform, "0.9")
    await platform.models.promote(await admin(), second.id, "better")
    assert (await client.get("/readyz")).json() == {"ready": True, "model": 2}


async def test_is_not_ready_without_a_model_and_yet_alive(client: httpx.AsyncClient) -> None:
    await Deployment.all().delete()
    response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"ready": False})
    assert (await client.get("/healthz")).status_code == 200


async def test_is_not_ready_while_the_database_is_away_and_tells_nobody_why(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionError("no route to 10.0.0.7")

    with monkeypatch.context() as patching:
        patching.setattr(type(connections.all()[0]), "execute_query", away)
        response = await client.get("/readyz")
        assert response.status_code == 503
        assert "10.0.0.7" not in response.text
        assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200
    assert "10.0.0.7" in caplog.text  # the operator is told


async def test_a_database_that_does_not_answer_is_not_waited_for(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "READY_WITHIN_SECONDS", 0.05)
    monkeypatch.setattr(Models, "in_service", lambda self: asyncio.sleep(60))
    assert (await client.get("/readyz")).status_code == 503


async def measured(client: httpx.AsyncClient) -> dict[str, float]:
    """The measurements without labels, as Prometheus reads them."""
    response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    families = parser.text_string_to_metric_families(response.text)
    return {
        sample.name: sample.value for family in families for sample in family.samples if not sample.labels
    }


async def test_measures_the_process_and_the_platform(platform: Platform, client: httpx.AsyncClient) -> None:
    before = await measured(client)
    assert before["process_resident_memory_bytes"] > 10**6
    assert (before["covidxr_inference_queue"], before["covidxr_model_deployment"]) == (0, 1)
    second = await candidate(platform, "0.9")
    await platform.models.promote(await admin(), second.id, "better")
    assert (await measured(client))["covidxr_model_deployment"] == 2


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_only_asks(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path)).status_code == 405
    assert (await client.head(path)).status_code == 200


async def test_measurements_are_for_whoever_brings_the_token(platform: Platform) -> None:
    app = Starlette(routes=health.routes("a token of sixteen or more"))
    app.state.metrics = health.registry_of(platform)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        for brought in (
            {},
            {"Authorization": "Bearer another"},
            {"Authorization": "a token of sixteen or more"},
        ):
            refused = await client.get("/metrics", headers=brought)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert "covidxr" not in refused.text
        headers = {"Authorization": "Bearer a token of sixteen or more"}
        assert "covidxr_inference_queue" in (await client.get("/metrics", headers=headers)).text


async def test_without_a_token_nothing_is_told_of_patients(platform: Platform) -> None:
    await platform.drift_watch.look()
    told = [
        generate_latest(health.registry_of(platform, with_drift=with_drift)) for with_drift in (True, False)
    ]
    assert [b"covidxr_drift" in text for text in told] == [True, False]
