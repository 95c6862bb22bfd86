"""Subscriptions that go on where they stopped: nothing is missed, nothing is told twice."""

import asyncio

from events.log import encode_cursor
from services.journal import DROPPED, DatabaseJournal
from services.platform import Platform
from store.tables import Image, NewsPost, User
from tests.asking import Asker
from tests.listening import NEWS, PREDICTIONS, joined, listen, nothing_waits, publish, upload
from tests.people import eventually


async def test_resumes_where_it_stopped(address: str, admin: Asker) -> None:
    async with joined(address) as client:
        await listen(client, NEWS)
        await publish(admin, "1", "2", "3")
        first = await client.event()
    await publish(admin, "4", "5")
    async with joined(address) as client:
        await client.subscribe(NEWS, after=first["cursor"])
        await client.settle()
        await publish(admin, "6")
        titles = [(await client.event())["post"]["title"] for _ in range(5)]
        await client.settle()
        assert titles == ["2", "3", "4", "5", "6"]
        assert not [message for message in client._kept if message["id"] == "1"]


async def test_a_cursor_of_one_subscription_is_good_for_another(
    address: str, member: Asker, admin: Asker
) -> None:
    async with joined(address, member.token) as client:
        await listen(client, NEWS, "news")
        await publish(admin, "first")
        cursor = (await client.event("news"))["cursor"]
        await upload(member, 1)
        await client.subscribe(PREDICTIONS, "predictions", after=cursor)
        assert (await client.event("predictions"))["prediction"]["image"]["filename"] == "1.png"


async def test_without_a_cursor_only_what_happens_from_now_on(address: str, admin: Asker) -> None:
    await publish(admin, "before")
    await eventually(nothing_waits)
    async with joined(address) as client:
        await listen(client, NEWS, after=None)
        await publish(admin, "after")
        assert (await client.event())["post"]["title"] == "after"


async def test_nothing_is_missed_behind_the_last_cursor(address: str, anybody: Asker, admin: Asker) -> None:
    await publish(admin, "before")
    await eventually(nothing_waits)
    cursor = await anybody.data("{ lastCursor }")
    await publish(admin, "meanwhile")
    async with joined(address) as client:
        await client.subscribe(NEWS, after=cursor)
        assert (await client.event())["post"]["title"] == "meanwhile"


async def test_nothing_is_missed_or_told_twice_while_events_pour_in(address: str, admin: Asker) -> None:
    async with joined(address) as steady:
        await listen(steady, NEWS)
        publishing = asyncio.create_task(publish(admin, *map(str, range(30))))
        seen: list[str] = []
        cursor = None
        while len(seen) < 30:
            async with joined(address) as client:  # hangs up after every third event
                if cursor is None:
                    await client.subscribe(NEWS, after=encode_cursor(0))
                else:
                    await client.subscribe(NEWS, after=cursor)
                for _ in range(3):
                    event = await client.event()
                    cursor = event["cursor"]
                    seen.append(event["post"]["title"])
        await publishing
        assert (
            seen == [(await steady.event())["post"]["title"] for _ in range(30)] == list(map(str, range(30)))
        )


async def test_a_cursor_that_is_none(address: str, platform: Platform) -> None:
    async with joined(address) as client:
        for cursor in ("", "nonsense", "ÿ", "MQ", "event:1", "x" * 10_000):
            await client.subscribe(NEWS, after=cursor)
            assert await client.ends() == ("error", "BAD_USER_INPUT")


async def test_a_cursor_that_is_too_old_or_of_another_log(
    address: str, admin: Asker, platform: Platform
) -> None:
    await publish(admin, *map(str, range(4)))
    await eventually(nothing_waits)
    head = await platform.log.head()
    await DatabaseJournal().save_progress(DROPPED, head - 1)  # as the sweep does
    async with joined(address) as client:
        for place in (0, 1, head + 1000):
            await client.subscribe(NEWS, after=encode_cursor(place))
            assert (await client.ends())[1] == "BAD_USER_INPUT"


async def test_what_was_deleted_meanwhile_is_passed_over(
    address: str, member: Asker, admin: Asker, platform: Platform
) -> None:
    begin = encode_cursor(await platform.log.head())
    await publish(admin, "deleted", "kept")
    await upload(member, 1)
    await upload(member, 2)
    await NewsPost.filter(title="deleted").delete()
    await Image.filter(filename="1.png").delete()
    async with joined(address, member.token) as client:
        await client.subscribe(NEWS, "n", after=begin)
        await client.subscribe(PREDICTIONS, "p", after=begin)
        assert (await client.event("n"))["post"]["title"] == "kept"
        assert (await client.event("p"))["prediction"]["image"]["filename"] == "2.png"


async def test_each_event_is_loaded_afresh(address: str, admin: Asker) -> None:
    async with joined(address) as client:
        await listen(client, NEWS)
        await publish(admin, "1")
        assert (await client.event())["post"]["author"] == {"name": "Chief"}
        await User.all().update(name="Renamed")
        await publish(admin, "2")
        assert (await client.event())["post"]["author"] == {"name": "Renamed"}
