"""How often the endpoint may be asked: by user, by address, and at the door."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.datastructures import Address

from api.auth import source_of
from api.wiring import Parts
from schema.cost import NEW_DOCUMENT, OPERATION
from services import passwords
from services.budget import Budget
from services.door import AT_ACCOUNT, AT_ACCOUNT_FROM_ANYWHERE, FROM_ADDRESS, LETTERS
from services.errors import in_words
from services.platform import Platform
from services.throttle import Throttle
from store.tables import User
from tests import databases
from tests.asking import Asker, application
from tests.listening import joined, listening

QUERY = "{ viewer { name } }"
ONCE = OPERATION + NEW_DOCUMENT + 1
SIGN_IN = 'signIn(input: {email: "%s", password: "%s"}) { token errors { code message path retryAfter } }'


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what never comes to it."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


def poor(platform: Platform, points: int = ONCE) -> Platform:
    """The platform, with so many points a minute for everybody."""
    return replace(platform, budget=Budget(Throttle(), points))


def asker(platform: Platform, host: str = "192.0.2.1") -> Asker:
    """Somebody at an address."""
    transport = httpx.ASGITransport(application(platform), client=(host, 5000))
    return Asker(httpx.AsyncClient(transport=transport, base_url="http://covidxr.test"))


async def post(asked: Asker, query: str = QUERY, **headers: str) -> httpx.Response:
    return await asked.client.post("/graphql", json={"query": query}, headers={**asked.headers, **headers})


def assert_limited(response: httpx.Response) -> int:
    """Too many, with the time to come back in the header and in the error."""
    assert response.status_code == 429, response.text
    (error,) = response.json()["errors"]
    assert "data" not in response.json()
    wait = error["extensions"]["retryAfter"]
    assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfter": wait}
    assert error["message"] == f"too many requests: try again in {in_words(wait)}"
    assert response.headers["retry-after"] == str(wait)
    return int(wait)


# ------------------------------------------------------------------ the budget


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_who_spends_the_budget_is_told_when_to_come_back(platform: Platform, accept: str) -> None:
    anybody = asker(poor(platform))
    assert (await post(anybody, Accept=accept)).status_code == 200
    assert 1 <= assert_limited(await post(anybody, Accept=accept)) <= 60


async def test_addresses_do_not_pay_for_one_another(platform: Platform) -> None:
    platform = poor(platform)
    view = application(platform)
    for host, status in (("192.0.2.1", 200), ("192.0.2.1", 429), ("192.0.2.2", 200)):
        transport = httpx.ASGITransport(view, client=(host, 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://covidxr.test") as client:
            assert (await client.post("/graphql", json={"query": QUERY})).status_code == status, host


async def test_a_user_pays_wherever_they_are(platform: Platform, ana: User) -> None:
    platform = poor(platform)
    here, there = asker(platform, "192.0.2.1"), asker(platform, "192.0.2.2")
    assert (await post(await here.signed_in(ana))).status_code == 200
    assert_limited(await post(await there.signed_in(ana)))
    assert (await post(there)).status_code == 200  # the address is not ana's to spend


async def test_a_costly_operation_takes_more_of_it(platform: Platform) -> None:
    anybody = asker(poor(platform, 400))
    costly = "{ news(first: 100) { nodes { author { name } } } }"
    assert (await anybody.ask(costly))["extensions"] == {"cost": OPERATION + 1 + 200}
    assert_limited(await post(anybody, costly))


async def test_documents_that_are_refused_are_paid_for_too(platform: Platform) -> None:
    anybody = asker(poor(platform, 3 * (OPERATION + NEW_DOCUMENT)))
    for n in range(3):
        assert (await post(anybody, f"{{ nothing{n} }}")).status_code == 200
    assert_limited(await post(anybody, "{ nothing }"))
    assert_limited(await post(anybody, "{"))


async def test_a_document_that_is_known_is_cheaper(platform: Platform) -> None:
    anybody = asker(poor(platform, ONCE + 3 * (OPERATION + 1)))
    assert [(await post(anybody)).status_code for _ in range(5)] == [200] * 4 + [429]


async def test_made_up_headers_buy_nothing(platform: Platform) -> None:
    anybody = asker(poor(platform))
    await post(anybody)
    for n in range(3):
        assert_limited(await post(anybody, **{"X-Forwarded-For": f"198.51.100.{n}", "X-Real-IP": "::1"}))
        assert_limited(await post(replace(anybody, token=f"made-up {n}")))


async def test_sockets_and_streams_pay_as_well(platform: Platform) -> None:
    async with listening(poor(platform)) as address, joined(address) as client:
        await client.subscribe(QUERY)
        assert (await client.of("1"))["payload"]["extensions"] == {"cost": OPERATION + 1}
        await client.of("1")
        await client.subscribe(QUERY)
        message = await client.of("1")
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"].keys() == {"code", "retryAfter"}
        await client.subscribe("subscription { newsPublished { cursor } }", "2")
        assert await client.ends("2") == ("error", "RATE_LIMITED")
    async with listening(poor(platform)) as address, httpx.AsyncClient() as client:
        headers = {"Accept": "text/event-stream"}
        for code in ('"data":{"viewer":null}', '"RATE_LIMITED"'):
            answer = await client.post(f"http://{address}/graphql", json={"query": QUERY}, headers=headers)
            assert code in answer.text


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_asker_is_an_address_or_a_network(host: str, source: str) -> None:
    assert source_of(Address(host, 1)) == source
    assert source_of(None) == ""


# ------------------------------------------------------------------ at the door


@pytest.fixture
async def guessed(platform: Platform, ana: User) -> User:
    """Ana, with a password."""
    ana.password_hash = await passwords.hashed("correct horse")
    await ana.save()
    return ana


def limited(payload: Any) -> bool:
    """Whether an attempt was not made, as data with the time to come back."""
    (error,) = payload["errors"]
    if error["code"] != "RATE_LIMITED":
        assert error["code"] == "BAD_CREDENTIALS"
        return False
    assert error["path"] == ["input"]
    assert error["retryAfter"] > 0
    assert error["message"].startswith("too many requests: try again in ")
    return True


async def test_aliases_are_guesses_one_by_one(anybody: Asker, guessed: User) -> None:
    fields = " ".join(f"a{n}: {SIGN_IN % (guessed.email, f'guess {n}')}" for n in range(15))
    answer = (await anybody.ask(f"mutation {{ {fields} }}"))["data"]
    assert [limited(answer[f"a{n}"]) for n in range(15)] == [False] * AT_ACCOUNT.points + [True] * 5


async def test_nor_does_another_spelling_or_the_right_password_help(anybody: Asker, guessed: User) -> None:
    for _ in range(AT_ACCOUNT.points):
        assert not limited(await anybody.data(f"mutation {{ {SIGN_IN % (guessed.email, 'wrong')} }}"))
    for email in (guessed.email, guessed.email.upper(), f" {guessed.email} "):
        assert limited(await anybody.data(f"mutation {{ {SIGN_IN % (email, 'correct horse')} }}"))
    assert not limited(await anybody.data(f"mutation {{ {SIGN_IN % ('eva@hospital.example', 'wrong')} }}"))


async def test_signing_in_itself_is_not_counted(anybody: Asker, guessed: User) -> None:
    for _ in range(AT_ACCOUNT.points + 2):
        payload = await anybody.data(f"mutation {{ {SIGN_IN % (guessed.email, 'correct horse')} }}")
        assert payload["token"]


async def test_guesses_at_many_accounts_or_from_many_addresses_have_an_end_too(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wrong(*_: object) -> bool:
        return False

    monkeypatch.setattr(passwords, "matches", wrong)
    accounts = platform.accounts

    async def guess(source: str, email: str) -> str:
        with pytest.raises(Exception) as refused:  # noqa: PT011 - which of the two is what is asked
            await accounts.sign_in(email, "wrong", source)
        return type(refused.value).__name__

    outcomes = [await guess("192.0.2.1", f"u{n}@h.example") for n in range(FROM_ADDRESS.points + 1)]
    assert outcomes == ["Refused"] * FROM_ADDRESS.points + ["TooMany"]
    count = AT_ACCOUNT_FROM_ANYWHERE.points
    outcomes = [await guess(f"198.51.100.{n}", "ana@h.example") for n in range(count + 1)]
    assert outcomes == ["Refused"] * count + ["TooMany"]


async def test_so_does_asking_who_has_signed_up(anybody: Asker, ana: User) -> None:
    async def sign_up(email: str) -> str:
        form = {"email": email, "password": "short", "name": "Eva"}
        payload = await anybody.mutate("signUp", "user { id }", **form)
        return str(payload["errors"][-1]["code"])

    assert await sign_up("no address") == "INVALID"  # of which there is nothing to tell
    told = [await sign_up(email) for _ in range(LETTERS.points // 2) for email in (ana.email, "x@h.example")]
    assert told == ["EMAIL_TAKEN", "INVALID"] * (LETTERS.points // 2)
    assert [await sign_up(email) for email in (ana.email, "x@h.example")] == ["RATE_LIMITED"] * 2


async def test_letters_have_an_end(anybody: Asker, parts: Parts) -> None:
    reset = 'requestPasswordReset(input: {email: "x@h.example"}) { requested errors { code retryAfter } }'
    for _ in range(LETTERS.points):
        assert (await anybody.data(f"mutation {{ {reset} }}"))["requested"]
    payload = await anybody.data(f"mutation {{ {reset} }}")
    assert payload["requested"] is False
    assert payload["errors"][0]["code"] == "RATE_LIMITED"
    assert 0 < payload["errors"][0]["retryAfter"] <= 60
    form = {"email": "eva@h.example", "password": "correct horse", "name": "Eva"}
    assert (await anybody.mutate("signUp", "user { id }", **form))["errors"][0]["code"] == "RATE_LIMITED"
    form = {"email": "eva@h.example", "subject": "Hello", "name": "Eva", "body": "b"}
    payload = await anybody.mutate("sendContactMessage", "message { id }", **form)
    assert payload["errors"][0]["code"] == "RATE_LIMITED"
    assert await User.filter(email="eva@h.example").count() == 0
