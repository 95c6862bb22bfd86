"""How often somebody may do something: so much at once, and as fast as it comes back.

Kept in the memory of this process: several would each allow as much, as `services.tallies` do not. Nothing
is awaited, since every operation comes by here twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from services.errors import TooMany

KEPT = 100_000
"""Keys; the one that was used longest ago is forgotten first."""


@dataclass(frozen=True)
class Rate:
    """So many points at once, and as many again within so many seconds, evenly."""

    points: int
    seconds: float

    @property
    def interval(self) -> float:
        """Seconds in which a point comes back."""
        return self.seconds / self.points


class Throttle:
    """Counts by key, with one number each: when all that was taken will have come back (GCRA)."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._whole_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str, rate: Rate, points: int = 1) -> None:
        """Take points from what the key has left; more than there ever are count as all of them.

        Raises:
            TooMany: there are too few, and nothing was taken.
        """
        now = self._clock()
        whole_at = max(self._whole_at.get(key, now), now) + min(points, rate.points) * rate.interval
        if (wait := whole_at - now - rate.seconds) > 1e-6:
            raise TooMany(wait)
        self._whole_at[key] = whole_at
        self._whole_at.move_to_end(key)
        if len(self._whole_at) > KEPT:
            self._whole_at.popitem(last=False)
