"""Whether the process is alive, whether it can serve, and its measurements."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client import parser
from starlette.applications import Starlette
from tortoise import connections

from api import health, metrics
from api.metrics import Metrics
from api.settings import Settings
from events.memory import InProcessLog
from services import lookups, readiness
from services.platform import Platform
from store.blobs import Blobs
from store.tables import Deployment
from tests.people import admin
from tests.versions import candidate


@pytest.fixture
async def client(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(metrics, "LOOK_SECONDS", 0)
    monkeypatch.setattr(readiness, "LOOK_SECONDS", 0)
    app = Starlette(routes=health.routes())
    app.state.platform = platform
    app.state.metrics = Metrics(platform)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        yield client


READY = {"ready": True, "database": True, "storage": True, "events": True, "model": 1}


async def away(*_: object) -> None:
    raise ConnectionError("no route to 10.0.0.7")


async def test_is_ready_with_all_its_parts(platform: Platform, client: httpx.AsyncClient) -> None:
    response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (200, READY)
    second = await candidate(platform, "0.9")
    await platform.models.promote(await admin(), second.id, "better")
    assert (await client.get("/readyz")).json() == READY | {"model": 2}


async def test_is_not_ready_without_a_model_and_yet_alive(client: httpx.AsyncClient) -> None:
    await Deployment.all().delete()
    response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (503, READY | {"ready": False, "model": None})
    assert (await client.get("/healthz")).status_code == 200


async def test_is_not_ready_while_the_database_is_away_and_tells_nobody_why(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patching:
        patching.setattr(type(connections.all()[0]), "execute_query", away)
        for _ in range(3):
            response = await client.get("/readyz")
            assert response.status_code == 503
            # Where one process is all, its events are in the database.
            nothing = {"ready": False, "database": False, "events": False, "model": None}
            assert response.json() == READY | nothing
        assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200
    assert "10.0.0.7" in caplog.text  # the operator is told
    assert caplog.text.count("the database does not answer") == 1
    assert caplog.text.count("the database answers again") == 1


async def test_is_not_ready_while_the_blobs_are_away(
    platform: Platform, client: httpx.AsyncClient, settings: Settings
) -> None:
    with moved(Path(settings.blobs.removeprefix("file://"))):
        response = await client.get("/readyz")
        assert (response.status_code, response.json()) == (503, READY | {"ready": False, "storage": False})
    assert (await client.get("/readyz")).json() == READY


@contextmanager
def moved(folder: Path) -> Iterator[None]:
    """As if its disk were not there."""
    elsewhere = folder.rename(folder.with_name("elsewhere"))
    yield
    elsewhere.rename(folder)


async def test_is_ready_and_says_so_while_the_events_are_away(
    platform: Platform, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(platform.log), "check", away)
    response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (200, READY | {"events": False})


@pytest.mark.parametrize(
    ("where", "question", "missing"),
    [
        (lookups, "model_in_service", {"ready": False, "database": False, "model": None}),
        (Blobs, "check", {"ready": False, "storage": False}),
        (InProcessLog, "check", {"events": False}),
    ],
)
async def test_a_part_that_does_not_answer_is_not_waited_for(
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    where: object,
    question: str,
    missing: dict[str, object],
) -> None:
    monkeypatch.setattr(readiness, "PART_SECONDS", 1.5)
    monkeypatch.setattr(where, question, lambda *_: asyncio.sleep(60))
    async with asyncio.timeout(20):
        assert (await client.get("/readyz")).json() == READY | missing


async def test_the_parts_are_asked_no_oftener_however_many_ask(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "LOOK_SECONDS", 60)
    asked, check = list[Blobs](), Blobs.check

    async def counted(blobs: Blobs) -> None:
        asked.append(blobs)
        await check(blobs)

    monkeypatch.setattr(Blobs, "check", counted)
    answers = await asyncio.gather(*(client.get("/readyz") for _ in range(20)))
    answers.append(await client.get("/readyz"))
    assert [answer.json() for answer in answers] == [READY] * 21
    assert len(asked) == 1


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
    app.state.metrics = Metrics(platform)
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
    told = [await Metrics(platform, of_patients=of_patients).text() for of_patients in (True, False)]
    for family in (b"covidxr_drift", b"covidxr_predictions"):
        assert [family in text for text in told] == [True, False]
