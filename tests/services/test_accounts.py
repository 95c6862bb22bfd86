"""People: signing up and in, passwords, roles."""

import asyncio
import re
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import process_time

import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters
from tortoise.exceptions import OperationalError

from api.wiring import Parts
from services import letters, passwords, tokens
from services.door import AT_ACCOUNT
from services.errors import Code, Forbidden, Refused, Unauthenticated
from services.platform import Platform
from store.pages import Window
from store.tables import JournalEntry, Role, Token, User
from tests import people
from tests.people import eventually
from tests.statements import counted
from tests.trails import told

PASSWORD = "correct horse"


async def mailed_token(parts: Parts, kind: str, count: int = 1) -> str:
    """The token of the newest mail of a kind, once so many of them have come."""
    async with asyncio.timeout(5):
        while True:
            found = [re.search(rf"/{kind}\?token=(\S+)", letter.body) for letter in parts.post.letters]
            mailed = [match.group(1) for match in found if match]
            if len(mailed) >= count:
                return mailed[-1]
            await asyncio.sleep(0.01)


async def member(platform: Platform, parts: Parts, email: str = "ana@hospital.example") -> tuple[str, User]:
    await platform.accounts.sign_up(email, PASSWORD, "Ana", None)
    await platform.accounts.verify_email(await mailed_token(parts, "verify-email"))
    return await platform.accounts.sign_in(email, PASSWORD)


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[tuple[str | None, Code]]:
    return [(problem.field, problem.code) for problem in refused.value.problems]


async def a_minute_later() -> None:
    """Makes every token a minute older."""
    for token in await Token.all():
        await Token.filter(id=token.id).update(created_at=token.created_at - tokens.PAUSE)


async def only_one(doing: Iterable[Awaitable[User]]) -> None:
    """Of all at once one succeeds, and the others hear that the link was used."""
    outcomes = await asyncio.gather(*doing, return_exceptions=True)
    refusals = [outcome for outcome in outcomes if not isinstance(outcome, User)]
    assert len(refusals) == len(outcomes) - 1
    expected = ["this link is not whole, has expired or was used already"] * len(refusals)
    assert [str(refusal) for refusal in refusals] == expected


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


async def test_signing_up_discreetly_mails_alone_tell_whether_somebody_has_an_address(
    platform: Platform, parts: Parts
) -> None:
    _, ana = await member(platform, parts)
    password_hash = (await User.get(id=ana.id)).password_hash
    await a_minute_later()
    for email in ("eva@hospital.example", ana.email, "EVA@hospital.example"):
        await platform.accounts.sign_up_discreetly(email, "another long password", "Eva", None)
    eva = await User.get(email="eva@hospital.example")
    assert eva.email_verified_at is None
    assert await User.all().count() == 2
    assert (await User.get(id=ana.id)).password_hash == password_hash
    await eventually(lambda: asyncio.sleep(0, len(parts.post.letters) == 3))
    assert letters.email_in_use(ana.email, "Ana", "en") in parts.post.letters
    assert [letter.to for letter in parts.post.letters].count((eva.email,)) == 1, "no second within a minute"


async def test_what_is_wrong_is_told_there_too(platform: Platform) -> None:
    with pytest.raises(Refused) as refused:
        await platform.accounts.sign_up_discreetly("no address", "short", "Eva", None)
    assert codes(refused) == [("email", Code.INVALID), ("password", Code.INVALID)]


async def test_whoever_signs_up_discreetly_waits_for_the_same_for_any_address(
    platform: Platform, parts: Parts
) -> None:
    _, ana = await member(platform, parts)
    sign_up, taken = platform.accounts.sign_up_discreetly, []
    await sign_up("first@hospital.example", PASSWORD, "Eva", None)  # which alone begins a count
    await a_minute_later()
    for email in (ana.email, "eva@hospital.example"):
        with counted() as statements:
            await sign_up(email, PASSWORD, "Eva", None)
            taken.append(sorted(statement.partition(" ")[0] for statement in statements))
    assert taken[0] == taken[1]
    assert taken[0].count("INSERT") == 3


async def test_where_people_sign_up_discreetly_signing_in_tells_nothing_either(
    platform: Platform, parts: Parts
) -> None:
    """Whoever signs up knows the password of a new account, and not that of one that there was."""
    _, ana = await member(platform, parts)
    accounts = replace(platform.accounts, is_discreet=True)
    emails, said = (ana.email, "eva@hospital.example"), []
    await a_minute_later()
    for email in emails:
        await accounts.sign_up_discreetly(email, "another long password", "Eva", None)
    token = await mailed_token(parts, "verify-email", 2)
    await a_minute_later()
    recorded = await JournalEntry.all().count()
    for email in emails:
        with pytest.raises(Refused) as refused:
            await accounts.sign_in(email, "another long password")
        said.append([(problem.code, problem.message, problem.field) for problem in refused.value.problems])
    words = (
        "the address or the password is wrong, or the address is not confirmed yet: the link is in your mail"
    )
    assert said == [[(Code.BAD_CREDENTIALS, words, None)]] * 2
    assert await JournalEntry.all().count() == recorded, "a mail of one of them takes time"
    await accounts.verify_email(token)
    await accounts.sign_in("eva@hospital.example", "another long password")


async def test_of_two_at_once_one_gets_the_address(platform: Platform) -> None:
    forms = [platform.accounts.sign_up("eva@hospital.example", PASSWORD, "Eva", None) for _ in range(2)]
    outcomes = await asyncio.gather(*forms, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Refused", "User"]


async def test_look_alike_addresses_are_of_different_people(platform: Platform) -> None:
    look_alikes = ["chief@hospital.org", "chief@hospítal.org", "chïef@hospital.org"]
    users = [await platform.accounts.sign_up(email, PASSWORD, "Chief", None) for email in look_alikes]
    made = await platform.accounts.create_admin(look_alikes[0], PASSWORD)
    assert [user.id for user in await User.admins()] == [made.id] == [users[0].id]


@pytest.mark.parametrize("letter", ["a", "é", "\u0130"])
async def test_an_endless_address_is_refused_at_once(platform: Platform, letter: str) -> None:
    started = process_time()
    with pytest.raises(Refused) as refused:
        await platform.accounts.sign_up(letter * 900_000 + "@h.example", PASSWORD, "Ana", None)
    assert codes(refused) == [("email", Code.INVALID)]
    assert process_time() - started < 0.5


async def test_an_address_that_grows_in_lower_case_fits_its_column(platform: Platform) -> None:
    with pytest.raises(Refused) as refused:
        await platform.accounts.sign_up("\u0130" * 60 + "@" + "a." * 92 + "org", PASSWORD, "Ana", None)
    assert codes(refused) == [("email", Code.INVALID)]


@pytest.mark.parametrize("letter", ["\0", "\x1b", "\u202e", "\u2066", "\ud800"])
async def test_a_name_has_no_letter_that_cannot_be_seen(platform: Platform, letter: str) -> None:
    with pytest.raises(Refused) as refused:
        await platform.accounts.sign_up("ana@hospital.example", PASSWORD, f"An{letter}a", None)
    assert codes(refused) == [("name", Code.INVALID)]


async def test_a_name_is_on_one_line(platform: Platform) -> None:
    user = await platform.accounts.sign_up("ana@h.example", PASSWORD, " Ana\r\n\n María\u2028李 ", None)
    assert user.name == "Ana María 李"


async def test_an_unverified_address_cannot_sign_in_and_gets_the_mail_again(
    platform: Platform, parts: Parts
) -> None:
    await platform.accounts.sign_up("ana@hospital.example", PASSWORD, "Ana", None)
    await mailed_token(parts, "verify-email")
    await a_minute_later()
    with pytest.raises(Refused) as refused:
        await platform.accounts.sign_in("ana@hospital.example", PASSWORD)
    assert codes(refused) == [("email", Code.EMAIL_NOT_VERIFIED)]
    await platform.accounts.verify_email(await mailed_token(parts, "verify-email", 2))
    await platform.accounts.sign_in("ana@hospital.example", PASSWORD)


async def test_whoever_asks_over_and_over_gets_one_mail_a_minute(platform: Platform, parts: Parts) -> None:
    await platform.accounts.sign_up("eva@hospital.example", PASSWORD, "Eva", None)
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await platform.accounts.sign_in("eva@hospital.example", PASSWORD)
        assert codes(refused) == [("email", Code.EMAIL_NOT_VERIFIED)]
    ask = platform.accounts.request_password_reset
    for round_number in (1, 2):
        await asyncio.gather(*(ask("eva@hospital.example") for _ in range(8)))
        await mailed_token(parts, "reset-password", round_number)
        await asyncio.sleep(0.2)
        assert len(parts.post.letters) == 1 + round_number
        await a_minute_later()


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


@pytest.mark.usefixtures("real_passwords")
async def test_signing_in_takes_one_verification_whoever_it_is(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the same parameters: else its time would tell who has an account, and who is blocked."""
    ana, eva = await people.member(), await people.member("eva@hospital.example")
    password_hash = await passwords.hashed(PASSWORD)
    await User.all().update(password_hash=password_hash)
    await platform.blocking.block(await people.admin(), eva.id, "misuse")
    verified: list[Parameters] = []
    verify = passwords._verify

    def counting(password: str, password_hash: str) -> bool:
        verified.append(extract_parameters(password_hash))
        return verify(password, password_hash)

    monkeypatch.setattr(passwords, "_verify", counting)
    for email in (ana.email, "nobody@hospital.example", eva.email, "no address"):
        for password in ("wrong password", PASSWORD):
            verified.clear()
            with suppress(Refused):
                await platform.accounts.sign_in(email, password)
            assert verified == [extract_parameters(password_hash)], email


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


@pytest.mark.usefixtures("real_passwords")
async def test_an_old_hash_is_made_anew_when_the_person_signs_in(platform: Platform, parts: Parts) -> None:
    _, ana = await member(platform, parts)
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await User.filter(id=ana.id).update(password_hash=old)
    with pytest.raises(Refused):
        await platform.accounts.sign_in(ana.email, "wrong password")
    assert (await User.get(id=ana.id)).password_hash == old
    await platform.accounts.sign_in(ana.email, PASSWORD)
    new = (await User.get(id=ana.id)).password_hash
    assert extract_parameters(new) == extract_parameters(await passwords.hashed(PASSWORD))
    await platform.accounts.sign_in(ana.email, PASSWORD)
    assert (await User.get(id=ana.id)).password_hash == new


async def test_a_session_ends_for_want_of_use(platform: Platform, parts: Parts) -> None:
    accounts = replace(platform.accounts, idle=timedelta(hours=24))
    _, user = await member(platform, parts)
    secret, _ = await accounts.sign_in(user.email, PASSWORD)
    begun, day = datetime.now(UTC), timedelta(days=1)

    async def left() -> timedelta:
        session = await accounts.session(secret)
        assert session is not None
        await accounts.use(session)
        written = await Token.get(id=session.id)
        return written.expires_at - begun

    async def set_back(by: timedelta) -> None:
        session = await accounts.session(secret)
        assert session is not None
        session.created_at, session.expires_at = session.created_at - by, session.expires_at - by
        await session.save()

    assert abs(await left() - day) < timedelta(minutes=1)
    await set_back(timedelta(minutes=50))
    assert await left() < timedelta(hours=23.5), "which is written down once an hour"
    await set_back(timedelta(hours=20))
    assert abs(await left() - day) < timedelta(minutes=1)
    await set_back(timedelta(days=13))
    assert await accounts.session(secret) is None, "it was not used"
    await Token.filter(sha256=tokens.digest(secret)).update(expires_at=begun + timedelta(minutes=1))
    assert await left() < timedelta(hours=3.5), "and after 14 days all is over"


async def test_a_session_that_cannot_be_put_off_is_good_still(
    platform: Platform, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, _ = await member(platform, parts)
    session = await platform.accounts.session(secret)
    assert session is not None
    session.expires_at = soon = datetime.now(UTC) + timedelta(seconds=1)

    def is_full(**_: object) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(Token, "filter", is_full)
    await platform.accounts.use(session)
    assert session.expires_at == soon


async def test_a_new_password_ends_every_session(platform: Platform, parts: Parts) -> None:
    session, user = await member(platform, parts)
    await platform.accounts.request_password_reset(user.email)
    await platform.accounts.reset_password(await mailed_token(parts, "reset-password"), "another password")
    assert await platform.accounts.authenticate(session) is None
    await platform.accounts.sign_in(user.email, "another password")
    with pytest.raises(Refused):
        await platform.accounts.sign_in(user.email, PASSWORD)


@pytest.mark.parametrize(
    ("asked_in", "subject"),
    [("es-AR", "Elija una nueva"), ("pt", "Choose a new"), (None, "Choose a new"), ("", "Choose a new")],
)
async def test_the_mail_is_in_the_language_in_which_it_was_asked_for(
    platform: Platform, parts: Parts, asked_in: str | None, subject: str
) -> None:
    """Ana signed up in English."""
    await platform.accounts.sign_up("ana@hospital.example", PASSWORD, "Ana", None)
    await platform.accounts.request_password_reset("ana@hospital.example", locale=asked_in)
    await mailed_token(parts, "reset-password")
    assert parts.post.letters[-1].subject.startswith(subject)


async def test_where_no_language_is_asked_for_it_is_that_of_the_account(
    platform: Platform, parts: Parts
) -> None:
    await platform.accounts.sign_up("ana@hospital.example", PASSWORD, "Ana", "es")
    await platform.accounts.request_password_reset("ana@hospital.example")
    await mailed_token(parts, "reset-password")
    assert parts.post.letters[-1].subject.startswith("Elija una nueva")


async def test_of_many_who_hold_a_link_at_once_one_uses_it(platform: Platform, parts: Parts) -> None:
    await platform.accounts.sign_up("ana@hospital.example", PASSWORD, "Ana", None)
    link = await mailed_token(parts, "verify-email")
    await only_one(platform.accounts.verify_email(link) for _ in range(6))
    await platform.accounts.request_password_reset("ana@hospital.example")
    link = await mailed_token(parts, "reset-password")
    await only_one(
        platform.accounts.reset_password(link, f"another password {number}") for number in range(6)
    )


async def test_no_session_of_the_old_password_outlives_a_reset(platform: Platform, parts: Parts) -> None:
    _, user = await member(platform, parts)
    await platform.accounts.request_password_reset(user.email)
    link = await mailed_token(parts, "reset-password")
    signing_in = [platform.accounts.sign_in(user.email, PASSWORD) for _ in range(AT_ACCOUNT.points)]
    resetting = platform.accounts.reset_password(link, "another password")
    *outcomes, _ = await asyncio.gather(*signing_in, resetting, return_exceptions=True)
    sessions = [outcome[0] for outcome in outcomes if isinstance(outcome, tuple)]
    assert [await platform.accounts.authenticate(session) for session in sessions] == [None] * len(sessions)
    refusals = [outcome for outcome in outcomes if not isinstance(outcome, tuple)]
    assert [str(refusal) for refusal in refusals] == ["the address or the password is wrong"] * len(refusals)


async def test_a_password_verified_before_a_reset_opens_no_session_after_it(
    platform: Platform, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, user = await member(platform, parts)
    matches = passwords.matches

    async def slowly(password: str, password_hash: str | None) -> bool:
        verified = await matches(password, password_hash)
        await User.filter(id=user.id).update(password_hash="replaced meanwhile")
        return verified

    monkeypatch.setattr(passwords, "matches", slowly)
    with pytest.raises(Refused) as refused:
        await platform.accounts.sign_in(user.email, PASSWORD)
    assert codes(refused) == [(None, Code.BAD_CREDENTIALS)]


async def test_asking_for_a_reset_tells_nothing_of_unknown_addresses(
    platform: Platform, parts: Parts
) -> None:
    await platform.accounts.request_password_reset("nobody@hospital.example")
    await asyncio.sleep(0.1)
    assert parts.post.letters == []


async def test_a_password_that_is_changed_is_told_of_and_ends_what_was_mailed(
    platform: Platform, parts: Parts
) -> None:
    token, ana = await member(platform, parts)
    await platform.accounts.request_password_reset(ana.email)
    link = await mailed_token(parts, "reset-password")
    change = platform.accounts.change_password
    await change(await User.get(id=ana.id), PASSWORD, "another horse battery", token=token)
    await eventually(
        lambda: asyncio.sleep(0, letters.password_changed(ana.email, "Ana", "en") in parts.post.letters)
    )
    assert await platform.accounts.authenticate(token)
    with pytest.raises(Refused) as refused:
        await platform.accounts.reset_password(link, "a third horse battery")
    assert codes(refused) == [("token", Code.TOKEN_EXPIRED)]
    assert ("PASSWORD_CHANGED", ana.id, {"User": ana.id}, None) in await told()


async def test_of_two_who_change_it_at_once_one_does(platform: Platform, parts: Parts) -> None:
    _, ana = await member(platform, parts)
    ana = await User.get(id=ana.id)
    changing = [
        platform.accounts.change_password(ana, PASSWORD, f"another horse battery {number}")
        for number in range(2)
    ]
    outcomes = await asyncio.gather(*changing, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Refused", "User"]


async def test_whoever_asks_for_a_reset_waits_for_the_same_for_any_address(
    platform: Platform, parts: Parts
) -> None:
    """For the same statements, one of them a commit: the mail and what it takes come afterwards."""
    _, user = await member(platform, parts)
    ask, taken = platform.accounts.request_password_reset, []
    await ask("first@hospital.example")  # which alone begins the count of what this source asks for
    for email in (user.email, "nobody@hospital.example", user.email, "no address"):
        with counted() as statements:
            await ask(email)
            taken.append([statement.partition(" ")[0] for statement in statements])
    assert taken == [taken[0]] * 4
    assert "INSERT" in taken[0]
    await mailed_token(parts, "reset-password")
    assert await journalled("PasswordResetAsked", 5) == [None, user.id, None, user.id, None]


async def journalled(kind: str, count: int) -> list[int | None]:
    """Whom the events of a kind name, once so many have been told."""

    async def ask() -> list[int | None]:
        payloads = await JournalEntry.filter(kind=kind).order_by("position").values_list("payload", flat=True)
        named = [payload["user_id"] for payload in payloads]
        return named if len(named) == count else []

    return await people.eventually(ask)


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
