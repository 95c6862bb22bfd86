"""Guesses at passwords and codes: those that are made and wrong count, and no others."""

import pytest

from services import tallies
from services.door import AT_ACCOUNT, CODES, FROM_ADDRESS, Door
from services.errors import TooMany
from services.marks import Marks
from store.tables import Tally

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "time", lambda: 1_800_000_000.0)


@pytest.fixture
def door() -> Door:
    return Door()


async def guess(door: Door, account: str, source: str = "192.0.2.1", *, right: bool = False) -> bool:
    """Whether it could be made."""
    try:
        async with door.guess(source, account):
            if not right:
                raise PermissionError
    except TooMany:
        return False
    except PermissionError:
        pass
    return True


async def guesses(door: Door, account: str, times: int) -> list[bool]:
    return [await guess(door, account) for _ in range(times)]


async def test_a_wrong_one_counts_and_a_right_one_does_not(door: Door) -> None:
    assert all(await guesses(door, "ana", AT_ACCOUNT.points - 1))
    for _ in range(5):
        assert await guess(door, "ana", right=True)
    assert await guesses(door, "ana", 3) == [True, False, False]


async def test_one_that_is_not_made_counts_nowhere(door: Door) -> None:
    """Neither against the others at that address, nor against the account, nor in the table."""
    await guesses(door, "ana", AT_ACCOUNT.points)
    assert not any(await guesses(door, "ana", FROM_ADDRESS.points))
    others = [await guess(door, f"user {n}") for n in range(FROM_ADDRESS.points)]
    assert others.count(True) == FROM_ADDRESS.points - AT_ACCOUNT.points
    known = await Tally.all().count()
    assert not any([await guess(door, f"made-up {n}") for n in range(20)])
    assert await Tally.all().count() == known


async def test_it_counts_whichever_process_it_comes_to() -> None:
    """Those who share a key share the marks; a server that is started anew goes on counting."""
    doors = [Door(Marks(b"shared")) for _ in range(2)]
    made = [await guess(doors[n % 2], "ana") for n in range(AT_ACCOUNT.points + 4)]
    assert made == [True] * AT_ACCOUNT.points + [False] * 4
    assert not await guess(Door(Marks(b"shared")), "ana")


async def test_codes_are_counted_by_account(door: Door) -> None:
    for _ in range(CODES.points):
        with pytest.raises(PermissionError):
            async with door.code(7):
                raise PermissionError
    with pytest.raises(TooMany):
        async with door.code(7):
            pass
    async with door.code(8):
        pass


async def test_the_table_names_nobody(door: Door) -> None:
    await guess(door, "ana@hospital.example", "192.0.2.1")
    await door.letter("192.0.2.1")
    kept = [tally.key for tally in await Tally.all()]
    assert len(kept) == 4
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in kept)
