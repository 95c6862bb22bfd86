"""An operation that takes too long is cut off, and leaves nothing behind that hangs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tortoise import connections

from schema import operations
from services.platform import Platform
from store import database
from store.tables import NewsPost, User
from tests.asking import Asker
from tests.listening import joined

SHORT = 0.5
PUBLISH = 'mutation { publishNews(input: {title: "t", body: "b"}) { post { id } } }'
NEWS = "{ news { totalCount } }"
COUNTING = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n LIMIT 1000000) SELECT max(x) FROM n"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "SECONDS", SHORT)


def slow(monkeypatch: pytest.MonkeyPatch, platform: Platform, wait: Callable[[], Awaitable[Any]]) -> None:
    """The news take so long."""
    page = type(platform.newsroom).page

    async def waiting(*given: Any) -> Any:
        await wait()
        return await page(*given)

    monkeypatch.setattr(type(platform.newsroom), "page", waiting)


async def sleeping() -> None:
    await asyncio.sleep(30)


async def test_a_query_is_cut_off_with_the_reason(
    anybody: Asker, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(monkeypatch, platform, sleeping)
    response = await anybody.client.post("/graphql", json={"query": NEWS})
    assert response.status_code == 503
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "TIMED_OUT"}
    assert error["message"].startswith("the operation was cut off after 0 seconds: ask for less at once")
    monkeypatch.undo()
    assert (await anybody.data("{ model { number } }")) == {"number": 1}


async def test_one_of_a_socket_ends_alone(
    address: str, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(monkeypatch, platform, sleeping)
    monkeypatch.setattr(operations, "SECONDS", 2.0)  # the quick one needs some, on a machine that is busy
    async with joined(address) as client:
        await client.subscribe(NEWS, "slow")
        await client.subscribe("{ model { number } }", "quick")
        assert await client.event("quick") == {"number": 1}
        assert await client.ends("slow") == ("error", "TIMED_OUT")


async def test_a_subscription_lives_as_long_as_it_likes(
    address: str, admin: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 2.0  # to begin it takes some, on a machine that is busy
    monkeypatch.setattr(operations, "SECONDS", seconds)
    async with joined(address) as client:
        await client.subscribe("subscription { newsPublished { post { title } } }")
        await asyncio.sleep(1.5 * seconds)
        monkeypatch.undo()
        await admin.mutate("publishNews", "post { id }", title="late", body="b")
        assert (await client.event())["post"]["title"] == "late"


async def test_an_upload_may_take_longer(
    member: Asker, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def waiting(*_: object) -> list[Any]:
        await asyncio.sleep(2 * SHORT)
        return []

    monkeypatch.setattr(type(platform.uploads), "upload", waiting)
    assert (await member.upload([("a.png", b"x")], "id"))["results"] == []


async def test_a_transaction_ends_before_its_operation_does(
    admin: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be undone half-way: it is carried out, and the error says that this may be so."""
    create = NewsPost.create.__func__  # type: ignore[attr-defined]

    async def slowly(cls: Any, **fields: Any) -> Any:
        post = await create(cls, **fields)
        await asyncio.sleep(2 * SHORT)
        return post

    monkeypatch.setattr(NewsPost, "create", classmethod(slowly))
    assert await admin.code(PUBLISH) == "TIMED_OUT"
    assert await NewsPost.all().count() == 1
    monkeypatch.undo()
    assert (await admin.data(PUBLISH))["post"]["id"]


async def test_queries_in_the_middle_of_their_sql_cost_no_connection(
    anybody: Asker, platform: Platform, monkeypatch: pytest.MonkeyPatch, ana: User
) -> None:
    """More of them than the pool has connections; the next one finds one, and quickly."""
    monkeypatch.setattr(operations, "SECONDS", 0.1)
    connection = connections.get(next(iter(connections.db_config)))
    is_mysql = connection.capabilities.dialect == "mysql"
    count = database.MYSQL_POOL_SIZE + 5 if is_mysql else 3
    forever = "SELECT SLEEP(20)" if is_mysql else COUNTING
    slow(monkeypatch, platform, lambda: connection.execute_query(forever))
    codes = await asyncio.gather(*(anybody.code(NEWS) for _ in range(count)))
    assert set(codes) == {"TIMED_OUT"}
    monkeypatch.undo()
    async with asyncio.timeout(10):
        assert (await anybody.data(NEWS))["totalCount"] == 0
        assert await User.get(id=ana.id)
