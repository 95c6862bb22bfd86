"""What anybody may try before signing in, and how often: guesses at passwords, and what sends mail.

Each try counts by itself, however many come in one request, and whichever process it comes to.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from services import passwords, tallies
from services.errors import Code, Refused, TooMany, refuse
from services.marks import Marks
from services.throttle import Rate
from store.tables import User

AT_ACCOUNT = Rate(10, 600)
"""Wrong guesses at one account from one address."""
FROM_ADDRESS = Rate(50, 600)
"""Wrong guesses from one address, at whatever accounts: a hospital may have one for all."""
AT_ACCOUNT_FROM_ANYWHERE = Rate(100, 3600)
"""Wrong guesses at one account from many addresses. Its owner waits too, which is the lesser evil."""
CODES = Rate(10, 36000)
"""Wrong codes of a second factor at one account from anywhere, by whoever knows its password: three of a
million are right at a time."""
LETTERS = Rate(20, 1200)
"""What one address may cause to be mailed: confirmations, resets and messages to the administrators. A form
to sign up counts as well where it is refused, since it tells whether somebody has the address."""

security = logging.getLogger("security")


@dataclass(frozen=True)
class Door:
    """Counts tries by the address that they come from and by the account that they are at.

    What is counted, and told in the log, are marks in place of both: the same ones from all who share a key.
    """

    marks: Marks = field(default_factory=lambda: Marks(secrets.token_bytes(32)))

    @asynccontextmanager
    async def guess(self, source: str, account: str) -> AsyncIterator[None]:
        """Around one guess at a password; one that turns out right does not count, nor one that is not made.

        Raises:
            TooMany: the guess must not be made now.
        """
        counts = {
            f"guesses of {source}": FROM_ADDRESS,
            f"guess {source} {account}": AT_ACCOUNT,
            f"guesses at {account}": AT_ACCOUNT_FROM_ANYWHERE,
        }
        try:
            async with self._counted(counts):
                yield
        except (Refused, TooMany) as error:
            self._tell(error, source, account)
            raise

    @asynccontextmanager
    async def code(self, user_id: int) -> AsyncIterator[None]:
        """Around one guess at the second factor of somebody whose password is known; as `guess`.

        Raises:
            TooMany: the guess must not be made now.
        """
        async with self._counted({f"codes at {user_id}": CODES}):
            yield

    def _tell(self, error: Refused | TooMany, source: str, account: str) -> None:
        """Whoever reads the log can count, and cannot tell whose account it is."""
        code = error.problems[0].code if isinstance(error, Refused) else Code.RATE_LIMITED
        marks = {"account": self.marks.of(account), "source": self.marks.of(source)}
        security.warning("refused at the door", extra={"fields": {"code": code.value, **marks}})

    async def prove(self, source: str, user: User, password: str) -> None:
        """See that whoever is signed in knows the password, too.

        Raises:
            Refused: BAD_CREDENTIALS.
            TooMany: the guess must not be made now.
        """
        async with self.guess(source, user.email):
            if not await passwords.matches(password, user.password_hash):
                raise wrong_password()

    async def letter(self, source: str) -> None:
        """Before something that makes us send a mail.

        Raises:
            TooMany: no more for now.
        """
        await tallies.take(self.marks.whole(f"letters of {source}"), LETTERS)

    @asynccontextmanager
    async def _counted(self, counts: dict[str, Rate]) -> AsyncIterator[None]:
        async with AsyncExitStack() as taken:
            for name, rate in counts.items():
                key = self.marks.whole(name)
                await tallies.take(key, rate)  # before it is known: many come at the same time
                taken.push_async_callback(tallies.give_back, key, rate)
            back = taken.pop_all()
        yield
        await back.aclose()


def wrong_password() -> Refused:
    return refuse(Code.BAD_CREDENTIALS, "the password is wrong", "password")
