"""People: signing up and in, passwords, roles."""

import asyncio
import re
from datetime import UTC, datetime

import pytest

from api.wiring import Parts
from services.errors import Code, Forbidden, Refused, Unauthenticated
from services.platform import Platform
from store.pages import Window
from store.tables import Role, Token, User
from tests import people

PASSWORD = "correct horse"


async def mailed_token(parts: Parts, kind: str, count: int = 1) -> str:
    """The token of the newest mail of a kind, once so many of them have come."""
    async with asyncio.timeout(5):
        while True:
            found = [re.search(rf"/{kind}\?token=(\S+)", letter.body) for letter in parts.post.letters]
            tokens = [match.group(1) for match in found if match]
            if len(tokens) >= count:
                return tokens[-1]
            await asyncio.sleep(0.01)


async def member(platform: Platform, parts: Parts, email: str = "ana@hospital.example") -> tuple[str, User]:
    await platform.accounts.sign_up(email, PASSWORD, "Ana", None)
    await platform.accounts.verify_email(await mailed_token(parts, "verify-email"))
    return await platform.accounts.sign_in(email, PASSWORD)


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[tuple[str | None, Code]]:
    return [(problem.field, problem.code) for problem in refused.value.problems]


async def test_signs_up_verifies_and_signs_in(platform: Platform, parts: Parts) -> None:
    token, user = await member(platform, parts, "Ana@Hospital.Example")
    assert user.email == "ana@hospital.example"
    assert user.role is Role.MEMBER
    found = await platform.accounts.authenticate(token)
    assert found is not None
    assert found.id == user.id


async def test_keeps_neither_password_nor_token(platform: Platform, parts: Parts) -> None:
    token, user = await member(platform, parts)
    assert user.password_hash.startswith("$argon2id$")
    assert token not in await Token.all().values_list("sha256", flat=True)


async def test_names_everything_wrong_with_a_form_at_once(platform: Platform) -> None:
    with pytest.raises(Refused) as refused:
        await platform.accounts.sign_up("no address", "short", "  ", None)
    assert codes(refused) == [("email", Code.INVALID), ("name", Code.REQUIRED), ("password", Code.INVALID)]


async def test_an_address_is_taken_whatever_its_case(platform: Platform, parts: Parts) -> None:
    await member(platform, parts)
    with pytest.raises(Refused) as refused:
        await platform.accounts.sign_up("ANA@hospital.example", PASSWORD, "Ana", None)
    assert codes(refused) == [("email", Code.EMAIL_TAKEN)]


async def test_of_two_at_once_one_gets_the_address(platform: Platform) -> None:
    forms = [platform.accounts.sign_up("eva@hospital.example", PASSWORD, "Eva", None) for _ in range(2)]
    outcomes = await asyncio.gather(*forms, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Refused", "User"]


async def test_an_unverified_address_cannot_sign_in_and_gets_the_mail_again(
    platform: Platform, parts: Parts
) -> None:
    await platform.accounts.sign_up("ana@hospital.example", PASSWORD, "Ana", None)
    with pytest.raises(Refused) as refused:
        await platform.accounts.sign_in("ana@hospital.example", PASSWORD)
    assert codes(refused) == [("email", Code.EMAIL_NOT_VERIFIED)]
    await platform.accounts.verify_email(await mailed_token(parts, "verify-email", 2))
    await platform.accounts.sign_in("ana@hospital.example", PASSWORD)


@pytest.mark.parametrize(
    ("email", "password"), [("ana@hospital.example", "wrong password"), ("who@is.it", PASSWORD), ("no", "")]
)
async def test_wrong_credentials_are_not_told_apart(
    platform: Platform, parts: Parts, email: str, password: str
) -> None:
    await member(platform, parts)
    with pytest.raises(Refused) as refused:
        await platform.accounts.sign_in(email, password)
    assert codes(refused) == [(None, Code.BAD_CREDENTIALS)]


async def test_a_link_works_once(platform: Platform, parts: Parts) -> None:
    await member(platform, parts)
    used = await mailed_token(parts, "verify-email")
    with pytest.raises(Refused) as refused:
        await platform.accounts.verify_email(used)
    assert codes(refused) == [("token", Code.TOKEN_EXPIRED)]


async def test_an_expired_link_does_not_work(platform: Platform, parts: Parts) -> None:
    await platform.accounts.sign_up("ana@hospital.example", PASSWORD, "Ana", None)
    link = await mailed_token(parts, "verify-email")
    await Token.all().update(expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(Refused) as refused:
        await platform.accounts.verify_email(link)
    assert codes(refused) == [("token", Code.TOKEN_EXPIRED)]


async def test_a_new_password_ends_every_session(platform: Platform, parts: Parts) -> None:
    session, user = await member(platform, parts)
    await platform.accounts.request_password_reset(user.email)
    await platform.accounts.reset_password(await mailed_token(parts, "reset-password"), "another password")
    assert await platform.accounts.authenticate(session) is None
    await platform.accounts.sign_in(user.email, "another password")
    with pytest.raises(Refused):
        await platform.accounts.sign_in(user.email, PASSWORD)


async def test_asking_for_a_reset_tells_nothing_of_unknown_addresses(
    platform: Platform, parts: Parts
) -> None:
    await platform.accounts.request_password_reset("nobody@hospital.example")
    await asyncio.sleep(0.1)
    assert parts.post.letters == []


async def test_signing_out_ends_one_session(platform: Platform, parts: Parts) -> None:
    first, user = await member(platform, parts)
    second, _ = await platform.accounts.sign_in(user.email, PASSWORD)
    await platform.accounts.sign_out(first)
    assert await platform.accounts.authenticate(first) is None
    assert await platform.accounts.authenticate(second) is not None


async def test_writes_in_the_users_language(platform: Platform, parts: Parts) -> None:
    await platform.accounts.sign_up("luz@hospital.example", PASSWORD, "Luz", "es-AR")
    await mailed_token(parts, "verify-email")
    assert parts.post.letters[0].subject.startswith("Confirme")


async def test_mail_waits_for_a_server_that_is_away(platform: Platform, parts: Parts) -> None:
    parts.post.shut = True
    await platform.accounts.sign_up("ana@hospital.example", PASSWORD, "Ana", None)
    await asyncio.sleep(0.2)
    parts.post.shut = False
    await platform.accounts.verify_email(await mailed_token(parts, "verify-email"))
    assert len(parts.post.letters) == 1


async def test_only_administrators_change_roles_and_one_stays(platform: Platform, parts: Parts) -> None:
    admin = await platform.accounts.create_admin("chief@hospital.example", PASSWORD)
    _, user = await member(platform, parts)
    with pytest.raises(Unauthenticated):
        await platform.accounts.set_role(None, user.id, Role.ADMIN)
    with pytest.raises(Forbidden):
        await platform.accounts.set_role(user, user.id, Role.ADMIN)
    with pytest.raises(Refused) as refused:
        await platform.accounts.set_role(admin, admin.id, Role.MEMBER)
    assert codes(refused) == [("role", Code.CONFLICT)]
    assert (await platform.accounts.set_role(admin, user.id, Role.ADMIN)).is_admin
    assert not (await platform.accounts.set_role(admin, admin.id, Role.MEMBER)).is_admin


async def test_of_administrators_who_demote_each_other_at_once_one_stays(platform: Platform) -> None:
    for number in range(5):
        await User.all().delete()
        first, second = [await people.admin(f"{name}@hospital.example") for name in ("a", "b")]
        outcomes = await asyncio.gather(
            platform.accounts.set_role(first, second.id, Role.MEMBER),
            platform.accounts.set_role(second, first.id, Role.MEMBER),
            return_exceptions=True,
        )
        assert await User.admins().count() == 1, number
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Refused", "User"]


async def test_creating_an_administrator_promotes_a_member(platform: Platform, parts: Parts) -> None:
    _, user = await member(platform, parts)
    admin = await platform.accounts.create_admin(user.email, "a new password")
    assert admin.id == user.id
    assert admin.is_admin
    assert [row.id for row in (await platform.accounts.page(admin, Window(10))).rows] == [user.id]
