"""What users can do wrong, each with a stable code; the schema alone turns these into GraphQL."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType

from services.counting import count_of


class Code(StrEnum):
    """The codes of `UserError`."""

    INVALID = "INVALID"
    REQUIRED = "REQUIRED"
    TOO_LARGE = "TOO_LARGE"
    UNSUPPORTED_FORMAT = "UNSUPPORTED_FORMAT"
    CORRUPT_IMAGE = "CORRUPT_IMAGE"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    BAD_CREDENTIALS = "BAD_CREDENTIALS"
    SECOND_FACTOR_REQUIRED = "SECOND_FACTOR_REQUIRED"
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"
    BLOCKED = "BLOCKED"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    ALREADY_RUNNING = "ALREADY_RUNNING"
    NOT_ENOUGH_LABELS = "NOT_ENOUGH_LABELS"
    RATE_LIMITED = "RATE_LIMITED"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True)
class Problem:
    """One thing wrong; ``field`` names the place in the input, None for the whole."""

    code: Code
    message: str
    field: str | None = None


class Refused(Exception):
    """A use case that was not carried out, and everything that stood in its way."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


class Checks:
    """Checks of one form, each in a ``with`` block of its own: what one refuses keeps none from being made.

    Args:
        problems: what is known to be wrong already.
    """

    def __init__(self, *problems: Problem) -> None:
        self._problems = list(problems)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Refused):
            return False
        self._problems += error.problems
        return True

    def end(self) -> None:
        """Go on where nothing is wrong.

        Raises:
            Refused: all that was refused, at once.
        """
        if self._problems:
            raise Refused(*self._problems)


class Unauthenticated(Exception):
    """Somebody has to sign in first."""


class Forbidden(Exception):
    """Somebody is signed in who may not do this."""


class SecondFactorRequired(Exception):
    """An administrator has to turn on a second factor first."""


class TooMany(Exception):
    """Somebody asks more often than allowed, or than can be done, and may come back after so many seconds."""

    def __init__(self, seconds: float, what: str = "too many requests") -> None:
        self.retry_after = math.ceil(seconds)
        super().__init__(f"{what}: try again in {in_words(self.retry_after)}")


def in_words(seconds: int) -> str:
    """A time to wait, for people."""
    return count_of(seconds, "second") if seconds < 120 else count_of(math.ceil(seconds / 60), "minute")


def refuse(code: Code, message: str, field: str | None = None) -> Refused:
    """A refusal for one reason."""
    return Refused(Problem(code, message, field))
