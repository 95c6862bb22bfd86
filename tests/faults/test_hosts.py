"""Hosts that die, stand still, or tell another time than others."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.faults.breakable import LABEL, MODELS, PROMOTE, RETRAIN, RUNS, Breakable, until
from tests.live import IN_THE_CLEAR
from tests.missing import missing
from tests.people import eventually
from tests.torture.listeners import KINDS

SHORT_LEASE = {"COVIDXR_TEST_LEASE": "2"}
SLOW_TRAINER = {"COVIDXR_TEST_PAUSE": "8"}
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
POISON = 200
POISONABLE = {"COVIDXR_TEST_POISON": str(POISON)}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def shifted(seconds: int) -> dict[str, str]:
    """The environment of a process whose clock is so many seconds ahead."""
    if not Path(FAKETIME).exists():
        missing("no libfaketime: apt-get install libfaketime")
    return {
        "LD_PRELOAD": FAKETIME,
        "FAKETIME": f"{seconds:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


async def runs(platform: Breakable) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await platform.admins[0].ask(RUNS))["trainingRuns"]["nodes"]
    return found


async def begun(platform: Breakable) -> bool:
    return (await runs(platform))[0]["state"] == "TRAINING"


async def over(platform: Breakable) -> bool:
    return (await runs(platform))[0]["state"] not in ("QUEUED", "TRAINING", "EVALUATING")


async def labelled(platform: Breakable, count: int) -> None:
    for image in await platform.upload(count, waitSeconds=60):
        given = {"imageId": image, "finding": "COVID"}
        assert (await platform.admins[0].ask(LABEL, input=given))["submitLabel"]["errors"] == []


async def refusals(platform: Breakable) -> set[str]:
    """The codes with which each server refuses another run."""
    answers = [(await admin.ask(RETRAIN))["requestRetraining"] for admin in platform.admins]
    return {error["code"] for answer in answers for error in answer["errors"]}


async def test_a_run_whose_host_dies_is_carried_through_by_another(
    breakable: Callable[..., Breakable],
) -> None:
    platform = breakable([SHORT_LEASE | SLOW_TRAINER])
    await platform.sign_in()
    await labelled(platform, 4)
    assert (await platform.admins[0].ask(RETRAIN))["requestRetraining"]["errors"] == []
    await eventually(partial(begun, platform), 60)
    platform.fleet.start_worker(**SHORT_LEASE)
    await labelled(platform, 1)
    assert await refusals(platform) == {"ALREADY_RUNNING"}  # at both servers
    platform.fleet.workers[0].kill()
    await eventually(partial(over, platform), 120)
    (run,) = await runs(platform)
    assert (run["state"], run["error"], run["model"]["number"]) == ("PROMOTED", None, 2)
    assert platform.rows("SELECT lost, fence FROM training_run") == [(1, 2)]


async def test_clocks_that_differ_take_no_run_from_a_living_host(
    breakable: Callable[..., Breakable],
) -> None:
    """One host a minute ahead, the other a minute behind."""
    behind, ahead = shifted(-60), shifted(60)
    platform = breakable([], servers=[ahead, behind])
    await platform.sign_in()
    assert [(await admin.ask("{ viewer { id } }"))["viewer"] is None for admin in platform.admins] == [
        False
    ] * 2
    platform.fleet.start_worker(**behind, **SLOW_TRAINER)
    await labelled(platform, 4)
    assert (await platform.admins[1].ask(RETRAIN))["requestRetraining"]["errors"] == []
    await eventually(partial(begun, platform), 60)
    platform.fleet.start_worker(**ahead)
    await asyncio.to_thread(platform.fleet.wait_until_working)
    # What asks for the run comes again, to both.
    ((run_id,),) = platform.rows("SELECT id FROM training_run")
    for _ in range(8):
        platform.rows(
            "INSERT INTO outbox_event (uid, kind, payload, created_at) VALUES (%s, %s, %s, UTC_TIMESTAMP(6))",
            uuid4().hex,
            "RetrainingRequested",
            f'{{"run_id": {run_id}}}',
        )
    await eventually(partial(over, platform), 120)
    assert platform.rows("SELECT state, lost, fence FROM training_run") == [("PROMOTED", 0, 1)]
    for signing, checking in ((0, 1), (1, 0)):
        assert await picture_of(platform, signing, checking) == 200


async def picture_of(platform: Breakable, signing: int, checking: int) -> int:
    """The status of a picture's address that one server signed, at another."""
    asked = await platform.admins[signing].ask("{ images(first: 1) { nodes { url } } }")
    parts = urlsplit(asked["images"]["nodes"][0]["url"])
    return await platform.status(f"{parts.path[1:]}?{parts.query}", checking)


async def test_a_film_that_ends_its_process_is_told_of_and_holds_nothing_up(
    breakable: Callable[..., Breakable],
) -> None:
    platform = breakable([SHORT_LEASE | POISONABLE])
    await platform.sign_in()
    (here, there), deaths = platform.admins, 0
    async with platform.listening(KINDS["PredictionMade"]) as heard:
        films = [*platform.films(6), *platform.films(1, POISON / 255), *platform.films(6)]
        sent = await here.upload(films, "id")
        poison = sent[6]["image"]["id"]
        async with asyncio.timeout(240):
            while not (failed := await failures(platform, there)):
                if platform.fleet.workers[0].poll() is not None:
                    deaths += 1
                    platform.fleet.start_worker_again(0)  # as whatever supervises it does
                await asyncio.sleep(0.2)
        assert [one["id"] for one in failed] == [poison]
        assert "ended over this one, 3 times" in failed[0]["failure"]
        assert deaths == 4  # the first among others, and then alone
        await platform.upload(2, waitSeconds=60)
        await platform.all_told_once(heard["predictionMade"], 14)
        assert platform.fleet.workers[0].poll() is None


async def failures(platform: Breakable, admin: Any) -> list[dict[str, str]]:
    """What an administrator finds that could not be judged."""
    query = "{ images(first: 9, filter: {failed: true}) { nodes { id failure predictionState } } }"
    found: list[dict[str, str]] = (await admin.ask(query))["images"]["nodes"]
    return found


# ------------------------------------------------------------------ which model serves


async def deployments_in_force(platform: Breakable) -> list[int]:
    """What each server and worker says of itself."""
    found = []
    async with httpx.AsyncClient(timeout=10, verify=IN_THE_CLEAR) as client:
        for live in (*platform.fleet.servers, *platform.fleet.working):
            text = (await client.get(f"http://127.0.0.1:{live.port}/metrics")).text
            (line,) = [line for line in text.splitlines() if line.startswith("covidxr_model_deployment ")]
            found.append(int(float(line.split()[1])))
    return found


async def all_serve(platform: Breakable, deployment: int) -> bool:
    return set(await deployments_in_force(platform)) == {deployment}


async def trained(platform: Breakable, count: int) -> None:
    """So many more models, each of which is promoted."""
    for number in range(count):
        await labelled(platform, 2)
        assert (await platform.admins[0].ask(RETRAIN))["requestRetraining"]["errors"] == []
        await eventually(partial(over, platform), 60)
        assert await eventually(partial(all_serve, platform, number + 2), 60)


async def promote(platform: Breakable, server: int, model: str, reason: str) -> str | None:
    """The code with which a promotion is refused; None where it was not."""
    wish = {"id": model, "reason": reason}
    answer = (await platform.admins[server].ask(PROMOTE, input=wish))["promoteModel"]
    if answer["model"]:
        return None
    (error,) = answer["errors"]
    assert error["message"] in (
        "this model is in service already",
        "another promotion came first: look again",
    )
    return str(error["code"])


async def test_of_promotions_at_once_one_wins_and_all_processes_serve_it(
    breakable: Callable[..., Breakable], capsys: pytest.CaptureFixture[str]
) -> None:
    platform = breakable()
    await platform.sign_in()
    await asyncio.to_thread(platform.fleet.wait_until_working)
    await trained(platform, 2)
    models = {one["number"]: one["id"] for one in (await platform.admins[0].ask(MODELS))["models"]["nodes"]}
    won, spread = 0, []
    for turn in range(6):
        # At first the same model at both servers, which one of them alone can put in service; then two.
        wishes = (
            (models[1 + turn % 2],) * 2 if turn < 3 else (models[1 + turn % 3], models[1 + (turn + 1) % 3])
        )
        outcomes = await asyncio.gather(
            *(promote(platform, server, model, f"turn {turn}") for server, model in enumerate(wishes))
        )
        assert set(outcomes) <= {None, "CONFLICT"}
        assert outcomes.count(None) == 1 or (turn >= 3 and outcomes.count(None) == 2)
        won += outcomes.count(None)
        began = asyncio.get_running_loop().time()
        assert await eventually(partial(all_serve, platform, 3 + won), 60)
        spread.append(asyncio.get_running_loop().time() - began)
    with capsys.disabled():
        print(
            f"\na promotion had reached 4 processes after {max(spread):.2f} s at the most, of {len(spread)}"
        )
    numbers = [number for (number,) in platform.rows("SELECT number FROM deployment ORDER BY number")]
    assert numbers == list(range(1, 4 + won))
    states = [state for (state,) in platform.rows("SELECT state FROM model_version ORDER BY number")]
    assert states.count("IN_SERVICE") == 1
    serving = {(await admin.ask(MODELS))["model"]["number"] for admin in platform.admins}
    assert serving == {states.index("IN_SERVICE") + 1}


async def test_a_worker_that_was_away_serves_by_no_model_of_before(
    breakable: Callable[..., Breakable],
) -> None:
    platform = breakable([{}])
    await platform.sign_in()
    await asyncio.to_thread(platform.fleet.wait_until_working)
    await trained(platform, 1)
    ((first,),) = platform.rows("SELECT id FROM model_version WHERE number = 1")
    models = {one["number"]: one["id"] for one in (await platform.admins[0].ask(MODELS))["models"]["nodes"]}
    os.kill(platform.fleet.workers[0].pid, signal.SIGSTOP)
    try:
        assert await promote(platform, 0, models[1], "while a worker was away") is None
        images = await platform.upload(3)
    finally:
        os.kill(platform.fleet.workers[0].pid, signal.SIGCONT)
    judged = "SELECT COUNT(*) FROM prediction"
    await until(lambda: platform.rows(judged) >= [(2 + 2 + len(images),)])
    assert set(platform.rows("SELECT model_id FROM prediction WHERE image_id > 2")) == {(first,)}
