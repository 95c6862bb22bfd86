"""Guesses at passwords and codes: those that are made and wrong count, and no others."""

import pytest

from services.door import AT_ACCOUNT, CODES, FROM_ADDRESS, Door
from services.errors import TooMany
from services.throttle import KEPT, Throttle


@pytest.fixture
def door() -> Door:
    return Door(Throttle(lambda: 1000.0))


def guess(door: Door, account: str, source: str = "192.0.2.1", *, right: bool = False) -> bool:
    """Whether it could be made."""
    try:
        with door.guess(source, account):
            if not right:
                raise PermissionError
    except TooMany:
        return False
    except PermissionError:
        pass
    return True


def test_a_wrong_one_counts_and_a_right_one_does_not(door: Door) -> None:
    for _ in range(AT_ACCOUNT.points - 1):
        assert guess(door, "ana")
    for _ in range(5):
        assert guess(door, "ana", right=True)
    assert [guess(door, "ana") for _ in range(3)] == [True, False, False]


def test_one_that_is_not_made_counts_nowhere(door: Door) -> None:
    """Neither against the others at that address, nor against the account, nor in memory."""
    for _ in range(AT_ACCOUNT.points):
        guess(door, "ana")
    assert not any(guess(door, "ana") for _ in range(FROM_ADDRESS.points))
    others = [guess(door, f"user {n}") for n in range(FROM_ADDRESS.points)]
    assert others.count(True) == FROM_ADDRESS.points - AT_ACCOUNT.points
    known = len(door.throttle._whole_at)
    assert not any(guess(door, f"made-up {n}") for n in range(100))
    assert len(door.throttle._whole_at) == known


def test_however_many_strangers_come_codes_stay_counted(door: Door) -> None:
    """Each of them makes a key, and a throttle keeps so many."""
    for _ in range(CODES.points):
        with pytest.raises(PermissionError), door.code(7):
            raise PermissionError
    for number in range(KEPT + 1):
        door.letter(f"source {number}")
    with pytest.raises(TooMany), door.code(7):
        pass
