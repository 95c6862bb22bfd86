"""Queries whose SQL is put together once find what they would find anew."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tortoise.transactions import in_transaction

from services.tokens import LIVE
from store.kept import MOST, Kept
from store.tables import Token, TokenPurpose, User
from tests.people import member
from tests.statements import counted

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime.now(UTC)


def people() -> Kept[User]:
    return Kept(User, lambda ids: User.filter(id__in=ids))


async def some(count: int) -> list[User]:
    return [await member(f"m{number}@hospital.example") for number in range(count)]


async def test_it_finds_the_rows_of_as_many_values_as_it_is_given() -> None:
    kept, users = people(), await some(4)
    for wanted in ([users[1].id], [users[0].id, users[3].id], [users[2].id, 0], [0]):
        found = await kept.rows(wanted)
        assert {user.id for user in found} == set(wanted) - {0}


async def test_the_sql_of_many_values_is_not_kept() -> None:
    kept, (user,) = people(), await some(1)
    for count in (1, MOST, MOST + 1, 3 * MOST):
        (found,) = await kept.rows([user.id, *range(-count + 1, 0)])
        assert found.id == user.id
    assert sorted(lengths for _, (lengths,) in kept._made) == [1, MOST]


async def test_of_an_empty_list_there_is_nothing_and_nothing_is_asked() -> None:
    await some(1)
    with counted() as statements:
        assert await people().rows([]) == []
    assert len(statements) == 0


async def test_rows_are_as_the_query_finds_them_and_can_be_saved() -> None:
    (user,) = await some(1)
    (found,) = await people().rows([user.id])
    expected = await User.get(id=user.id)
    assert vars(found) == vars(expected)
    found.name = "Other"
    await found.save()
    assert (await User.get(id=user.id)).name == "Other"


async def test_it_sees_what_the_transaction_around_it_has_written() -> None:
    kept, (user,) = people(), await some(1)
    await kept.rows([user.id])
    async with in_transaction():
        await User.filter(id=user.id).update(name="Within")
        (found,) = await kept.rows([user.id])
        assert found.name == "Within"


async def test_values_of_several_kinds_and_rows_that_come_along() -> None:
    users = await some(2)
    for number, user in enumerate(users):
        fields: dict[str, Any] = {
            "purpose": TokenPurpose.SESSION,
            "expires_at": NOW + timedelta(hours=number),
        }
        await Token.create(user=user, sha256=str(number) * 64, **fields)
    asked = TokenPurpose.SESSION, ["0" * 64, "1" * 64]
    both = await LIVE.rows(*asked, NOW - timedelta(minutes=1))
    (later,) = await LIVE.rows(*asked, NOW + timedelta(minutes=1))
    assert {token.user.email for token in both} == {user.email for user in users}
    assert later.user.email == users[1].email
    assert await LIVE.rows(TokenPurpose.RESET_PASSWORD, ["0" * 64], NOW) == []


async def test_values_in_another_order_than_the_querys_are_told_at_once() -> None:
    kept = Kept(User, lambda name, email: User.filter(email=email, name=name))
    with pytest.raises(AssertionError, match="the query uses"):
        await kept.rows("Ana", "ana@hospital.example")
