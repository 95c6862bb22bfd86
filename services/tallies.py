"""As `services.throttle`, of all processes that share a database, and beyond their end."""

from __future__ import annotations

from time import time

from tortoise.exceptions import IntegrityError
from tortoise.expressions import F

from services.errors import TooMany
from services.throttle import Rate
from store.tables import Tally

ATTEMPTS = 5
"""How often a tally is looked at that others change at this very moment."""


async def take(key: str, rate: Rate) -> None:
    """Take one of what the key has left.

    Raises:
        TooMany: there is none, and nothing was taken.
    """
    wait = 0.0
    for _ in range(ATTEMPTS):
        now = time()
        if await _taken(key, rate, now):
            return
        tally = await Tally.get_or_none(key=key)
        if tally is None:
            try:
                await Tally.create(key=key, whole_at=now + rate.interval)
            except IntegrityError:  # another has just made it
                continue
            return
        # Later than ever by this rate, it was written by a clock that went wrong.
        latest = now + rate.seconds
        await Tally.filter(key=key, whole_at__gt=latest).update(whole_at=latest)
        if (wait := min(tally.whole_at, latest) + rate.interval - latest) > 0:
            break
    raise TooMany(max(wait, 1.0))


async def _taken(key: str, rate: Rate, now: float) -> bool:
    """By one statement each, so that of many at once no two take the same."""
    whole = Tally.filter(key=key, whole_at__lte=now)
    if await whole.update(whole_at=now + rate.interval):
        return True
    some_left = Tally.filter(key=key, whole_at__gt=now, whole_at__lte=now + rate.seconds - rate.interval)
    return bool(await some_left.update(whole_at=F("whole_at") + rate.interval))


async def give_back(key: str, rate: Rate) -> None:
    """What turned out not to count."""
    await Tally.filter(key=key).update(whole_at=F("whole_at") - rate.interval)


async def forget() -> None:
    """Remove what has come back in whole."""
    await Tally.filter(whole_at__lte=time()).delete()
