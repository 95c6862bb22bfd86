"""What anybody may try before signing in, and how often: guesses at passwords, and what sends mail.

Each try counts by itself, however many come in one request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from services.throttle import Rate, Throttle

AT_ACCOUNT = Rate(10, 600)
"""Wrong guesses at one account from one address."""
FROM_ADDRESS = Rate(50, 600)
"""Wrong guesses from one address, at whatever accounts: a hospital may have one for all."""
AT_ACCOUNT_FROM_ANYWHERE = Rate(100, 3600)
"""Wrong guesses at one account from many addresses. Its owner waits too, which is the lesser evil."""
LETTERS = Rate(20, 1200)
"""What one address may cause to be mailed: confirmations, resets and messages to the administrators."""


@dataclass(frozen=True)
class Door:
    """Counts tries by the address that they come from and by the account that they are at."""

    throttle: Throttle

    @contextmanager
    def guess(self, source: str, account: str) -> Iterator[None]:
        """Around one guess at a password; one that turns out right does not count, nor one that is not made.

        Raises:
            TooMany: the guess must not be made now.
        """
        counts = {
            f"guesses of {source}": FROM_ADDRESS,
            f"guess {source} {account}": AT_ACCOUNT,
            f"guesses at {account}": AT_ACCOUNT_FROM_ANYWHERE,
        }
        with ExitStack() as taken:
            for key, rate in counts.items():
                self.throttle.take(key, rate)  # before it is known: many come at the same time
                taken.callback(self.throttle.give_back, key, rate)
            back = taken.pop_all()
        yield
        back.close()

    def letter(self, source: str) -> None:
        """Before something that makes us send a mail.

        Raises:
            TooMany: no more for now.
        """
        self.throttle.take(f"letters of {source}", LETTERS)
