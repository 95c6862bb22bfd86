"""Moving an account to another address: who confirms it, who hears of it, what ends."""

import asyncio
import re
from collections.abc import Awaitable
from contextvars import copy_context

import pytest

from api.wiring import Parts
from events.messages import EmailChangeRequested, PasswordResetAsked, PasswordResetRequested
from services import letters, passwords, tokens
from services.door import AT_ACCOUNT
from services.errors import Code, Refused, TooMany, Unauthenticated
from services.platform import Platform
from store.tables import JournalEntry, Notice, Token, TokenPurpose, TrailKind, User
from tests import people
from tests.people import eventually
from tests.runs import refusal
from tests.statements import counted
from tests.trails import told

PASSWORD = "correct horse"
NEW = "ana@clinic.example"


@pytest.fixture
async def ana(platform: Platform) -> User:
    user = await people.member()
    user.password_hash = await passwords.hashed(PASSWORD)
    await user.save()
    return user


async def mails(parts: Parts, count: int) -> list[letters.Letter]:
    """All mails, once so many have gone out."""
    return await eventually(
        lambda: asyncio.sleep(0, parts.post.letters if len(parts.post.letters) >= count else [])
    )


async def mailed_token(parts: Parts, count: int = 1) -> str:
    found = re.search(r"/confirm-email\?token=(\S+)", (await mails(parts, count))[-1].body)
    assert found
    return found[1]


async def test_the_new_address_confirms_and_the_old_one_hears_of_it(
    platform: Platform, parts: Parts, ana: User
) -> None:
    session = await tokens.issue(ana, TokenPurpose.SESSION)
    reset = await tokens.issue(ana, TokenPurpose.RESET_PASSWORD)
    await platform.addressing.request_change(ana, "Ana@Clinic.example", PASSWORD)
    token = await mailed_token(parts)
    assert parts.post.letters[0].to == (NEW,)
    assert (await User.get()).email == ana.email

    moved = await platform.addressing.confirm(token)
    assert (moved.id, moved.email) == (ana.id, NEW)
    assert await platform.accounts.authenticate(session) is None
    assert await refusal(platform.accounts.reset_password(reset, PASSWORD)) == Code.TOKEN_EXPIRED
    assert await refusal(platform.addressing.confirm(token)) == Code.TOKEN_EXPIRED
    assert await refusal(platform.accounts.sign_in(ana.email, PASSWORD)) == Code.BAD_CREDENTIALS
    _, user = await platform.accounts.sign_in(NEW, PASSWORD)
    assert user.id == ana.id
    assert (await mails(parts, 2))[1] == letters.email_changed(ana.email, "Ana", "en")
    await eventually(no_notice)
    assert (TrailKind.EMAIL_CHANGED, ana.id, {"User": ana.id}, None) in await told()


async def no_notice() -> bool:
    return not await Notice.exists()


async def test_events_carry_no_address(platform: Platform, parts: Parts, ana: User) -> None:
    await platform.addressing.request_change(ana, NEW, PASSWORD)
    await platform.addressing.confirm(await mailed_token(parts))
    await mails(parts, 2)
    assert "example" not in str(await JournalEntry.all().values_list("payload", flat=True))


async def test_of_an_address_that_somebody_has_that_somebody_hears_alone(
    platform: Platform, parts: Parts, ana: User
) -> None:
    eva = await people.member("eva@hospital.example")
    await platform.addressing.request_change(ana, eva.email, PASSWORD)
    assert await mails(parts, 1) == [letters.email_in_use(eva.email, "Eva", "en")]
    assert not await Token.exists()


async def test_whoever_asks_waits_for_the_same_for_any_address(platform: Platform, ana: User) -> None:
    taken, eva = [], await people.member("eva@hospital.example")
    await platform.addressing.request_change(ana, NEW, PASSWORD)  # which alone begins the counts
    for address in (eva.email, "else@clinic.example", eva.email, NEW):
        with counted() as statements:
            await platform.addressing.request_change(ana, address, PASSWORD)
            taken.append([statement.partition(" ")[0] for statement in statements])
    assert taken == [taken[0]] * 4
    assert "INSERT" in taken[0]


async def test_an_address_that_somebody_takes_meanwhile_is_taken(
    platform: Platform, parts: Parts, ana: User
) -> None:
    await platform.addressing.request_change(ana, NEW, PASSWORD)
    token = await mailed_token(parts)
    await people.member(NEW)
    assert await refusal(platform.addressing.confirm(token)) == Code.EMAIL_TAKEN
    assert (await User.get(id=ana.id)).email == ana.email
    assert await tokens.find(token, TokenPurpose.CHANGE_EMAIL)  # nothing was used up


async def test_the_last_request_counts(platform: Platform, parts: Parts, ana: User) -> None:
    await platform.addressing.request_change(ana, "typo@clinic.example", PASSWORD)
    first = await mailed_token(parts)
    await platform.addressing.request_change(ana, NEW, PASSWORD)
    second = await mailed_token(parts, 2)
    assert await refusal(platform.addressing.confirm(first)) == Code.TOKEN_EXPIRED
    assert (await platform.addressing.confirm(second)).email == NEW


async def test_nobody_who_has_moved_meanwhile_is_moved_back(
    platform: Platform, parts: Parts, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await platform.addressing.request_change(ana, NEW, PASSWORD)
    token, before = await mailed_token(parts), await User.get()
    await platform.addressing.confirm(token)
    letters_so_far = len(await mails(parts, 2))

    # What was begun before the move and read the account then: another change, and a reset of the password.
    await platform.addressing.request_change(before, "third@clinic.example", PASSWORD)
    monkeypatch.setattr(User, "get_or_none", lambda **_: asyncio.sleep(0, before))
    await platform.accounts.claim_password_reset(PasswordResetAsked(before.id))
    monkeypatch.undo()
    assert (await User.get()).email == NEW
    assert not await Token.exists()
    await asyncio.sleep(0.2)
    assert len(parts.post.letters) == letters_so_far


def meanwhile(doing: Awaitable[object], monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Task[object]]:
    """Has it done, as far as it gets, after a reaction has read the account and before it issues a token."""
    begun: list[asyncio.Task[object]] = []
    outside, issue = copy_context(), tokens.issue

    async def carry_out() -> object:
        return await doing

    async def slowly(user: User, purpose: TokenPurpose, **details: str | None) -> str:
        if not begun:
            begun.append(asyncio.create_task(carry_out(), context=outside))  # of no transaction
            await asyncio.wait(begun, timeout=0.5)
        return await issue(user, purpose, **details)

    monkeypatch.setattr(tokens, "issue", slowly)
    return begun


def links_to(parts: Parts, address: str) -> list[str]:
    """The tokens of what was mailed there."""
    bodies = [letter.body for letter in parts.post.letters if letter.to == (address,)]
    return [link[1] for body in bodies if (link := re.search(r"\?token=(\S+)", body))]


async def test_no_good_link_goes_to_an_address_that_the_account_leaves_meanwhile(
    platform: Platform, parts: Parts, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await platform.addressing.request_change(ana, NEW, PASSWORD)
    begun = meanwhile(platform.addressing.confirm(await mailed_token(parts)), monkeypatch)
    await platform.accounts.send_password_reset(PasswordResetRequested(ana.id))
    await begun[0]
    assert (await User.get()).email == NEW
    (link,) = links_to(parts, ana.email)
    assert await tokens.find(link, TokenPurpose.RESET_PASSWORD) is None


async def test_nor_to_one_that_is_asked_for_no_more(
    platform: Platform, parts: Parts, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    typo = "typo@clinic.example"
    monkeypatch.setattr(passwords, "matches", lambda *_: asyncio.sleep(0, True))  # in no time
    await tokens.issue(ana, TokenPurpose.CHANGE_EMAIL, email=typo)
    begun = meanwhile(platform.addressing.request_change(ana, NEW, PASSWORD), monkeypatch)
    await platform.addressing.send_link(EmailChangeRequested(ana.id))
    await begun[0]
    (link,) = links_to(parts, typo)
    assert await tokens.find(link, TokenPurpose.CHANGE_EMAIL) is None


async def test_what_is_wrong_is_told(platform: Platform, ana: User) -> None:
    change = platform.addressing.request_change
    assert await refusal(change(ana, "no address", PASSWORD)) == Code.INVALID
    assert await refusal(change(ana, "ANA@hospital.example", PASSWORD)) == Code.INVALID
    assert await refusal(platform.addressing.confirm("made up")) == Code.TOKEN_EXPIRED
    with pytest.raises(Unauthenticated):
        await change(None, NEW, PASSWORD)


async def test_a_session_alone_is_not_enough(platform: Platform, parts: Parts, ana: User) -> None:
    for _ in range(AT_ACCOUNT.points):
        guess = platform.addressing.request_change(ana, NEW, "wrong", "192.0.2.1")
        assert await refusal(guess) == Code.BAD_CREDENTIALS
    with pytest.raises(TooMany):
        await platform.addressing.request_change(ana, NEW, PASSWORD, "192.0.2.1")
    assert not parts.post.letters


async def test_of_two_who_confirm_at_once_one_does(platform: Platform, parts: Parts, ana: User) -> None:
    await platform.addressing.request_change(ana, NEW, PASSWORD)
    token = await mailed_token(parts)
    both = [platform.addressing.confirm(token) for _ in range(2)]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["Refused", "User"]
    assert not any(isinstance(one, Exception) and not isinstance(one, Refused) for one in outcomes)


async def test_the_link_of_somebody_who_has_left_is_not_mailed(platform: Platform, ana: User) -> None:
    await platform.addressing.send_link(EmailChangeRequested(ana.id))
    await platform.addressing.send_link(EmailChangeRequested(10**9))
