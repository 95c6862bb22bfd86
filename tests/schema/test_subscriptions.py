"""What subscribers hear: theirs alone, live and resumed, to the end of their session."""

import asyncio
from functools import partial
from typing import Any

import pytest

from api.wiring import Parts
from events.log import encode_cursor
from events.messages import TrainingProgressed
from schema import ids, streams
from services.outbox import record
from services.platform import Platform
from store.tables import Role, RunTrigger, Token, TrainingRun, User
from tests import people
from tests.addressed import asked
from tests.asking import Asker
from tests.listening import NEWS, PREDICTIONS, joined, listen, publish, upload
from tests.stand_ins import picture
from tests.versions import candidate

LABELS = """subscription($after: Cursor) { labelSubmitted(after: $after) { cursor
  label { finding image { filename } submittedBy { name } }
  retraining { newLabels threshold run { id } } } }"""
PROGRESS = """subscription($after: Cursor) { trainingProgress(after: $after) { cursor
  run { state epoch epochs loss losses secondsLeft reason leftOut { images } labels model { number } } } }"""
PROMOTIONS = """subscription($after: Cursor) { modelPromoted(after: $after) { cursor
  model { number state } previous { number state } } }"""
CHANGES = """subscription($after: Cursor) { findingChanged(after: $after) { cursor change { changedAt
  prediction { finding model { number } image { filename } } previous { finding model { number } } } } }"""
PICTURES = "subscription { predictionMade { prediction { heatmapUrl image { url thumbnailUrl } } } }"
ALL = {"p": PREDICTIONS, "n": NEWS, "l": LABELS, "t": PROGRESS, "m": PROMOTIONS, "c": CHANGES}


# ------------------------------------------------------------------ each of them


async def test_a_prediction_reaches_the_owner(address: str, member: Asker) -> None:
    async with joined(address, member.token) as client:
        await listen(client, PREDICTIONS)
        await upload(member, 1)
        event = await client.event()
    assert event.pop("cursor")
    shown = {"filename": "1.png", "predictionState": "READY", "uploadedBy": {"name": "Ana"}}
    assert event == {"prediction": {"finding": "COVID", "model": {"number": 1}, "image": shown}}


async def test_predictions_are_heard_by_their_owner_and_admins_alone(
    address: str, member: Asker, other: Asker, admin: Asker
) -> None:
    async with (
        joined(address, member.token) as hers,
        joined(address, other.token) as evas,
        joined(address, admin.token) as chiefs,
    ):
        for client in (hers, evas, chiefs):
            await listen(client, PREDICTIONS)
        await upload(member, 1)
        await upload(other, 2)
        await upload(member, 3)
        heard = [
            [(await client.event())["prediction"]["image"]["filename"] for _ in range(count)]
            for client, count in ((hers, 2), (evas, 1), (chiefs, 3))
        ]
        assert heard == [["1.png", "3.png"], ["2.png"], ["1.png", "2.png", "3.png"]]
        await upload(other, 4)
        assert (await chiefs.event())["prediction"]["image"]["filename"] == "4.png"
        await hers.settle()
        assert not [message for message in hers._kept if message["id"] == "1"]


async def test_pictures_that_are_heard_of_are_addressed_to_who_hears(
    address: str, anybody: Asker, member: Asker, admin: Asker
) -> None:
    """Administrators share what an event has loaded, and no addresses."""
    deputy = await anybody.signed_in(await people.admin("deputy@hospital.example"))
    async with (
        joined(address, member.token) as hers,
        joined(address, admin.token) as chiefs,
        joined(address, deputy.token) as deputies,
    ):
        for client in (hers, chiefs, deputies):
            await listen(client, PICTURES)
        await upload(member, 1)
        for client, asker in ((hers, member), (chiefs, admin), (deputies, deputy)):
            heard = (await client.event())["prediction"]
            viewer = ids.row_of((await asker.data("{ viewer { id } }"))["id"], "User")
            for url in (heard["heatmapUrl"], heard["image"]["url"], heard["image"]["thumbnailUrl"]):
                assert asked(url).viewer == str(viewer)


async def test_labels_runs_and_promotions_reach_admins(
    address: str, member: Asker, admin: Asker, parts: Parts
) -> None:
    async with joined(address, admin.token) as client:
        for operation, query in (("l", LABELS), ("t", PROGRESS), ("m", PROMOTIONS)):
            await listen(client, query, operation)
        await member.upload([("1.png", picture(1, 0.9))], "id", label="COVID", waitSeconds=10)
        label = await client.event("l")
        assert label.pop("cursor")
        assert label == {
            "label": {"finding": "COVID", "image": {"filename": "1.png"}, "submittedBy": {"name": "Ana"}},
            "retraining": {"newLabels": 1, "threshold": 3, "run": None},
        }
        await admin.data("mutation { requestRetraining { errors { code } } }")
        runs = [(await client.event("t"))["run"] for _ in range(5)]
        assert [(run["state"], run["epoch"], run["loss"]) for run in runs] == [
            ("QUEUED", 0, None),
            ("TRAINING", 1, 1.0),
            ("TRAINING", 2, 0.5),
            ("EVALUATING", 2, 0.5),
            ("PROMOTED", 2, 0.5),
        ]
        assert {(run["epochs"], run["labels"]) for run in runs} == {(20, 1)}
        assert runs[-1]["model"] == {"number": 2}
        promotion = await client.event("m")
        assert promotion.pop("cursor")
        assert promotion == {
            "model": {"number": 2, "state": "IN_SERVICE"},
            "previous": {"number": 1, "state": "RETIRED"},
        }


async def test_changed_findings_reach_the_owner_and_admins_alone(
    address: str, member: Asker, other: Asker, admin: Asker, platform: Platform
) -> None:
    """The owner resumes behind what she saw and hears what was missed: there and back."""
    await upload(member, 1, 0.4)
    eager = await candidate(platform, "0.25")
    begin = encode_cursor(await platform.log.head())
    first = (await admin.data("{ model { id } }"))["id"]
    async with joined(address, other.token) as evas, joined(address, admin.token) as chiefs:
        for client in (evas, chiefs):
            await listen(client, CHANGES)
        for model_id in (ids.encode("ModelVersion", eager.id), first):
            await admin.mutate("promoteModel", "model { number }", id=model_id, reason="a test")
            heard = (await chiefs.event())["change"]
        assert heard["previous"] == {"finding": "COVID", "model": {"number": 2}}
        await evas.settle()
        assert not [message for message in evas._kept if message["id"] == "1"]
    async with joined(address, member.token) as client:
        await client.subscribe(CHANGES, after=begin)
        events = [await client.event() for _ in range(2)]
        await client.subscribe(CHANGES, "again", after=events[0]["cursor"])
        assert await client.event("again") == events[1]
    assert [event["change"]["prediction"] for event in events] == [
        {"finding": finding, "model": {"number": number}, "image": {"filename": "1.png"}}
        for finding, number in (("COVID", 2), ("NO_COVID", 1))
    ]
    query = "{ images(filter: {findingChanged: true}) { nodes { findingChange { previous { finding } } } } }"
    assert (await member.data(query))["nodes"] == [{"findingChange": {"previous": {"finding": "COVID"}}}]


async def test_progress_shows_the_moment_that_it_tells_of(
    address: str, admin: Asker, platform: Platform
) -> None:
    run = await TrainingRun.create(
        trigger=RunTrigger.ADMIN,
        epochs=2,
        state="FAILED",
        epoch=2,
        loss=0.1,
        losses=[0.75, 0.1],
        error="the trainer was lost",
    )
    begin = await platform.log.head()
    moments: list[tuple[str, int, float | None, float | None]] = [
        ("QUEUED", 0, None, None),
        ("TRAINING", 1, 0.75, 12.5),
        ("FAILED", 2, 0.1, None),
    ]
    for moment in moments:
        counts = None if moment[0] == "QUEUED" else {"HELD_OUT": 2}
        event = TrainingProgressed(run.id, *moment, left_out=counts)
        await platform.retraining.outbox.commit(partial(record, event))
    async with joined(address, admin.token) as client:
        await client.subscribe(PROGRESS, after=encode_cursor(begin))
        runs = [(await client.event())["run"] for _ in moments]
    assert [(run["state"], run["epoch"], run["loss"], run["secondsLeft"]) for run in runs] == moments
    assert [run["losses"] for run in runs] == [[], [0.75], [0.75, 0.1]]
    assert [run["leftOut"] for run in runs] == [None, [{"images": 2}], [{"images": 2}]]
    assert [run["reason"] for run in runs] == [
        "It waits for a trainer.",
        "It learns: epoch 1 of 2 is done. 2 labelled images are left out: 2 kept to judge models.",
        "the trainer was lost",
    ]


async def test_news_reaches_everyone(address: str, admin: Asker) -> None:
    async with joined(address) as client:
        await listen(client, NEWS)
        await publish(admin, "one", "two")
        events = [await client.event() for _ in range(2)]
    assert [event["post"] for event in events] == [
        {"title": "one", "author": {"name": "Chief"}},
        {"title": "two", "author": {"name": "Chief"}},
    ]
    assert events[0]["cursor"] != events[1]["cursor"]


# ------------------------------------------------------------------ who may listen


async def test_who_may_listen(address: str, anybody: Asker, member: Asker, admin: Asker) -> None:
    for asker, refused in (
        (anybody, dict.fromkeys("pltmc", "UNAUTHENTICATED")),
        (member, dict.fromkeys("ltm", "FORBIDDEN")),
        (admin, {}),
    ):
        async with joined(address, asker.token) as client:
            for operation, query in ALL.items():
                await client.subscribe(query, operation)
            await client.settle()
            assert {operation: await client.ends(operation) for operation in refused} == {
                operation: ("error", code) for operation, code in refused.items()
            }
            assert not [message for message in client._kept if message["id"] in ALL]


# ------------------------------------------------------------------ the end of a session


async def test_a_revoked_token_ends_a_silent_subscription(
    address: str, member: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SILENT_SECONDS", 0.2)
    async with joined(address, member.token) as client:
        await listen(client, PREDICTIONS, "p")
        await listen(client, NEWS, "n")
        await asyncio.sleep(0.5)
        assert client._kept == []
        await member.data("mutation { signOut { signedOut } }")
        for operation in ("p", "n"):
            assert (await client.ends(operation))[1] == "UNAUTHENTICATED"


async def test_a_revoked_token_hears_no_further_event(
    address: str, member: Asker, admin: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "DELIVERY_SECONDS", 0.0)
    async with joined(address, member.token) as client:
        await listen(client, NEWS)
        await publish(admin, "heard")
        assert (await client.event())["post"]["title"] == "heard"
        await member.data("mutation { signOut { signedOut } }")
        await publish(admin, "not heard")
        assert await client.ends() == ("next", "UNAUTHENTICATED")


async def test_an_admin_no_more_hears_no_further_event(
    address: str, anybody: Asker, ana: User, member: Asker, admin: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "DELIVERY_SECONDS", 0.0)
    await User.filter(id=ana.id).update(role=Role.ADMIN)
    async with joined(address, member.token) as client:
        await listen(client, LABELS)
        await admin.upload([("1.png", picture(1))], "id", label="COVID")
        assert (await client.event())["label"]["image"] == {"filename": "1.png"}
        await User.filter(id=ana.id).update(role=Role.MEMBER)
        await admin.upload([("2.png", picture(2))], "id", label="COVID")
        assert await client.ends() == ("next", "FORBIDDEN")


async def test_a_new_admin_hears_of_others_from_then_on(
    address: str, ana: User, member: Asker, admin: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "DELIVERY_SECONDS", 0.0)

    async def heard() -> str:
        name: str = (await client.event())["prediction"]["image"]["filename"]
        return name

    async with joined(address, member.token) as client:
        await listen(client, PREDICTIONS)
        await admin.upload([("before.png", picture(1))], "id", waitSeconds=10)
        await User.filter(id=ana.id).update(role=Role.ADMIN)
        await member.upload([("own.png", picture(2))], "id", waitSeconds=10)
        assert await heard() == "own.png"
        await admin.upload([("after.png", picture(3))], "id", waitSeconds=10)
        assert await heard() == "after.png"


async def test_the_session_is_looked_up_now_and_then_alone(
    address: str, member: Asker, admin: Asker, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "DELIVERY_SECONDS", 60.0)
    lookups = 0
    session = type(platform.accounts).session

    async def counting(accounts: Any, token: str) -> Token | None:
        nonlocal lookups
        lookups += token == member.token
        return await session(accounts, token)

    monkeypatch.setattr(type(platform.accounts), "session", counting)
    async with joined(address, member.token) as client:
        for n in range(20):
            await client.subscribe(NEWS, str(n))
        await client.settle()
        lookups = 0  # each operation that began has asked
        await publish(admin, "1", "2", "3")
        for n in range(20):
            assert [(await client.event(str(n)))["post"]["title"] for _ in range(3)] == ["1", "2", "3"]
    assert lookups == 0
