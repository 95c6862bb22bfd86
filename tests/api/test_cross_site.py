"""Pages of other origins: asked, answered and refused by the whole application."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from api.wiring import Parts
from tests import databases, people
from tests.asking import Asker
from tests.stand_ins import picture

OURS, ALLOWED, EVIL = "http://covidxr.test", "https://app.example", "https://evil.example"
QUERY = {"query": "{ model { number } }"}
UPLOAD = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,graphql-require-preflight",
}


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what happens around it."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
def origins() -> str:
    return ALLOWED


@pytest.fixture
async def client(
    settings: Settings, parts: Parts, origins: str, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole application, whose pages are not built."""
    ours = settings.model_copy(update={"allowed_origins": origins, "public_url": OURS})
    app = create_app(ours, parts, web=tmp_path / "dist")
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS) as client,
    ):
        yield client


async def test_a_page_of_an_allowed_origin_asks_first_and_may(client: httpx.AsyncClient) -> None:
    response = await client.options("/graphql", headers={"Origin": ALLOWED, **UPLOAD})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == ALLOWED
    assert {"GET", "POST"} <= set(response.headers["access-control-allow-methods"].split(", "))
    allowed = response.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in UPLOAD["Access-Control-Request-Headers"].split(","))
    assert response.headers["access-control-max-age"] == "600"
    assert "access-control-allow-credentials" not in response.headers


async def test_it_may_read_the_answer(client: httpx.AsyncClient) -> None:
    for response in (
        await client.post("/graphql", json=QUERY, headers={"Origin": ALLOWED}),
        await client.post("/graphql", content="{", headers={"Origin": ALLOWED}),
        await client.get("/images/1", headers={"Origin": ALLOWED}),
    ):
        assert response.headers["access-control-allow-origin"] == ALLOWED
        assert {"ETag", "Retry-After"} <= set(response.headers["access-control-expose-headers"].split(", "))
        assert "Origin" in response.headers["vary"]


async def test_a_page_of_any_other_origin_may_not(client: httpx.AsyncClient) -> None:
    for origin in (EVIL, "null", ALLOWED + ":8443", ALLOWED.replace("https", "http")):
        refused = await client.options("/graphql", headers={"Origin": origin, **UPLOAD})
        assert refused.status_code == 400
        answered = await client.post("/graphql", json=QUERY, headers={"Origin": origin})
        for response in (refused, answered):
            assert "access-control-allow-origin" not in response.headers


async def test_a_header_or_method_that_is_not_allowed(client: httpx.AsyncClient) -> None:
    for more in ({"Access-Control-Request-Headers": "x-odd"}, {"Access-Control-Request-Method": "DELETE"}):
        response = await client.options("/graphql", headers={"Origin": ALLOWED, **UPLOAD, **more})
        assert response.status_code == 400


async def test_what_is_kept_for_one_origin_is_not_shown_to_another(client: httpx.AsyncClient) -> None:
    """A picture that was fetched for an <img> is of no use for a canvas, whose page has to be allowed."""
    for headers in ({}, {"Origin": ALLOWED}, {"Origin": EVIL}):
        for path, params in (("/graphql", QUERY), ("/images/1", {})):
            response = await client.get(path, params=params, headers=headers)
            assert "Origin" in response.headers["vary"], (path, headers)


@pytest.mark.parametrize("origins", [""])
async def test_by_default_there_is_no_other_origin(client: httpx.AsyncClient, origins: str) -> None:
    response = await client.post("/graphql", json=QUERY, headers={"Origin": ALLOWED})
    assert not any(name.startswith("access-control") for name in response.headers)
    assert (await client.options("/graphql", headers={"Origin": ALLOWED, **UPLOAD})).status_code == 405


async def test_a_canvas_may_read_a_picture(client: httpx.AsyncClient) -> None:
    asker = await Asker(client).signed_in(await people.member())
    payload = await asker.upload([("a.png", picture(1))], "url", waitSeconds=10)
    url = payload["results"][0]["image"]["url"]
    response = await client.get(url, headers={"Origin": ALLOWED})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (200, ALLOWED)


async def test_a_picture_on_a_page_of_ours_is_for_its_browser_alone(
    client: httpx.AsyncClient,
) -> None:
    ana = await people.member()
    asker = await Asker(client).signed_in(ana)
    payload = await asker.upload([("a.png", picture(1))], "url", waitSeconds=10)
    anywhere = payload["results"][0]["image"]["url"]
    client.cookies.set("covidxr", str(asker.token))
    body = {"query": "{ images { nodes { url } } }"}
    answer = await client.post("/graphql", json=body, headers={"Origin": OURS})
    here = answer.json()["data"]["images"]["nodes"][0]["url"]
    assert [(await client.get(url)).status_code for url in (here, anywhere)] == [200, 200]
    client.cookies.clear()
    assert [(await client.get(url)).status_code for url in (here, anywhere)] == [404, 200]
