"""A process that notes and seals: ``python -m tests.noting URL COUNT ACTOR``."""

from __future__ import annotations

import asyncio
import sys

from services import sealing
from services.trail import note
from store.database import atomically, open_database
from store.tables import TrailKind, User

AT_ONCE = 5


async def main(url: str, count: int, actor: int) -> None:
    """Notes ``count`` labels of a user, some at once, and seals all along."""
    by, numbers = User(id=actor), iter(range(count))
    async with open_database(url):

        async def write() -> None:
            for number in numbers:
                await atomically(lambda n=number: note(TrailKind.LABEL_SUBMITTED, by, Label=n, Image=n))

        async def seal() -> None:
            while True:
                await sealing.seal()
                await asyncio.sleep(0)

        sealer = asyncio.create_task(seal())
        await asyncio.gather(*(write() for _ in range(AT_ONCE)))
        while await sealing.seal():
            pass
        sealer.cancel()
        (outcome,) = await asyncio.gather(sealer, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError), outcome


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
