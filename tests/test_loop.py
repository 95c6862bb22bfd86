"""The whole story through GraphQL, on live servers with the real classifier and real images."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live import Live, serving
from tests.rendered import rendered

PASSWORD = "correct horse battery"
THRESHOLD = 12
POISONED = 70
ENDED = {"PROMOTED", "REJECTED", "FAILED", "CANCELLED"}

SIGN_UP = "mutation($input: SignUpInput!) { signUp(input: $input) { user { id } errors { code message } } }"
VERIFY = "mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { emailVerified } } }"
PROMOTE = "mutation($input: PromoteModelInput!) { promoteModel(input: $input) { errors { code } } }"
MODEL = "{ model { id number state verdict } }"
PREDICTION = "id url prediction { finding probability model { number } }"
PREDICTIONS = "subscription { predictionMade { cursor prediction { finding probability image { id } } } }"
PROGRESS = """subscription { trainingProgress { run {
    state epoch epochs loss labels trigger model { id number verdict }
} } }"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers of this module keep their data, and share what jax compiles."""
    return tmp_path_factory.mktemp("loop")


@pytest.fixture(scope="module")
def eager(folder: Path) -> Iterator[Live]:
    """A server that retrains on a few labels."""
    with serving(folder / "eager", retrain_threshold=str(THRESHOLD)) as live:
        yield live


@pytest.fixture(scope="module")
def patient(folder: Path) -> Iterator[Live]:
    """A server that retrains at an administrator's wish alone."""
    with serving(folder / "patient", retrain_threshold="100000") as live:
        yield live


async def member_of(server: Live) -> Live:
    """The server, asked by a member who signed up through the mail."""
    form = {"email": "ana@hospital.example", "password": PASSWORD, "name": "Ana"}
    if not (await server.ask(SIGN_UP, input=form))["signUp"]["errors"]:
        await server.ask(VERIFY, input={"token": await server.mailed_token()})
    return await server.sign_in(form["email"], PASSWORD)


async def admin_of(server: Live) -> Live:
    """The server, asked by an administrator made at the command line."""
    server.run("create-admin", "chief@hospital.example", COVIDXR_ADMIN_PASSWORD=PASSWORD)
    return await server.sign_in("chief@hospital.example", PASSWORD)


def files_of(site: Path, label: str, count: int) -> list[Path]:
    """The first images of a site with a label."""
    with (site / "manifest.csv").open() as manifest:
        rows = [row for row in csv.DictReader(manifest) if row["label"] == label]
    return [site / row["file"] for row in rows[:count]]


async def until_ended(events: asyncio.Queue[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a run reports, to its end."""
    runs: list[dict[str, Any]] = []
    async with asyncio.timeout(240):
        while not runs or runs[-1]["state"] not in ENDED:
            runs.append((await events.get())["trainingProgress"]["run"])
    return runs


async def test_a_finding_comes_with_the_answer_and_over_the_subscription(eager: Live, site_a: Path) -> None:
    member = await member_of(eager)
    async with member.subscribe(PREDICTIONS) as events:
        (result,) = await member.upload(files_of(site_a, "covid", 1), PREDICTION, waitSeconds=60)
        heard = (await asyncio.wait_for(events.get(), 60))["predictionMade"]["prediction"]
    assert result["image"]["prediction"]["finding"] == "COVID"
    assert heard["image"]["id"] == result["image"]["id"]
    assert heard["probability"] == result["image"]["prediction"]["probability"]


async def test_originals_as_users_have_them_get_findings_and_are_served_back(
    eager: Live, site_a: Path
) -> None:
    originals = sorted((site_a / "originals").iterdir())
    member = await member_of(eager)
    results = await member.upload(originals, PREDICTION, waitSeconds=60)
    assert [result["filename"] for result in results] == [file.name for file in originals]
    assert all(result["image"]["prediction"] for result in results)
    async with httpx.AsyncClient() as client:
        pixels = [(await client.get(result["image"]["url"])).content for result in results]
    for served, file in zip(pixels, originals, strict=True):
        assert rendered(served) == rendered(file.read_bytes()), file.name


async def test_labels_start_a_run_that_serving_does_not_notice(
    eager: Live, site_a: Path, site_b: Path
) -> None:
    member, admin = await member_of(eager), await admin_of(eager)
    before = (await admin.ask(MODEL))["model"]
    half = THRESHOLD // 2
    async with admin.subscribe(PROGRESS) as events:
        await member.upload(files_of(site_b, "covid", half), "id", label="COVID", evidence="RT_PCR")
        await member.upload(files_of(site_b, "no_finding", half), "id", label="NO_COVID", evidence="CT")
        ending = asyncio.create_task(until_ended(events))
        (during,) = await member.upload(files_of(site_a, "pneumonia", 1), PREDICTION, waitSeconds=60)
        assert not ending.done()
        runs = await ending
    assert during["image"]["prediction"]
    assert (runs[0]["state"], runs[0]["trigger"], runs[0]["labels"]) == ("QUEUED", "THRESHOLD", THRESHOLD)
    epochs = [run["epoch"] for run in runs if run["state"] == "TRAINING"]
    assert epochs == list(range(1, 21))
    assert runs[-1]["state"] in {"PROMOTED", "REJECTED"}
    assert runs[-1]["model"]["verdict"].startswith(runs[-1]["state"].title())
    in_service = (await admin.ask(MODEL))["model"]["number"]
    assert in_service == (
        runs[-1]["model"]["number"] if runs[-1]["state"] == "PROMOTED" else before["number"]
    )


async def its_card_tells_all_and_is_for_administrators(
    model: dict[str, Any], admin: Live, anybody: Live
) -> None:
    query = f'{{ node(id: "{model["id"]}") {{ ... on ModelVersion {{ cardUrl audit {{ verdict }} }} }} }}'
    shown = (await admin.ask(query))["node"]
    async with httpx.AsyncClient(timeout=60) as client:
        page = anybody.url.replace("/graphql", f"/models/{model['number']}")
        assert (await client.get(page)).status_code == 404
        assert (await client.get(shown["cardUrl"])).status_code == 200
        card = (await client.get(f"{page}.md", headers=admin.headers)).text
    for told in (shown["audit"]["verdict"], model["verdict"], "| this platform | COVID | RT-PCR |"):
        assert told in card


async def test_flipped_labels_are_refused_and_any_version_can_be_put_in_service(
    patient: Live, site_a: Path
) -> None:
    member, admin = await member_of(patient), await admin_of(patient)
    before, started = (await admin.ask(MODEL))["model"], datetime.now(UTC).isoformat()
    flipped = {"covid": "NO_COVID", "no_finding": "COVID"}
    for label, lie in flipped.items():
        await member.upload(
            files_of(site_a, label, POISONED), "id", label=lie, evidence="RT_PCR", waitSeconds=60
        )
    async with admin.subscribe(PROGRESS) as events:
        await admin.ask("mutation { requestRetraining { run { id } errors { code } } }")
        refused = (await until_ended(events))[-1]
    assert refused["state"] == "REJECTED"
    assert "beyond the margin" in refused["model"]["verdict"]
    assert (await admin.ask(MODEL))["model"] == before
    await its_card_tells_all_and_is_for_administrators(refused["model"], admin, patient)

    for model in (refused["model"], before):
        reason = {"id": model["id"], "reason": "a test of going there and back"}
        assert (await admin.ask(PROMOTE, input=reason))["promoteModel"]["errors"] == []
        assert (await admin.ask(MODEL))["model"]["number"] == model["number"]
    history = await admin.ask("query($time: DateTime!) { modelAt(time: $time) { number } }", time=started)
    assert history["modelAt"]["number"] == before["number"]
