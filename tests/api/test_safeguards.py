"""What every kind of answer tells a browser, held against the scoring of Mozilla's HTTP Observatory.

The rules are those of https://developer.mozilla.org/en-US/observatory/docs/tests_and_scoring: 100 points,
less what is wrong, and, where 90 are left, what is better than it need be on top; A+ begins at 100. Eight
of its ten tests count here: whether http leads to https is the proxy's answer and not ours, and subresource
integrity costs nothing where every script is of the same origin, which the policies see to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from api.app import create_app
from api.safeguards import SAFEGUARDS, Safeguards
from api.settings import Settings
from api.wiring import Parts
from services import passwords, tokens
from services.export import DOWNLOADS
from services.pictures import Pictures
from services.platform import Platform
from store.tables import TokenPurpose
from tests import databases
from tests.people import eventually, member, signed_in
from tests.stand_ins import picture
from tests.uploading import upload

OURS, ALLOWED = "https://covidxr.test", "https://app.example"
TOKEN = "a token of sixteen or more"
PASSWORD = "correct horse battery"
A_PLUS, FOR_EXTRA_CREDIT, SIX_MONTHS = 100, 90, 15_768_000
BROWSER = {"Accept": "text/html"}


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what stands on every answer."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@dataclass(frozen=True)
class Site:
    """The whole application, with web pages in small."""

    client: httpx.AsyncClient
    platform: Platform


@pytest.fixture
def address() -> str:
    return OURS


@pytest.fixture
async def site(settings: Settings, parts: Parts, address: str, tmp_path: Path) -> AsyncIterator[Site]:
    web = tmp_path / "dist"
    (web / "assets").mkdir(parents=True)
    for name in ("index.html", "graphiql.html", "favicon.svg", "assets/index-a1b2.js"):
        (web / name).write_text("<title>of a test</title>")
    more = {"public_url": address, "allowed_origins": ALLOWED, "metrics_token": TOKEN}
    app = create_app(settings.model_copy(update=more), parts, web)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=address) as client,
    ):
        yield Site(client, app.state.platform)


# ------------------------------------------------------------------ the Observatory's rules


def directives(policy: str) -> dict[str, set[str]]:
    parts = (part.split() for part in policy.split(";") if part.strip())
    return {name: set(sources) for name, *sources in parts}


def of_policy(headers: Mapping[str, str]) -> int:
    """Content-Security-Policy."""
    if not (policy := directives(headers.get("Content-Security-Policy", ""))):
        return -25
    default, unsafe = policy.get("default-src", {"*"}), {"'unsafe-inline'", "'unsafe-eval'", "data:"}
    broad = {"*", "http:", "https:", "ftp:"}
    scripts, styles = policy.get("script-src", default), policy.get("style-src", default)
    if scripts & (unsafe | broad) or policy.get("object-src", default) & broad:
        return -20
    if styles & (unsafe | broad):
        return 0
    return 10 if default == {"'none'"} else 5


def of_frames(headers: Mapping[str, str]) -> int:
    """X-Frame-Options."""
    if "frame-ancestors" in directives(headers.get("Content-Security-Policy", "")):
        return 5
    return 0 if headers.get("X-Frame-Options") in ("DENY", "SAMEORIGIN") else -20


def of_tls(headers: Mapping[str, str]) -> int:
    """Strict-Transport-Security."""
    age = headers.get("Strict-Transport-Security", "").partition("max-age=")[2].partition(";")[0]
    return -20 if not age.isdigit() else 0 if int(age) >= SIX_MONTHS else -10


def of_referrers(headers: Mapping[str, str]) -> int:
    """Referrer-Policy."""
    private = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
    given = headers.get("Referrer-Policy")
    return 0 if given is None else 5 if given in private else -5


def of_resources(headers: Mapping[str, str]) -> int:
    """Cross-Origin-Resource-Policy."""
    known = {None: 0, "cross-origin": 0, "same-site": 10, "same-origin": 10}
    return known.get(headers.get("Cross-Origin-Resource-Policy"), -5)


def of_cookies(headers: Mapping[str, str]) -> int:
    """Set-Cookie, each of which is taken for that of a session."""
    cookies = SimpleCookie(headers.get("Set-Cookie", "")).values()
    if not all(cookie["secure"] for cookie in cookies):
        return -40
    if not all(cookie["httponly"] for cookie in cookies):
        return -30
    return 5 if cookies and all(cookie["samesite"] for cookie in cookies) else 0


RULES = {
    "Content-Security-Policy": of_policy,
    "Cookies": of_cookies,
    "CORS": lambda headers: -50 if "Access-Control-Allow-Credentials" in headers else 0,
    "Referrer-Policy": of_referrers,
    "Strict-Transport-Security": of_tls,
    "X-Content-Type-Options": lambda headers: 0 if headers.get("X-Content-Type-Options") == "nosniff" else -5,
    "X-Frame-Options": of_frames,
    "Cross-Origin-Resource-Policy": of_resources,
}


def score(headers: Mapping[str, str]) -> tuple[int, dict[str, int]]:
    """The score, and the modifiers that made it."""
    modifiers = {name: rule(headers) for name, rule in RULES.items()}
    without = 100 + sum(modifier for modifier in modifiers.values() if modifier < 0)
    bonus = sum(modifier for modifier in modifiers.values() if modifier > 0)
    return without + (bonus if without >= FOR_EXTRA_CREDIT else 0), modifiers


def test_an_answer_without_any_is_far_from_it() -> None:
    points, modifiers = score(httpx.Headers())
    assert points == 100 - 25 - 20 - 5 - 20
    assert modifiers["Strict-Transport-Security"] == -20
    assert score(httpx.Headers({**SAFEGUARDS, "Strict-Transport-Security": "max-age=300"}))[0] == 90 + 30
    for cookie, worth in (("a=b; HttpOnly", -40), ("a=b; Secure", -30), ("a=b; Secure; HttpOnly", 0)):
        assert score(httpx.Headers({"Set-Cookie": cookie}))[1]["Cookies"] == worth
    unsafe = {**SAFEGUARDS, "Content-Security-Policy": "script-src 'self' 'unsafe-inline'"}
    assert score(httpx.Headers(unsafe))[0] < FOR_EXTRA_CREDIT - 20


# ------------------------------------------------------------------ every kind of answer

KINDS: dict[str, tuple[int, dict[str, Any]]] = {
    "a page": (200, {"url": "/"}),
    "a page of the app": (200, {"url": "/examine"}),
    "GraphiQL": (200, {"url": "/graphql", "headers": BROWSER}),
    "an asset": (200, {"url": "/assets/index-a1b2.js"}),
    "no asset": (404, {"url": "/assets/none.js"}),
    "the icon": (200, {"url": "/favicon.svg"}),
    "a card": (200, {"url": "/models/1"}),
    "a card as Markdown": (200, {"url": "/models/1.md"}),
    "no card": (404, {"url": "/models/99"}),
    "health": (200, {"url": "/healthz"}),
    "readiness": (200, {"url": "/readyz"}),
    "measurements": (200, {"url": "/metrics", "headers": {"Authorization": f"Bearer {TOKEN}"}}),
    "no measurements": (401, {"url": "/metrics"}),
    "an answer": (200, {"method": "POST", "url": "/graphql", "json": {"query": "{ model { number } }"}}),
    "an answer to GET": (200, {"url": "/graphql?query={model{number}}"}),
    "an error in GraphQL": (200, {"method": "POST", "url": "/graphql", "json": {"query": "{ nothing }"}}),
    "a malformed request": (400, {"method": "POST", "url": "/graphql", "json": 5}),
    "another method": (405, {"method": "DELETE", "url": "/graphql"}),
    "another method of a page": (405, {"method": "POST", "url": "/"}),
    "another method of health": (405, {"method": "POST", "url": "/healthz"}),
    "a stream": (
        200,
        {
            "method": "POST",
            "url": "/graphql",
            "json": {"query": "{ nothing }"},
            "headers": {"Accept": "text/event-stream"},
        },
    ),
    "nothing, for a browser": (404, {"url": "/nothing", "headers": BROWSER}),
    "nothing, for others": (404, {"url": "/nothing"}),
    "an expired picture": (404, {"url": "/images/1?expires=1&signature=0"}),
    "what another origin asks first": (
        200,
        {
            "method": "OPTIONS",
            "url": "/graphql",
            "headers": {"Origin": ALLOWED, "Access-Control-Request-Method": "POST"},
        },
    ),
    "an answer for another origin": (
        200,
        {
            "method": "POST",
            "url": "/graphql",
            "json": {"query": "{ model { number } }"},
            "headers": {"Origin": ALLOWED},
        },
    ),
}


def is_safe(response: httpx.Response) -> bool:
    """A+, nothing taken off, and all that is set is set once."""
    points, modifiers = score(response.headers)
    assert points >= A_PLUS, modifiers
    assert min(modifiers.values()) >= 0, modifiers
    for name in (*SAFEGUARDS, "Strict-Transport-Security"):
        assert len(response.headers.get_list(name)) == 1, name
    return True


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_answer_comes_to_an_a_plus(site: Site, kind: str) -> None:
    status, request = KINDS[kind]
    response = await site.client.request(**{"method": "GET", **request})
    assert response.status_code == status, response.text
    assert is_safe(response)


async def test_the_cookie_comes_and_goes_with_an_a_plus(site: Site) -> None:
    ana = await member()
    ana.password_hash = await passwords.hashed(PASSWORD)
    await ana.save()
    given = f'email: "{ana.email}", password: "{PASSWORD}", cookie: true'
    for mutation in (f"signIn(input: {{{given}}}) {{ user {{ id }} }}", "signOut { signedOut }"):
        body = {"query": f"mutation {{ {mutation} }}"}
        response = await site.client.post("/graphql", json=body, headers={"Origin": OURS})
        assert response.headers["Set-Cookie"].startswith("__Host-covidxr=")
        assert is_safe(response)
        assert score(response.headers)[1]["Cookies"] == 5


async def test_pictures_and_copies_come_to_an_a_plus(site: Site) -> None:
    ana = await signed_in(await member())
    (image,) = await upload(site.platform, ana, picture(1))
    await eventually(lambda: image.predictions.all().exists())
    prediction = await image.predictions.all().get()
    links, statuses = site.platform.links, list[int]()
    for address in (
        links.image(ana, image.id),
        links.thumbnail(ana, image.id),
        links.heatmap(ana, prediction.id),
    ):
        response = await site.client.get(address)
        assert response.status_code == 200
        assert is_safe(response)
        assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin", "front ends show them"
    copy = await site.platform.export.address(ana)
    for _ in range(DOWNLOADS.points + 1):
        response = await site.client.get(copy)
        statuses.append(response.status_code)
        assert is_safe(response)
    assert statuses == [200] * DOWNLOADS.points + [429]


async def test_a_fault_of_ours_comes_to_an_a_plus(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pictures, "png", None)
    ana = await signed_in(await member())
    (image,) = await upload(site.platform, ana, picture(1), wait=0)
    response = await site.client.get(site.platform.links.image(ana, image.id))
    assert response.status_code == 500
    assert is_safe(response)


async def test_pages_keep_their_own_policies_and_workers_may_load_their_parts(site: Site) -> None:
    async def policy(path: str, **headers: str) -> dict[str, set[str]]:
        answer = await site.client.get(path, headers=headers)
        return directives(answer.headers["Content-Security-Policy"])

    assert (await policy("/"))["script-src"] == {"'self'"}
    assert (await policy("/graphql", **BROWSER))["worker-src"] == {"'self'"}
    worker = await policy("/assets/index-a1b2.js")
    assert worker["script-src"] == worker["connect-src"] == {"'self'"}


@pytest.mark.parametrize("address", ["http://covidxr.test"])
async def test_where_people_come_by_http_nobody_is_told_to_come_by_https(site: Site) -> None:
    for path in ("/", "/healthz", "/graphql?query={model{number}}"):
        headers = (await site.client.get(path)).headers
        assert "Strict-Transport-Security" not in headers
        assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_signed_in_page_elsewhere_may_ask_and_read(site: Site) -> None:
    token = await tokens.issue(await member(), TokenPurpose.SESSION)
    response = await site.client.post(
        "/graphql",
        json={"query": "{ viewer { email } }"},
        headers={"Origin": ALLOWED, "Authorization": f"Bearer {token}"},
    )
    assert response.json()["data"]["viewer"]["email"]
    assert response.headers["Access-Control-Allow-Origin"] == ALLOWED


async def test_sockets_are_left_alone() -> None:
    seen: list[Send] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(send)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None: ...

    await Safeguards(app, by_tls=True)({"type": "websocket"}, receive, send)
    assert seen == [send]
