"""The cookie of our own pages: who gets one, what it opens, and to whom it is of no use."""

from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.session_cookie import SessionCookie
from schema import streams
from schema.audience import Audience
from schema.context import Session
from services import passwords, tokens
from services.platform import Platform
from store.tables import Token, TokenPurpose, User
from tests import databases
from tests.asking import ORIGIN, Asker, application
from tests.listening import joined, listening, opened, upload
from tests.stand_ins import picture

PASSWORD = "correct horse battery"
WHO = "{ viewer { name } }"
NOBODY, ANA = {"viewer": None}, {"viewer": {"name": "Ana"}}
SIGN_IN = """mutation($input: SignInInput!) {
  signIn(input: $input) { token user { name } errors { code path message } } }"""
SIGN_OUT = "mutation { signOut { signedOut } }"
OWN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Origin": ORIGIN},
    {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"},
    {"Origin": f"{ORIGIN}:80"},
]
FOREIGN: list[dict[str, str]] = [
    {},
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://covidxr.test:8080"},
    {"Origin": "http://covidxr.test.evil.example"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
    {"Sec-Fetch-Site": ""},
]
BLANKS = [b"\xa0", b"\x85"]
"""What Python strips and browsers do not."""


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what happens before it is asked."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
async def ana(ana: User) -> User:
    """Ana, who has a password."""
    ana.password_hash = await passwords.hashed(PASSWORD)
    await ana.save()
    return ana


@dataclass
class Browser:
    """Keeps what it is told to keep, and sends it with whatever any page asks, as without SameSite."""

    client: httpx.AsyncClient
    kept: dict[str, str] = field(default_factory=dict)
    told: Morsel[str] | None = None
    """The cookie of the last answer."""

    async def ask(self, query: str, page: dict[str, str] = OWN[0], **variables: Any) -> dict[str, Any]:
        return (await self.post(query, page, **variables)).json()["data"]  # type: ignore[no-any-return]

    async def post(self, query: str, page: dict[str, str] = OWN[0], **variables: Any) -> httpx.Response:
        body = {"query": query, "variables": variables}
        response = await self.client.post("/graphql", json=body, headers={**self.headers, **page})
        self.hear(response)
        return response

    def hear(self, response: httpx.Response) -> None:
        self.told = None
        self.client.cookies.clear()
        for name, told in SimpleCookie(response.headers.get("set-cookie", "")).items():
            self.told = told
            if told["max-age"] == "0":
                self.kept.pop(name)
            else:
                self.kept[name] = told.value

    @property
    def headers(self) -> dict[str, str]:
        return (
            {"Cookie": "; ".join(f"{name}={value}" for name, value in self.kept.items())} if self.kept else {}
        )

    async def sign_in(self, user: User, page: dict[str, str] = OWN[0], **more: Any) -> dict[str, Any]:
        given = {"email": user.email, "password": PASSWORD, "cookie": True, **more}
        return (await self.ask(SIGN_IN, page, input=given))["signIn"]  # type: ignore[no-any-return]


@pytest.fixture
async def browser(anybody: Asker) -> Browser:
    return Browser(anybody.client)


@pytest.fixture
async def signed_in(browser: Browser, ana: User) -> Browser:
    assert (await browser.sign_in(ana))["errors"] == []
    return browser


# ------------------------------------------------------------------ who gets one


async def test_a_page_of_ours_gets_a_cookie_and_no_token(browser: Browser, ana: User) -> None:
    for page in OWN:
        payload = await browser.sign_in(ana, page)
        assert payload == {"token": None, "user": {"name": "Ana"}, "errors": []}
        told = browser.told
        assert told is not None
        assert (told.key, told["path"], told["samesite"], told["httponly"]) == (
            "covidxr",
            "/",
            "strict",
            True,
        )
        assert not any(told[name] for name in ("secure", "domain", "expires", "max-age")), (
            "gone with the browser"
        )
        assert await browser.ask(WHO, page) == ANA


@pytest.mark.parametrize("own_origin", ["https://covidxr.test", "http://127.0.0.1:8000"])
async def test_over_tls_it_is_bound_to_the_host_and_to_tls(
    platform: Platform, ana: User, own_origin: str
) -> None:
    """The rules of the prefix: Secure, no domain, and the path /; by our address, or as a proxy says."""
    transport = httpx.ASGITransport(application(platform, cookie=SessionCookie(own_origin)))
    async with httpx.AsyncClient(transport=transport, base_url="https://covidxr.test") as client:
        browser = Browser(client)
        await browser.sign_in(ana, {"Origin": "https://covidxr.test"})
        told = browser.told
        assert told is not None
        assert (told.key, told["path"], told["domain"]) == ("__Host-covidxr", "/", "")
        assert told["secure"]
        assert told["httponly"]
        assert await browser.ask(WHO) == ANA
        clear = {"Origin": "http://covidxr.test"}
        assert await browser.ask(WHO, clear) == NOBODY
        (error,) = (await browser.sign_in(ana, clear))["errors"]
        assert error["path"] == ["input", "cookie"], "browsers would drop it without a word"
        browser.kept = {"covidxr": browser.kept["__Host-covidxr"]}
        assert await browser.ask(WHO) == NOBODY, "what lacks the prefix may come from anywhere"
        browser.kept = {"__Host-covidxr": browser.kept["covidxr"]}
        await browser.ask(SIGN_OUT)
        assert browser.told is not None
        assert (browser.told["max-age"], browser.told["secure"], browser.told["path"]) == ("0", True, "/")


async def test_a_proxy_that_says_nothing_makes_it_no_less_secure(browser: Browser, ana: User) -> None:
    await browser.sign_in(ana, {**OWN[0], "Origin": "https://covidxr.test"})
    assert browser.told is not None
    assert (browser.told.key, browser.told["secure"]) == ("covidxr", True)


async def test_our_address_may_be_spelt_otherwise_and_the_proxy_be_asked_by_another(
    platform: Platform, ana: User
) -> None:
    cookie = SessionCookie("https://Covidxr.Hospital.example:443")
    transport = httpx.ASGITransport(application(platform, cookie=cookie))
    async with httpx.AsyncClient(transport=transport, base_url="http://inside:8000") as client:
        browser, page = Browser(client), {"Origin": "https://covidxr.hospital.example"}
        await browser.sign_in(ana, page)
        assert await browser.ask(WHO, page) == ANA


async def test_nobody_else_gets_one(browser: Browser, ana: User) -> None:
    for page in FOREIGN:
        payload = await browser.sign_in(ana, page)
        (error,) = payload.pop("errors")
        assert (error["code"], error["path"]) == ("INVALID", ["input", "cookie"])
        assert payload == {"token": None, "user": None}
        assert browser.told is None
    assert not await Token.exists(), "no session that nobody holds"


async def test_nor_does_who_asks_for_a_token_or_is_refused(browser: Browser, ana: User) -> None:
    assert (await browser.sign_in(ana, cookie=False))["token"]
    assert browser.told is None
    assert (await browser.sign_in(ana, password="wrong"))["errors"][0]["code"] == "BAD_CREDENTIALS"
    assert browser.told is None


async def test_a_stream_can_set_none(signed_in: Browser, ana: User) -> None:
    """Its headers are sent before anything is done."""
    given = {"email": ana.email, "password": PASSWORD, "cookie": True}
    body = {"query": SIGN_IN, "variables": {"input": given}}
    headers = {**signed_in.headers, **OWN[0], "Accept": "text/event-stream"}
    response = await signed_in.client.post("/graphql", json=body, headers=headers)
    assert '"INVALID"' in response.text
    assert await signed_in.ask(WHO) == ANA


async def test_a_socket_can_set_none(address: str, platform: Platform, ana: User) -> None:
    async with opened(address, Origin=f"http://{address}") as client:
        await client.send({"type": "connection_init"})
        await client.receive()
        given = {"email": ana.email, "password": PASSWORD, "cookie": True}
        await client.subscribe(SIGN_IN, input=given)
        assert (await client.event())["errors"][0]["code"] == "INVALID"


# ------------------------------------------------------------------ to whom it is of no use


async def test_no_page_of_another_site_asks_with_it(signed_in: Browser) -> None:
    for page in FOREIGN:
        assert await signed_in.ask(WHO, page) == NOBODY, page
        assert await signed_in.ask(SIGN_OUT, page) == {"signOut": {"signedOut": False}}, page
        assert signed_in.told is None
    assert await signed_in.ask(WHO) == ANA


async def test_an_allowed_origin_asks_as_nobody_but_by_token(platform: Platform, ana: User) -> None:
    """Its sockets are let in, and where it is of the same site, SameSite lets the cookie through."""
    app = "https://app.example"
    token = await tokens.issue(ana, TokenPurpose.SESSION)
    async with (
        listening(platform, {"allowed_origins": [app]}) as where,
        opened(where, Origin=app, Cookie=f"covidxr={token}") as client,
    ):
        await client.send({"type": "connection_init"})
        await client.receive()
        await client.subscribe(WHO)
        assert await client.event() is None


async def test_one_that_a_neighbour_has_planted_beside_ours_does_not_count(
    platform: Platform, ana: User, other: Asker
) -> None:
    transport = httpx.ASGITransport(application(platform, cookie=SessionCookie("https://covidxr.test")))
    ours = f"__Host-covidxr={await tokens.issue(ana, TokenPurpose.SESSION)}".encode()
    theirs = f"__Host-covidxr={other.token}".encode()
    async with httpx.AsyncClient(transport=transport, base_url="https://covidxr.test") as client:

        async def who(cookie: bytes) -> Any:
            headers = {b"Cookie": cookie, b"Sec-Fetch-Site": b"same-origin"}
            return (await client.post("/graphql", json={"query": WHO}, headers=headers)).json()["data"]

        for blank in BLANKS:
            assert await who(ours + b"; " + blank + theirs) == ANA
            assert await who(ours + b"; " + theirs.replace(b"=", blank + b"=")) == ANA
            assert await who(blank + theirs) == NOBODY
        assert await who(ours + b"; a=b; " + ours) == ANA
        assert await who(ours + b"; " + theirs) == NOBODY, "whose it is cannot be told"


async def test_no_form_of_another_site_uploads_with_it(signed_in: Browser) -> None:
    form = {"operations": "{}", "map": "{}"}
    files = {"0": ("a.png", picture(1))}
    for page in FOREIGN:
        headers = {**signed_in.headers, **page}
        response = await signed_in.client.post("/graphql", data=form, files=files, headers=headers)
        assert response.status_code == 400


async def test_a_word_of_its_own_goes_first(signed_in: Browser, other: Asker) -> None:
    for given, name in ((f"Bearer {other.token}", "Eva"), ("Bearer made-up", None), ("", None)):
        answer = await signed_in.ask(WHO, {**OWN[0], "Authorization": given})
        assert answer["viewer"] == (name and {"name": name})
    await signed_in.ask(SIGN_OUT, {**OWN[0], "Authorization": f"Bearer {other.token}"})
    assert signed_in.told is None
    assert await signed_in.ask(WHO) == ANA


async def test_what_it_opens_is_kept_by_nobody(signed_in: Browser) -> None:
    query = {"query": "{ viewer { name } news { totalCount } }"}
    for page in (OWN[0], FOREIGN[0]):
        response = await signed_in.client.get("/graphql", params=query, headers={**signed_in.headers, **page})
        assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    public = await signed_in.client.get("/graphql", params=query)
    assert public.headers["cache-control"] == "public, no-cache"
    assert "Cookie" in public.headers["vary"]


# ------------------------------------------------------------------ how it ends


async def test_signing_out_ends_it_here_and_there(signed_in: Browser) -> None:
    held = dict(signed_in.kept)
    assert await signed_in.ask(SIGN_OUT) == {"signOut": {"signedOut": True}}
    assert signed_in.kept == {}
    signed_in.kept = held
    assert await signed_in.ask(WHO) == NOBODY


@pytest.mark.parametrize(
    "mutation",
    [
        "signOutEverywhere { signedOut }",
        f'deleteAccount(input: {{password: "{PASSWORD}"}}) {{ deleted }}',
    ],
)
async def test_so_does_what_ends_every_session(signed_in: Browser, mutation: str) -> None:
    assert all((await signed_in.ask(f"mutation {{ ended: {mutation} }}"))["ended"].values())
    assert signed_in.kept == {}


async def test_what_ends_meanwhile_takes_no_other_cookie_along(
    signed_in: Browser, platform: Platform
) -> None:
    """An answer that comes after that to a sign-in in another tab, which ended this session."""
    token = signed_in.kept["covidxr"]
    context = Session(Audience(platform), token, cookie=token)
    await context.begin()
    await Token.all().delete()
    await context.refresh()
    assert context.has_ended
    assert context.cookie == token, "as it was"


async def test_ending_its_own_session_takes_it_away_and_another_s_does_not(
    signed_in: Browser, ana: User
) -> None:
    await tokens.issue(ana, TokenPurpose.SESSION)
    end = "mutation($input: EndSessionInput!) { endSession(input: $input) { endedId } }"
    sessions = (await signed_in.ask("{ sessions { id current } }"))["sessions"]
    for session in sorted(sessions, key=lambda one: one["current"]):
        await signed_in.ask(end, input={"id": session["id"]})
        assert bool(signed_in.kept) is not session["current"]


async def test_signing_in_again_ends_the_session_before(signed_in: Browser, ana: User, other: Asker) -> None:
    (first,) = await Token.filter(user=ana)
    await signed_in.sign_in(ana)
    (second,) = await Token.filter(user=ana)
    assert first.id != second.id
    assert await signed_in.ask(WHO) == ANA
    eva = await User.get(email="eva@hospital.example")
    eva.password_hash = ana.password_hash
    await eva.save()
    await signed_in.sign_in(eva)
    assert await signed_in.ask(WHO) == {"viewer": {"name": "Eva"}}
    assert not await Token.filter(user=ana).exists()


async def test_only_the_last_of_two_in_one_request_is_kept(browser: Browser, ana: User) -> None:
    one = "signIn(input: $input) { errors { code } }"
    given = {"email": ana.email, "password": PASSWORD, "cookie": True}
    await browser.ask(f"mutation($input: SignInInput!) {{ a: {one} b: {one} }}", input=given)
    assert await Token.all().count() == 1
    assert await browser.ask(WHO) == ANA


async def test_one_of_a_session_that_is_over_is_nobodys(signed_in: Browser, ana: User) -> None:
    """It is left where it is: an answer on its way could else wipe out that of a new session."""
    await Token.all().delete()
    assert await signed_in.ask(WHO) == NOBODY
    assert signed_in.told is None
    await signed_in.sign_in(ana)
    assert await signed_in.ask(WHO) == ANA


# ------------------------------------------------------------------ sockets and streams


@pytest.fixture
async def of_ana(ana: User) -> dict[str, str]:
    return {"Cookie": f"other=1; covidxr={await tokens.issue(ana, TokenPurpose.SESSION)}"}


async def test_a_socket_of_our_pages_is_known_by_it(
    address: str, platform: Platform, of_ana: dict[str, str], other: Asker
) -> None:
    page = {"Origin": f"http://{address}", **of_ana}
    for payload, viewer in (
        ({}, {"name": "Ana"}),
        ({"authorization": f"Bearer {other.token}"}, {"name": "Eva"}),
    ):
        async with opened(address, **page) as client:
            await client.send({"type": "connection_init", "payload": payload})
            assert await client.receive() == {"type": "connection_ack"}
            await client.subscribe(WHO)
            assert await client.event() == viewer


async def test_a_socket_of_no_page_is_not(address: str, platform: Platform, of_ana: dict[str, str]) -> None:
    async with opened(address, **of_ana) as client:
        await client.send({"type": "connection_init"})
        await client.receive()
        await client.subscribe(WHO)
        assert await client.event() is None


async def test_a_socket_ends_with_the_session(
    address: str, of_ana: dict[str, str], ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SILENT_SECONDS", 0.2)
    async with opened(address, Origin=f"http://{address}", **of_ana) as client:
        await client.send({"type": "connection_init"})
        await client.receive()
        async with joined(address, await tokens.issue(ana, TokenPurpose.SESSION)) as elsewhere:
            await elsewhere.subscribe("mutation { signOutEverywhere { signedOut } }")
            assert await elsewhere.event() == {"signedOut": True}
        assert (await client.closes())[0] == 4403


async def test_a_socket_with_one_of_a_session_that_is_over_is_nobodys(
    address: str, platform: Platform, of_ana: dict[str, str]
) -> None:
    await Token.all().delete()
    async with opened(address, Origin=f"http://{address}", **of_ana) as client:
        await client.send({"type": "connection_init"})
        assert await client.receive() == {"type": "connection_ack"}
        await client.subscribe(WHO)
        assert await client.event() is None


async def test_a_stream_of_events_is_known_by_it(address: str, member: Asker, of_ana: dict[str, str]) -> None:
    body = {"query": "subscription { predictionMade { cursor } }"}
    headers = {"Accept": "text/event-stream", **of_ana}
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=10) as client:
        response = await client.post("/graphql", json=body, headers=headers)
        assert "UNAUTHENTICATED" in response.text
        headers["Origin"] = f"http://{address}"
        async with client.stream("POST", "/graphql", json=body, headers=headers) as stream:
            await upload(member, 1)
            assert "predictionMade" in await anext(stream.aiter_text())
