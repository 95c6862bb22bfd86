"""How many connections that stay open anybody may hold here at once: sockets and streams together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from schema.context import Session

PER_USER: Final = 40
"""A browser's tab has one or two, and a ward's machines share an account at times."""
PER_ADDRESS: Final = 100
"""Of nobody known, who may be all of a hospital; a socket counts there until its token is known."""
TOO_MANY: Final = 4411
"""The close code of a socket too many; a stream too many has status 429."""
RETRY_SECONDS: Final = 10


class NoSeat(Exception):
    """Whoever asks holds as many as may be; the message says how many that is."""


@dataclass(frozen=True)
class Holder:
    """Who holds connections, and how many that may be."""

    name: str
    most: int


def holder_of(session: Session) -> Holder:
    """The user who is signed in, or the address of anybody else."""
    return Holder(session.spender, PER_USER if session.viewer else PER_ADDRESS)


class Seats:
    """Those of one process."""

    def __init__(self) -> None:
        self._taken: Counter[Holder] = Counter()

    def take(self, holder: Holder) -> Seat:
        """A seat for one more connection.

        Raises:
            NoSeat: there is none left.
        """
        if self._taken[holder] >= holder.most:
            raise NoSeat(f"at most {holder.most} sockets and streams at once: close one")
        self._taken[holder] += 1
        return Seat(self, holder)

    def free(self, holder: Holder) -> None:
        self._taken[holder] -= 1
        if not self._taken[holder]:
            del self._taken[holder]  # or every address that ever asked would be kept

    def __len__(self) -> int:
        return self._taken.total()


class Seat:
    """One connection's; it is left once."""

    def __init__(self, seats: Seats, holder: Holder) -> None:
        self._seats, self._holder = seats, holder

    def move(self, holder: Holder) -> None:
        """Count for somebody else, now that it is known who asks; without a seat there, as before.

        Raises:
            NoSeat: there is none left for the other.
        """
        if holder != self._holder:
            self._seats.take(holder)
            self._seats.free(self._holder)
            self._holder = holder

    def leave(self) -> None:
        self._seats.free(self._holder)
