"""What people do with their own account, through GraphQL."""

from __future__ import annotations

import asyncio
import re

import pytest

from api.wiring import Parts
from services import passwords
from services.accounts import CLIENT_LENGTH
from services.export import EXPORTS
from services.platform import Platform
from store.tables import User
from tests import people
from tests.asking import Asker, codes
from tests.listening import PREDICTIONS, joined, listen
from tests.people import eventually
from tests.stand_ins import picture

PASSWORD = "correct horse battery"


@pytest.fixture
async def ana(ana: User) -> User:
    """A member who knows her password."""
    await User.filter(id=ana.id).update(password_hash=await passwords.hashed(PASSWORD))
    return ana


async def test_an_account_is_deleted_with_its_images_and_its_sockets(
    address: str, anybody: Asker, member: Asker, ana: User
) -> None:
    await member.upload([("1.png", picture(1))], "id", waitSeconds=10)
    elsewhere = await anybody.signed_in(ana)
    async with joined(address, elsewhere.token) as client:
        await listen(client, PREDICTIONS)
        gone = await member.mutate("deleteAccount", "deleted", password=PASSWORD)
        assert gone == {"deleted": True, "errors": []}
        assert await client.ends() == ("next", "UNAUTHENTICATED")
    for asker in (member, elsewhere):
        assert await asker.data("{ viewer { id } }") is None
    payload = await anybody.mutate("signIn", "token", email=ana.email, password=PASSWORD)
    assert codes(payload)[0][0] == "BAD_CREDENTIALS"
    admin = await anybody.signed_in(await people.admin())
    assert (await admin.data("{ images { totalCount } }"))["totalCount"] == 0


async def test_a_wrong_password_deletes_nothing(member: Asker) -> None:
    payload = await member.mutate("deleteAccount", "deleted", password="wrong")
    assert codes(payload) == [("BAD_CREDENTIALS", ["input", "password"])]
    assert not payload["deleted"]
    assert await member.data("{ viewer { id } }")


async def test_a_new_password_takes_the_old_one_and_ends_other_sessions(
    anybody: Asker, member: Asker, ana: User
) -> None:
    elsewhere, new = await anybody.signed_in(ana), "another horse battery"
    for given, code, field in (
        ({"password": "wrong", "newPassword": new}, "BAD_CREDENTIALS", "password"),
        ({"password": PASSWORD, "newPassword": "short"}, "INVALID", "newPassword"),
    ):
        payload = await member.mutate("changePassword", "user { id }", **given)
        assert codes(payload) == [(code, ["input", field])]
    assert await elsewhere.data("{ viewer { id } }")
    given = {"password": PASSWORD, "newPassword": new}
    payload = await member.mutate("changePassword", "user { email }", **given)
    assert payload == {"user": {"email": ana.email}, "errors": []}
    assert await member.data("{ viewer { id } }")
    assert await elsewhere.data("{ viewer { id } }") is None
    for password, is_right in ((PASSWORD, False), (new, True)):
        payload = await anybody.mutate("signIn", "token", email=ana.email, password=password)
        assert bool(payload["token"]) is is_right


async def test_an_operator_ends_sessions_of_one_or_of_all(
    platform: Platform, address: str, anybody: Asker, member: Asker, other: Asker, ana: User
) -> None:
    async with joined(address, member.token) as client:
        await listen(client, PREDICTIONS)
        for nobody in ("nobody@hospital.example", ""):
            assert await platform.sessions.end_by_operator(nobody) == 0
        assert await platform.sessions.end_by_operator(ana.email) == 1
        assert await client.ends() == ("next", "UNAUTHENTICATED")
    assert [await asker.data("{ viewer { id } }") is None for asker in (member, other)] == [True, False]
    await anybody.signed_in(ana)
    assert await platform.sessions.end_by_operator() == 2
    assert await other.data("{ viewer { id } }") is None


async def test_the_last_administrator_hears_of_a_conflict(admin: Asker) -> None:
    await User.all().update(password_hash=await passwords.hashed(PASSWORD))
    payload = await admin.mutate("deleteAccount", "deleted", password=PASSWORD)
    assert codes(payload) == [("CONFLICT", ["input"])]


async def test_news_of_somebody_who_left_have_no_name(anybody: Asker, admin: Asker, ana: User) -> None:
    await admin.mutate("publishNews", "post { id }", title="t", body="b")
    await User.filter(role="ADMIN").update(password_hash=await passwords.hashed(PASSWORD))
    await people.admin("other@hospital.example")
    assert (await admin.mutate("deleteAccount", "deleted", password=PASSWORD))["deleted"]
    (post,) = (await anybody.data("{ news { nodes { author { name deletedAt } } } }"))["nodes"]
    assert post["author"]["name"] == "Deleted account"
    assert post["author"]["deletedAt"]


async def test_sessions_are_listed_with_what_asked_for_them(anybody: Asker, ana: User) -> None:
    signing = {"email": ana.email, "password": PASSWORD}
    anybody.client.headers["User-Agent"] = "Firefox" + "x" * 300
    first = Asker(anybody.client, (await anybody.mutate("signIn", "token", **signing))["token"])
    anybody.client.headers["User-Agent"] = ""
    second = Asker(anybody.client, (await anybody.mutate("signIn", "token", **signing))["token"])
    listed = await second.data("{ sessions { id client current createdAt expiresAt } }")
    assert [one["current"] for one in listed] == [True, False]
    assert [one["client"] for one in listed] == [None, ("Firefox" + "x" * 300)[:CLIENT_LENGTH]]
    assert await first.data("{ sessions { current } }") == [{"current": False}, {"current": True}]


async def test_a_session_is_ended_from_another_one(
    address: str, anybody: Asker, member: Asker, other: Asker, ana: User
) -> None:
    elsewhere = await anybody.signed_in(ana)
    listed = await member.data("{ sessions { id current } }")
    (wanted,) = [one["id"] for one in listed if not one["current"]]
    assert codes(await other.mutate("endSession", "endedId", id=wanted)) == [("NOT_FOUND", ["input", "id"])]
    async with joined(address, elsewhere.token) as client:
        await listen(client, PREDICTIONS)
        assert (await member.mutate("endSession", "endedId", id=wanted))["endedId"] == wanted
        assert await client.ends() == ("next", "UNAUTHENTICATED")
    assert codes(await member.mutate("endSession", "endedId", id=wanted)) == [("NOT_FOUND", ["input", "id"])]
    assert await member.data("{ viewer { id } }")


async def test_every_session_is_ended_at_once(anybody: Asker, member: Asker, other: Asker, ana: User) -> None:
    elsewhere = await anybody.signed_in(ana)
    payload = await member.data("mutation { signOutEverywhere { signedOut errors { code } } }")
    assert payload == {"signedOut": True, "errors": []}
    for asker in (member, elsewhere):
        assert await asker.data("{ viewer { id } }") is None
    assert await other.data("{ viewer { id } }")


async def test_an_address_is_changed_by_a_mail(
    anybody: Asker, member: Asker, ana: User, parts: Parts
) -> None:
    asked = await member.mutate(
        "requestEmailChange", "requested", email="ana@clinic.example", password=PASSWORD
    )
    assert asked == {"requested": True, "errors": []}
    await eventually(lambda: asyncio.sleep(0, parts.post.letters))
    token = re.search(r"token=(\S+)", parts.post.letters[0].body)
    assert token
    confirmed = await anybody.mutate("confirmEmailChange", "user { email }", token=token[1])
    assert confirmed["user"] == {"email": "ana@clinic.example"}
    assert await member.data("{ viewer { id } }") is None


async def test_taken_or_not_an_address_has_the_same_answer(member: Asker, other: Asker, ana: User) -> None:
    answers = [
        await member.mutate("requestEmailChange", "requested", email=email, password=PASSWORD)
        for email in ("eva@hospital.example", "nobody@hospital.example")
    ]
    assert answers[0] == answers[1] == {"requested": True, "errors": []}


async def test_a_copy_is_asked_for_some_times_an_hour(member: Asker) -> None:
    query = "mutation { exportAccount { url errors { code retryAfter } } }"
    urls = {(await member.data(query))["url"] for _ in range(EXPORTS.points)}
    assert all("/exports/" in url for url in urls)
    refused = await member.data(query)
    assert refused["url"] is None
    assert [error["code"] for error in refused["errors"]] == ["RATE_LIMITED"]
