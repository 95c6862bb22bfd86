"""Cards over HTTP: for everybody of what serves or has served, of the rest for administrators alone."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from api import model_cards
from services import tokens
from services.platform import Platform
from store.tables import ModelState, ModelVersion, Role, TokenPurpose
from tests import people
from tests.versions import candidate

HTML = {"Accept": "text/html"}


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=model_cards.routes())
    app.state.platform = platform
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        yield client


async def signed_in(as_admin: bool) -> dict[str, str]:
    user = await (people.admin() if as_admin else people.member())
    return {"Authorization": f"Bearer {await tokens.issue(user, TokenPurpose.SESSION)}"}


async def test_the_model_in_service_has_a_page_for_everybody(client: httpx.AsyncClient) -> None:
    page = await client.get("/models/1", headers=HTML)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert "<h1>Model card: model 1</h1>" in page.text
    assert "For research, not for diagnosis." in page.text
    assert 'href="/models/1.md"' in page.text
    assert page.headers["Cache-Control"] == "no-cache"


async def test_the_same_as_markdown(client: httpx.AsyncClient) -> None:
    text = await client.get("/models/1.md")
    assert text.headers["Content-Type"].startswith("text/markdown")
    assert text.text.startswith("# Model card: model 1\n\n**For research, not for diagnosis.**")
    page = await client.get("/models/1")
    headings = re.findall(r"^## (.+)$", text.text, re.MULTILINE)
    assert re.findall(r"<h2>(.+?)</h2>", page.text) == headings


async def test_the_page_needs_no_script_and_admits_its_own_style_alone(client: httpx.AsyncClient) -> None:
    page = await client.get("/models/1")
    (style,) = re.findall(r"<style>(.*)</style>", page.text)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in page.text
    assert " style=" not in page.text
    assert "http" not in page.text.replace("http-equiv", "")


async def test_what_has_served_keeps_its_card(platform: Platform, client: httpx.AsyncClient) -> None:
    second = await candidate(platform, "0.9")
    await platform.models.promote(await people.admin(), second.id, "better")
    assert [(await client.get(f"/models/{number}")).status_code for number in (1, 2)] == [200, 200]


@pytest.mark.parametrize("state", [ModelState.CANDIDATE, ModelState.REJECTED])
async def test_what_never_served_is_for_administrators(
    platform: Platform, client: httpx.AsyncClient, state: ModelState
) -> None:
    second = await candidate(platform, "0.9")
    await ModelVersion.filter(id=second.id).update(state=state)
    member, admin = await signed_in(as_admin=False), await signed_in(as_admin=True)
    for address in ("/models/2", "/models/2.md"):
        assert (await client.get(address)).status_code == 404
        assert (await client.get(address, headers=member)).status_code == 404
        assert (await client.get(address, headers={"Authorization": "Bearer none"})).status_code == 404
        found = await client.get(address, headers=admin)
        assert found.status_code == 200
        assert found.headers["Cache-Control"] == "private, no-store"
        assert found.headers["Vary"] == "Authorization"


async def test_a_signed_address_opens_a_card_in_a_browser(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    second, chief = await candidate(platform, "0.9"), await people.signed_in(await people.admin())
    address = platform.cards.address(chief, second)
    assert address is not None
    signed = address.partition("/models/")[2]
    page = await client.get(f"/models/{signed}")
    assert page.status_code == 200
    markdown = re.findall(r'<a href="(/models/2\.md[^"]*)"', page.text)[0].replace("&amp;", "&")
    assert (await client.get(markdown)).status_code == 200
    assert (await client.get(f"/models/{signed}0")).status_code == 404
    assert (await client.get(f"/models/3{signed[1:]}")).status_code == 404
    eva = await people.signed_in(await people.member())
    assert (await client.get(address.replace(f"viewer={chief.id}", f"viewer={eva.id}"))).status_code == 404
    assert (await client.get(platform.links.private_card(eva, 2))).status_code == 404
    assert platform.cards.address(eva, second) is None


async def test_a_signed_address_of_a_card_ends_with_the_administrator(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    second, chief = await candidate(platform, "0.9"), await people.admin()
    eva = await people.signed_in(await people.admin("eva@hospital.example"))
    address = platform.cards.address(eva, second)
    assert address is not None
    await platform.accounts.set_role(chief, eva.id, Role.MEMBER)
    assert (await client.get(address)).status_code == 404
    await platform.accounts.set_role(chief, eva.id, Role.ADMIN)
    assert (await client.get(address)).status_code == 200
    await platform.sessions.end_all(eva)
    assert (await client.get(address)).status_code == 404


@pytest.mark.parametrize(
    "name", ["0", "2", "-1", "1.html", "one", "1.md.md", "٣", "9" * 9, "9" * 40, "9" * 5000, "1%00", "1%0a"]
)
async def test_there_is_no_other_card(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/models/{name}")).status_code == 404


async def test_nothing_of_a_version_is_taken_for_markup(client: httpx.AsyncClient) -> None:
    await ModelVersion.filter(number=1).update(verdict="<b>&`x`")
    assert "<b>" not in (await client.get("/models/1")).text
    assert "&lt;b&gt;&amp;<code>x</code>" in (await client.get("/models/1")).text
