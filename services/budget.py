"""What operations may cost a minute: of each user, and of each address of those who are not signed in."""

from __future__ import annotations

from dataclasses import dataclass

from services.throttle import Rate, Throttle

SECONDS = 60.0


@dataclass(frozen=True)
class Budget:
    """So many points a minute; they come back evenly. 0 is no limit."""

    throttle: Throttle
    points: int

    def spend(self, spender: str, points: int) -> None:
        """Take points from what the spender has left.

        Raises:
            TooMany: there are too few, and nothing was taken.
        """
        if self.points:
            self.throttle.take(f"budget {spender}", Rate(self.points, SECONDS), points)
