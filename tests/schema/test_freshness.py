"""Answers that may be kept, and 304 for who has the newest."""

from pathlib import Path

import httpx
import pytest

from tests import databases
from tests.asking import Asker

MODEL = {"query": "{ model { number } news(first: 3) { nodes { title author { name } } } }"}


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what happens around it."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


async def get(asker: Asker, **headers: str) -> httpx.Response:
    return await asker.client.get("/graphql", params=MODEL, headers={**asker.headers, **headers})


async def test_who_has_the_newest_is_told_so_without_it(anybody: Asker, admin: Asker) -> None:
    first = await get(anybody)
    assert (first.status_code, first.headers["cache-control"]) == (200, "public, no-cache")
    assert "Authorization" in first.headers["vary"]
    tag = first.headers["etag"]
    for named in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await get(anybody, **{"If-None-Match": named})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "public, no-cache"
        assert "content-type" not in again.headers
    await admin.mutate("publishNews", "post { id }", title="t", body="b")
    newer = await get(anybody, **{"If-None-Match": tag})
    assert newer.status_code == 200
    assert newer.json()["data"]["news"]["nodes"][0]["title"] == "t"
    assert newer.headers["etag"] != tag


async def test_the_other_media_type_is_another_answer(anybody: Asker) -> None:
    tag = (await get(anybody)).headers["etag"]
    other = await get(anybody, Accept="application/graphql-response+json", **{"If-None-Match": tag})
    assert other.status_code == 200
    assert other.headers["content-type"].startswith("application/graphql-response+json")


async def test_what_is_for_one_person_is_kept_by_nobody(member: Asker) -> None:
    for response in (
        await get(member, **{"If-None-Match": "*"}),
        await get(Asker(member.client), Authorization="Bearer made-up"),
        await get(Asker(member.client), Authorization=""),
        await member.client.post("/graphql", json=MODEL),
    ):
        assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
        assert "etag" not in response.headers


@pytest.mark.parametrize(
    "query", ["{ images { totalCount } }", "{ model { nothing } }", "{", "{ models { nodes { id } } }"]
)
async def test_what_went_wrong_is_kept_by_nobody(anybody: Asker, query: str) -> None:
    response = await anybody.client.get("/graphql", params={"query": query}, headers={"If-None-Match": "*"})
    assert response.status_code in (200, 400)
    assert (response.headers["cache-control"], response.headers.get("etag")) == ("no-store", None)


async def test_pages_and_streams_have_their_own_ways(anybody: Asker) -> None:
    for headers in ({"Accept": "text/html"}, {"Accept": "text/event-stream"}):
        params = {} if "html" in headers["Accept"] else MODEL
        response = await anybody.client.get(
            "/graphql", params=params, headers={**headers, "If-None-Match": "*"}
        )
        assert (response.status_code, response.headers.get("etag")) == (200, None)
