"""What Prometheus hears of operations, uploads, predictions, jobs, events and the platform's condition."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client import parser
from tortoise import connections

from api import metrics
from api.metrics import Metrics
from services.platform import Platform
from services.uploads import Details
from store.tables import Image, OutboxEvent, TrailNote
from tests.asking import Asker, application
from tests.people import admin, eventually, member
from tests.stand_ins import picture
from tests.uploading import incoming


class Scraper:
    """Reads all the measurements, and what has come since it began."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._before: dict[str, float] = {}

    @classmethod
    async def of(cls, platform: Platform) -> "Scraper":
        scraper = cls(platform)
        scraper._before = await scraper.now()
        return scraper

    async def now(self) -> dict[str, float]:
        """By name and the values of labels in the order of their names, without the prefix."""
        text = (await Metrics(self._platform).text()).decode()
        families = parser.text_string_to_metric_families(text)
        samples = [sample for family in families for sample in family.samples]
        return {
            ".".join([sample.name.removeprefix("covidxr_"), *sample.labels.values()]): sample.value
            for sample in samples
            if "le" not in sample.labels
        }

    async def since(self, name: str) -> float:
        """By how much one has grown."""
        return (await self.now()).get(name, 0.0) - self._before.get(name, 0.0)


@pytest.fixture
async def scraper(platform: Platform) -> Scraper:
    return await Scraper.of(platform)


async def test_counts_files_batches_predictions_jobs_and_events(platform: Platform, scraper: Scraper) -> None:
    ana = await member()
    black = picture(4, -1.0)  # which the stand-in takes for no chest
    files = [picture(1, 0.9), picture(2, 0.1), picture(3, 0.0), black, picture(1, 0.9), b"no picture"]
    await platform.uploads.upload(ana, [incoming(one) for one in files], Details(wait_seconds=10))
    assert await scraper.since("uploaded_files_total.taken") == 4
    assert await scraper.since("uploaded_files_total.repeated") == 1
    assert await scraper.since("uploaded_files_total.UNSUPPORTED_FORMAT") == 1
    assert await scraper.since("batch_images_sum") == 4
    assert 1 <= await scraper.since("batch_images_count") <= 4
    assert await scraper.since("inference_seconds_count") == await scraper.since("batch_images_count")
    assert await scraper.since("predictions_total.COVID") == 1
    assert await scraper.since("predictions_total.NO_COVID") == 2
    assert await scraper.since("predictions_total.NOT_A_CHEST_XRAY") == 1
    assert await eventually(lambda: _has(scraper, "job_seconds_count.diagnosis.done", 4))
    assert await scraper.since("event_lag_seconds_count") >= 8


async def _has(scraper: Scraper, name: str, count: float) -> bool:
    return await scraper.since(name) == count


async def test_tells_the_condition(platform: Platform, scraper: Scraper) -> None:
    found = await scraper.now()
    nothing = ("images_waiting", "images_waiting_age_seconds", "images_given_up", "labels_new")
    assert [found[name] for name in nothing] == [0, 0, 0, 0]
    assert found["model_number"] == 1
    figures = {name: found[f"model_figure.{name}"] for name in ("sensitivity", "specificity", "auc")}
    assert figures == {"sensitivity": 0.9, "specificity": 0.95, "auc": 0.97}
    assert found["model_figure.calibration_error"] == 0.05
    assert [found[f"run.{state}"] for state in ("QUEUED", "TRAINING", "EVALUATING")] == [0, 0, 0]


async def test_tells_how_long_the_oldest_has_waited(platform: Platform, scraper: Scraper) -> None:
    ana, chief = await member(), await admin()
    since = datetime.now(UTC) - timedelta(seconds=90)
    details = {"media_type": "image/png", "size": 1, "width": 64, "height": 64, "holdout": False}
    for number in range(3):
        image = await Image.create(
            owner=ana, key=f"k{number}", filename="a", sha256=f"{number:064x}", **details
        )
        known = {"features": "pixels/test"} if number == 0 else {}
        await Image.filter(id=image.id).update(uploaded_at=since + timedelta(seconds=30 * number), **known)
    await OutboxEvent.create(uid="newer", kind="OfANewerVersion", payload={})
    await OutboxEvent.filter(uid="newer").update(created_at=since)
    await TrailNote.create(at=since, kind="SIGNED_IN", actor_id=chief.id, subjects={})
    found = await scraper.now()
    assert found["images_waiting_age_seconds"] == pytest.approx(60, abs=10)
    assert found["events_unpublished"] >= 1
    assert found["events_unpublished_age_seconds"] == pytest.approx(90, abs=10)
    assert "trail_unsealed" in found
    assert found["trail_unsealed_age_seconds"] in (0, pytest.approx(90, abs=10)), (
        "it is sealed within a second"
    )


async def test_what_is_counted_is_told_while_the_database_is_away(
    platform: Platform, scraper: Scraper, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionError("no route to 10.0.0.7")

    monkeypatch.setattr(type(connections.all()[0]), "execute_query", away)
    found = await scraper.now()
    assert "model_number" not in found
    assert "batch_images_count" in found


async def test_the_database_is_asked_once_a_second(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = metrics.condition

    async def counted(log: object) -> object:
        asked.append(log)
        return await real(platform.log)

    monkeypatch.setattr(metrics, "condition", counted)
    one = Metrics(platform)
    for _ in range(20):
        await one.text()
    assert len(asked) == 1


@pytest.fixture
async def anybody(platform: Platform) -> AsyncIterator[Asker]:
    transport = httpx.ASGITransport(application(platform))
    async with httpx.AsyncClient(transport=transport, base_url="http://covidxr.test") as client:
        yield Asker(client)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("{ model { number } }", "model.query.OK"),
        ("query A { model { number } } ", "model.query.OK"),
        ("{ one: model { number } two: model { head } }", "model.query.OK"),
        ("{ model { number } news(first: 1) { nodes { title } } }", "several.query.OK"),
        ("{ ...F } fragment F on Query { model { number } }", "several.query.OK"),
        ("{ users(first: 1) { nodes { id } } }", "users.query.UNAUTHENTICATED"),
        ('mutation { signIn(input: {email: "a", password: "b"}) { token } }', "signIn.mutation.OK"),
        ("{ nonsense }", "unknown.unknown.BAD_USER_INPUT"),
        ("{", "unknown.unknown.BAD_USER_INPUT"),
    ],
)
async def test_times_operations(anybody: Asker, scraper: Scraper, query: str, told: str) -> None:
    await anybody.ask(query)
    assert await scraper.since(f"operation_seconds_count.{told}") == 1
    assert await scraper.since(f"operation_seconds_sum.{told}") > 0
