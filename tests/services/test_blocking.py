"""Keeping a user out, and letting the user in again."""

import asyncio
from collections.abc import Awaitable

import pytest

from services import passwords, tokens
from services.errors import Code, Forbidden, Refused
from services.platform import Platform
from store.tables import Role, TokenPurpose, User
from tests.people import admin, member

PASSWORD = "correct horse battery"


async def refusal(doing: Awaitable[object]) -> tuple[Code, str | None]:
    with pytest.raises(Refused) as refused:
        await doing
    (problem,) = refused.value.problems
    return problem.code, problem.field


async def test_a_blocked_user_is_out_until_let_in_again(platform: Platform) -> None:
    ana, chief = await member(), await admin()
    await User.filter(id=ana.id).update(password_hash=await passwords.hashed(PASSWORD))
    session = await tokens.issue(ana, TokenPurpose.SESSION)
    blocked = await platform.blocking.block(chief, ana.id, " spam ")
    assert (blocked.block_reason, blocked.blocked_at is not None) == ("spam", True)
    assert await platform.accounts.authenticate(session) is None
    assert await refusal(platform.accounts.sign_in(ana.email, PASSWORD)) == (Code.BLOCKED, None)
    wrong = platform.accounts.sign_in(ana.email, "another password")
    assert await refusal(wrong) == (Code.BAD_CREDENTIALS, None), "to strangers it is not told"

    let_in = await platform.blocking.unblock(chief, ana.id)
    assert (let_in.blocked_at, let_in.block_reason) == (None, None)
    assert await platform.accounts.authenticate(session) is None, "the old sessions have ended"
    token, _ = await platform.accounts.sign_in(ana.email, PASSWORD)
    assert await platform.accounts.authenticate(token) == ana


async def test_who_cannot_be_blocked_and_who_cannot_block(platform: Platform) -> None:
    ana, chief = await member(), await admin()
    block = platform.blocking.block
    assert await refusal(block(chief, chief.id, "r")) == (Code.CONFLICT, "id")
    assert await refusal(block(chief, 10**17, "r")) == (Code.NOT_FOUND, "id")
    assert await refusal(block(chief, ana.id, " ")) == (Code.REQUIRED, "reason")
    assert await refusal(platform.blocking.unblock(chief, 10**17)) == (Code.NOT_FOUND, "id")
    with pytest.raises(Forbidden):
        await block(ana, chief.id, "r")
    with pytest.raises(Forbidden):
        await platform.blocking.unblock(ana, ana.id)
    assert not await User.filter(blocked_at__isnull=False).exists()


async def test_of_two_administrators_who_block_each_other_one_stays(platform: Platform) -> None:
    first, second = await admin(), await admin("second@hospital.example")
    outcomes = await asyncio.gather(
        platform.blocking.block(first, second.id, "r"),
        platform.blocking.block(second, first.id, "r"),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 1
    assert await User.admins().count() == 1


async def test_the_last_administrator_who_can_sign_in_stays_one(platform: Platform) -> None:
    first, second = await admin(), await admin("second@hospital.example")
    await platform.blocking.block(first, second.id, "r")
    demoting = platform.accounts.set_role(first, first.id, Role.MEMBER)
    assert await refusal(demoting) == (Code.CONFLICT, "role")


async def test_nor_does_one_count_whose_address_is_not_confirmed(platform: Platform) -> None:
    first, second = await admin(), await admin("second@hospital.example")
    await User.filter(id=second.id).update(email_verified_at=None)
    demoting = platform.accounts.set_role(first, first.id, Role.MEMBER)
    assert await refusal(demoting) == (Code.CONFLICT, "role")


async def test_whoever_runs_the_machine_lets_anybody_in(platform: Platform) -> None:
    ana, chief = await member(), await admin()
    await platform.blocking.block(chief, ana.id, "r")
    made = await platform.accounts.create_admin(ana.email, PASSWORD)
    assert made.blocked_at is None
