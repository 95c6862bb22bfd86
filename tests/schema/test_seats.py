"""How many sockets and streams anybody holds at once."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import seats
from api.seats import Holder, NoSeat, Seats
from services.platform import Platform
from tests import databases
from tests.asking import Asker
from tests.listening import NEWS, joined, opened

INIT = {"type": "connection_init"}
STREAM = {"Accept": "text/event-stream"}
LISTENING, ASKING = {"query": NEWS}, {"query": "{ model { number } }"}


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what happens before it is asked."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (seats.PER_USER, seats.PER_ADDRESS) == (40, 100), "as docs/api.md says"
    monkeypatch.setattr(seats, "PER_USER", 2)
    monkeypatch.setattr(seats, "PER_ADDRESS", 3)


def init(asker: Asker) -> dict[str, Any]:
    return {**INIT, "payload": {"authorization": f"Bearer {asker.token}"}}


async def test_a_user_holds_so_many_sockets(address: str, member: Asker, other: Asker) -> None:
    async with joined(address, member.token), joined(address, member.token):
        async with opened(address) as third:
            await third.send(init(member))
            assert await third.closes() == (4411, "at most 2 sockets and streams at once: close one")
        async with joined(address, other.token), joined(address):
            pass  # nobody else is kept out
    async with joined(address, member.token):
        pass  # what has been closed counts no more


async def test_people_who_are_not_known_share_those_of_their_address(
    address: str, member: Asker, platform: Platform
) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(joined(address))
        for _ in range(2):
            await stack.enter_async_context(opened(address))  # and says nothing
        async with opened(address) as fourth:
            assert (await fourth.closes())[0] == 4411
    async with joined(address):
        pass


async def test_a_socket_counts_for_its_user_once_that_is_known(
    address: str, member: Asker, other: Asker
) -> None:
    async with AsyncExitStack() as stack:
        for asker in (member, member, other, other):  # more than the address has
            await stack.enter_async_context(joined(address, asker.token))


async def test_streams_count_too(address: str, member: Asker, admin: Asker) -> None:
    async with (
        httpx.AsyncClient(
            base_url=f"http://{address}", timeout=10, headers={**STREAM, **member.headers}
        ) as client,
        joined(address, member.token),
    ):
        response = await client.send(client.build_request("POST", "/graphql", json=LISTENING), stream=True)
        assert response.status_code == 200
        refused = await client.post("/graphql", json=LISTENING)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
        assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        asked = await client.post("/graphql", json=ASKING, headers={"Accept": "*/*"})
        assert asked.status_code == 200, "what ends at once needs no seat"
        await response.aclose()
        async with asyncio.timeout(10):
            while (await client.post("/graphql", json=ASKING)).status_code != 200:
                await asyncio.sleep(0.02)


async def test_streams_that_end_by_themselves_leave_nothing_behind(address: str, platform: Platform) -> None:
    async with httpx.AsyncClient(base_url=f"http://{address}", headers=STREAM) as client:
        for query in ["{ model { number } }", "{ nothing }", "{", NEWS.replace("title", "nothing")] * 3:
            assert (await client.post("/graphql", json={"query": query})).status_code == 200


def test_seats_are_counted_by_who_holds_them() -> None:
    ana, eva = Holder("ana", 1), Holder("eva", 1)
    all_seats = Seats()
    seat = all_seats.take(ana)
    with pytest.raises(NoSeat, match="at most 1 "):
        all_seats.take(ana)
    other = all_seats.take(eva)
    with pytest.raises(NoSeat):
        seat.move(eva)
    other.leave()
    seat.move(eva)
    seat.move(eva)
    assert len(all_seats) == 1
    all_seats.take(ana)
    seat.leave()
    assert (len(all_seats), list(all_seats._taken)) == (1, [ana])
