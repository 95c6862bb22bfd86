"""Drift as administrators see it, and the warnings that reach them."""

from dataclasses import replace

import pytest

from api.wiring import Parts
from events.log import encode_cursor
from schema import streams
from services.platform import Platform
from store.tables import Image, Role, User
from tests.asking import Asker
from tests.drifting import RECORD, ago, judged, labelled, uploaded
from tests.listening import joined, listen
from tests.statements import counted

FIGURES = """images leftOut abstentions abstentionsByReason { reason images share } meanProbability
  meanDistance medianDistance highDistance labelled agreement"""
COMPARISON = """signal reference lastMonth images imagesNeeded difference { value low high } margin differs
  sentence"""
DRIFT = f"""query($by: DriftStep, $periods: Int) {{ drift(by: $by, periods: $periods) {{
  model {{ number }} reference {{ {FIGURES} }} lastMonth {{ {FIGURES} }} signals {{ {COMPARISON} }}
  series {{ begin end figures {{ {FIGURES} }} }}
  warnings {{ comparison {{ signal }} since until model {{ number }} }} }} }}"""
WARNED = f"""subscription($after: Cursor) {{ driftWarned(after: $after) {{ cursor warning {{
  comparison {{ {COMPARISON} }} since until model {{ number }} }} }} }}"""


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    return replace(parts, default_model=replace(parts.default_model, record=RECORD))


@pytest.fixture
async def strange(platform: Platform, ana: User) -> list[Image]:
    """A hundred images, further from known chests than those that judged the model."""
    images = await uploaded(ana, 100, days_ago=3)
    await judged(images, (await platform.models.in_service()).id, distance=2)
    return images


async def test_the_month_is_shown_beside_what_judged_the_model(
    admin: Asker, ana: User, strange: list[Image], platform: Platform
) -> None:
    model = await platform.models.in_service()
    await labelled(strange, model.id, ana)
    await platform.drift_watch.look()
    drift = await admin.data(DRIFT, by="DAY", periods=7)
    assert drift["model"] == {"number": 1}
    assert drift["reference"] == {
        "images": 400,
        "leftOut": 0,
        "abstentions": 0.1,
        "abstentionsByReason": [
            {"reason": "NOT_A_CHEST_XRAY", "images": 0, "share": 0},
            {"reason": "OUT_OF_DISTRIBUTION", "images": 4, "share": 0.01},
            {"reason": "UNCERTAIN", "images": 36, "share": 0.09},
        ],
        "meanProbability": 0.3,
        "meanDistance": 0,
        "medianDistance": -0.1,
        "highDistance": 1.8,
        "labelled": 360,
        "agreement": 0.95,
    }
    month = drift["lastMonth"]
    assert (month["images"], month["abstentions"], month["labelled"]) == (100, 0.1, 90)
    assert month["meanDistance"] == pytest.approx(2)
    assert month["highDistance"] > month["medianDistance"] > 1.5
    assert [one["signal"] for one in drift["signals"]] == [
        "ABSTENTIONS",
        "PROBABILITY",
        "DISTANCE",
        "AGREEMENT",
    ]
    distance = drift["signals"][2]
    assert (distance["reference"], distance["lastMonth"]) == (0, pytest.approx(2))
    assert distance["difference"]["low"] < distance["difference"]["value"] < distance["difference"]["high"]
    assert (distance["margin"], distance["imagesNeeded"], distance["images"]) == (0.5, 50, 100)
    assert "beyond the margin" in distance["sentence"]
    assert [one["differs"] for one in drift["signals"]] == [False, False, True, False]
    assert [period["figures"]["images"] for period in drift["series"]] == [0, 0, 0, 100, 0, 0, 0]
    assert drift["series"][0]["figures"]["abstentions"] is None
    assert drift["series"][3]["figures"]["medianDistance"] is None
    (warning,) = drift["warnings"]
    assert warning.pop("since")
    assert warning == {"comparison": {"signal": "DISTANCE"}, "until": None, "model": {"number": 1}}


async def test_a_new_platform_has_nothing_to_compare(admin: Asker) -> None:
    drift = await admin.data(DRIFT)
    assert (drift["lastMonth"]["images"], drift["lastMonth"]["abstentions"]) == (0, None)
    assert len(drift["series"]) == 13
    assert {one["difference"] for one in drift["signals"]} == {None}
    assert "too few to compare, 50 are needed" in drift["signals"][0]["sentence"]


@pytest.mark.parametrize("periods", [0, -1, 101, 2**31 - 1])
async def test_so_many_periods_are_refused(admin: Asker, periods: int) -> None:
    assert await admin.code(DRIFT, periods=periods) == "BAD_USER_INPUT"


async def test_is_for_administrators(anybody: Asker, member: Asker) -> None:
    assert await anybody.code(DRIFT) == "UNAUTHENTICATED"
    assert await member.code(DRIFT) == "FORBIDDEN"


async def test_takes_as_many_statements_however_much_there_is(
    admin: Asker, ana: User, platform: Platform
) -> None:
    counts = []
    for count in (2, 200):
        await judged(await uploaded(ana, count), (await platform.models.in_service()).id, distance=2)
        await platform.drift_watch.look()
        with counted() as statements:
            await admin.data(DRIFT, periods=100)
        counts.append(len(statements))
    assert counts[1] - counts[0] <= 1, "the model of the warning"
    assert counts[1] <= 12


# ------------------------------------------------------------------ the event


async def test_warnings_reach_administrators_alone(
    address: str, anybody: Asker, member: Asker, admin: Asker, strange: list[Image], platform: Platform
) -> None:
    async with (
        joined(address) as nobody,
        joined(address, member.token) as anas,
        joined(address, admin.token) as chiefs,
    ):
        for client, code in ((nobody, "UNAUTHENTICATED"), (anas, "FORBIDDEN")):
            await client.subscribe(WARNED)
            assert await client.ends() == ("error", code)
        await listen(chiefs, WARNED)
        for _ in range(2):
            await platform.drift_watch.look()
        event = await chiefs.event()
        assert event.pop("cursor")
        warning = event["warning"]
        assert (warning["model"], warning["until"]) == ({"number": 1}, None)
        assert warning["comparison"]["signal"] == "DISTANCE"
        assert warning["comparison"]["differs"]
        await chiefs.settle()
        assert not [message for message in chiefs._kept if message["id"] == "1"]


async def test_what_was_missed_comes_behind_a_cursor(
    address: str, admin: Asker, ana: User, strange: list[Image], platform: Platform
) -> None:
    """Warned, ended, warned again: replayed in order, each as it was then."""
    begin = encode_cursor(await platform.log.head())
    await platform.drift_watch.look()
    await Image.filter(id__in=[image.id for image in strange]).update(uploaded_at=ago(50))
    await platform.drift_watch.look()
    await judged(await uploaded(ana, 80), (await platform.models.in_service()).id, distance=-2)
    await platform.drift_watch.look()
    async with joined(address, admin.token) as client:
        await client.subscribe(WARNED, after=begin)
        events = [await client.event() for _ in range(2)]
        await client.subscribe(WARNED, "again", after=events[0]["cursor"])
        assert await client.event("again") == events[1]
    first, second = (event["warning"] for event in events)
    assert (first["comparison"]["images"], second["comparison"]["images"]) == (100, 80)
    assert first["until"] is not None
    assert second["until"] is None
    assert "less like those" in first["comparison"]["sentence"]
    assert "more alike" in second["comparison"]["sentence"]


async def test_an_admin_no_more_hears_no_warning(
    address: str,
    member: Asker,
    ana: User,
    strange: list[Image],
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "DELIVERY_SECONDS", 0.0)
    await User.filter(id=ana.id).update(role=Role.ADMIN)
    async with joined(address, member.token) as client:
        await listen(client, WARNED)
        await User.filter(id=ana.id).update(role=Role.MEMBER)
        await platform.drift_watch.look()
        assert await client.ends() == ("next", "FORBIDDEN")


async def test_predictions_say_how_far_their_pictures_lie(admin: Asker, strange: list[Image]) -> None:
    nodes = (await admin.data("{ predictions(first: 2) { nodes { distance } } }"))["nodes"]
    assert all(-2 < node["distance"] < 6 for node in nodes)
