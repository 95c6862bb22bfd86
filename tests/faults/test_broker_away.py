"""The broker away for a while; COVIDXR_TEST_AWAY=60 makes it a minute."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest

from tests.faults.breakable import LABEL, Breakable
from tests.torture.listeners import KINDS, Kind

AWAY_SECONDS = float(os.environ.get("COVIDXR_TEST_AWAY", "5"))
LABELS = Kind("labelSubmitted", "label { id }", lambda event: event["label"]["id"])
NEWS = Kind("newsPublished", "post { id }", lambda event: event["post"]["id"])
PUBLISH = "mutation($input: PublishNewsInput!) { publishNews(input: $input) { errors { code } } }"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def test_what_is_taken_while_the_broker_is_away_is_told_of_once(
    breakable: Callable[..., Breakable],
) -> None:
    platform = breakable()
    here, there = await platform.sign_in()
    async with platform.listening(KINDS["PredictionMade"], LABELS, NEWS) as heard:
        before = await platform.upload(3, waitSeconds=60)
        await platform.all_told_once(heard["predictionMade"], 3)
        platform.broker.stop()
        taken = await platform.upload(4)
        for admin, image in zip((here, there), before, strict=False):
            given = {"imageId": image, "finding": "COVID"}
            assert (await admin.ask(LABEL, input=given))["submitLabel"]["errors"] == []
        await asyncio.sleep(AWAY_SECONDS)
        assert [len(events) for events in heard["predictionMade"]] == [3, 3]
        platform.broker.start()
        await platform.all_told_once(heard["predictionMade"], 3 + len(taken))
        await platform.all_told_once(heard["labelSubmitted"], 2)
        # Who had heard nothing before hears nothing old.
        assert heard["newsPublished"] == [[], []]
        assert (await here.ask(PUBLISH, input={"title": "Back", "body": "b"}))["publishNews"]["errors"] == []
        await platform.all_told_once(heard["newsPublished"], 1)
    assert platform.none_has_ended()
