"""Signing up, in and out, passwords and roles through GraphQL."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from api.wiring import Parts
from schema import ids
from services import passwords
from services.platform import Platform
from store.tables import Role, Token, User
from tests.asking import ORIGIN, Asker, application, codes
from tests.people import eventually
from tests.stand_ins import Pigeonhole

PASSWORD = "correct horse battery"
ANA = {"email": "Ana@Hospital.example", "password": PASSWORD, "name": "Ana"}


@pytest.fixture
def mails(parts: Parts) -> Pigeonhole:
    assert isinstance(parts.post, Pigeonhole)
    return parts.post


async def mailed_token(mails: Pigeonhole, count: int = 1) -> str:
    """The token of the newest of so many mails."""

    async def enough() -> bool:
        return len(mails.letters) >= count

    await eventually(enough)
    found = re.search(r"token=(\S+)", mails.letters[-1].body)
    assert found
    return found[1]


async def test_from_sign_up_to_sign_out(anybody: Asker, mails: Pigeonhole) -> None:
    signed_up = await anybody.mutate("signUp", "user { email emailVerified role }", **ANA)
    assert signed_up == {
        "user": {"email": "ana@hospital.example", "emailVerified": False, "role": "MEMBER"},
        "errors": [],
    }
    verified = await anybody.mutate(
        "verifyEmail", "user { email emailVerified }", token=await mailed_token(mails)
    )
    assert verified["user"] == {"email": "ana@hospital.example", "emailVerified": True}
    credentials = {"email": "ana@hospital.example", "password": PASSWORD}
    signed_in = await anybody.mutate("signIn", "token user { email }", **credentials)
    assert signed_in["user"] == {"email": "ana@hospital.example"}
    ana = Asker(anybody.client, signed_in["token"])
    assert (await ana.data("{ viewer { email } }"))["email"] == "ana@hospital.example"
    out = "mutation { signOut { signedOut errors { code } } }"
    assert await ana.data(out) == {"signedOut": True, "errors": []}
    assert await ana.data("{ viewer { email } }") is None
    assert await ana.data(out) == {"signedOut": False, "errors": []}
    assert await anybody.data(out) == {"signedOut": False, "errors": []}


async def test_sign_up_tells_all_that_is_wrong_at_once(anybody: Asker) -> None:
    payload = await anybody.mutate(
        "signUp", "user { id }", email="not an address", password="short", name=" "
    )
    assert payload["user"] is None
    assert codes(payload) == [
        ("INVALID", ["input", "email"]),
        ("REQUIRED", ["input", "name"]),
        ("INVALID", ["input", "password"]),
    ]
    assert await User.all().count() == 0


async def test_an_address_signs_up_once(anybody: Asker, ana: User) -> None:
    payload = await anybody.mutate("signUp", "user { id }", **ANA)
    assert codes(payload) == [("EMAIL_TAKEN", ["input", "email"])]


async def test_where_the_server_is_discreet_the_answer_is_the_same(platform: Platform, ana: User) -> None:
    discreet = replace(platform, accounts=replace(platform.accounts, is_discreet=True))
    transport = httpx.ASGITransport(application(discreet))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        for email in (ana.email, "new@hospital.example"):
            payload = await Asker(client).mutate("signUp", "user { id }", **{**ANA, "email": email})
            assert payload == {"user": None, "errors": []}


async def test_sign_in_tells_no_address_from_another(anybody: Asker, ana: User) -> None:
    await User.filter(id=ana.id).update(password_hash=await passwords.hashed(PASSWORD))
    for email, password in (
        (ana.email, "wrong password"),
        ("nobody@x.example", PASSWORD),
        ("", ""),
        (ana.email, "x" * 10_000),
    ):
        payload = await anybody.mutate("signIn", "token user { id }", email=email, password=password)
        assert (payload["token"], payload["user"]) == (None, None)
        assert codes(payload) == [("BAD_CREDENTIALS", ["input"])]


async def test_sign_in_waits_for_the_confirmation(anybody: Asker, mails: Pigeonhole) -> None:
    await anybody.mutate("signUp", "user { id }", **ANA)
    await mailed_token(mails)
    await Token.all().update(created_at=datetime(2020, 1, 1, tzinfo=UTC))  # another mail only after a while
    payload = await anybody.mutate("signIn", "token", email=ANA["email"], password=PASSWORD)
    assert codes(payload) == [("EMAIL_NOT_VERIFIED", ["input", "email"])]
    again = await mailed_token(mails, count=2)
    assert (await anybody.mutate("verifyEmail", "user { name }", token=again))["user"] == {"name": "Ana"}


async def test_a_forgotten_password(anybody: Asker, member: Asker, ana: User, mails: Pigeonhole) -> None:
    for email in ("nobody@x.example", "not an address", ana.email):
        asked = await anybody.mutate("requestPasswordReset", "requested", email=email)
        assert asked == {"requested": True, "errors": []}
    token = await mailed_token(mails)
    short = await anybody.mutate("resetPassword", "user { id }", token=token, password="short")
    assert codes(short) == [("INVALID", ["input", "password"])]
    reset = await anybody.mutate("resetPassword", "user { email }", token=token, password=PASSWORD)
    assert reset == {"user": {"email": ana.email}, "errors": []}
    assert await member.data("{ viewer { id } }") is None, "every session ends"
    assert (await anybody.mutate("signIn", "token", email=ana.email, password=PASSWORD))["token"]
    again = await anybody.mutate("resetPassword", "user { id }", token=token, password=PASSWORD)
    assert codes(again) == [("TOKEN_EXPIRED", ["input", "token"])]
    assert len(mails.letters) == 1


async def test_a_token_of_nobody_confirms_nothing(anybody: Asker) -> None:
    payload = await anybody.mutate("verifyEmail", "user { id }", token="made-up")
    assert payload["user"] is None
    assert codes(payload) == [("TOKEN_EXPIRED", ["input", "token"])]


async def test_roles(admin: Asker, ana: User) -> None:
    fields = "user { role email }"
    ana_id = ids.encode("User", ana.id)
    promoted = await admin.mutate("setUserRole", fields, id=ana_id, role="ADMIN")
    assert promoted == {"user": {"role": "ADMIN", "email": ana.email}, "errors": []}
    own_id = (await admin.data("{ viewer { id } }"))["id"]
    assert (await admin.mutate("setUserRole", fields, id=own_id, role="MEMBER"))["errors"] == []
    assert await admin.code("{ users { totalCount } }") == "FORBIDDEN"


async def test_roles_that_cannot_be_set(admin: Asker, ana: User) -> None:
    own_id = (await admin.data("{ viewer { id } }"))["id"]
    for user_id, code, path in (
        (own_id, "CONFLICT", "role"),
        (ids.encode("User", 999), "NOT_FOUND", "id"),
        (ids.encode("Image", ana.id), "NOT_FOUND", "id"),
        ("nonsense", "NOT_FOUND", "id"),
    ):
        payload = await admin.mutate("setUserRole", "user { id }", id=user_id, role="MEMBER")
        assert payload["user"] is None
        assert codes(payload) == [(code, ["input", path])]
    assert await User.filter(role=Role.ADMIN).count() == 1


async def test_what_is_no_role_is_a_bad_request(admin: Asker, ana: User) -> None:
    query = "mutation($input: SetUserRoleInput!) { setUserRole(input: $input) { errors { code } } }"
    given = {"id": ids.encode("User", ana.id), "role": "KING"}
    assert await admin.code(query, input=given) == "BAD_USER_INPUT"
    assert await admin.code(query, input={"id": 5.5, "role": "ADMIN"}) == "BAD_USER_INPUT"
    assert await admin.code(query, input={}) == "BAD_USER_INPUT"
    assert await admin.code(query, input=None) == "BAD_USER_INPUT"


async def test_a_language_for_mails(anybody: Asker, mails: Pigeonhole) -> None:
    await anybody.mutate("signUp", "user { id }", **ANA, locale="es-AR")
    await mailed_token(mails)
    assert mails.letters[0].subject.startswith("Confirme")
