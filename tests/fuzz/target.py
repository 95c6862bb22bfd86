"""Something that takes bytes of strangers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

Try = Callable[[bytes], bool]
"""Whether an input was taken; raises where that is a finding."""


class Wrong(Exception):
    """An answer that nobody should get."""


@dataclass(frozen=True)
class Target:
    """How to try an input, and good ones to begin with; ``tokens`` are put into them here and there.

    ``watched`` are the packages in Python that read it: of them alone it is known what an input reaches. Each
    of their modules takes some 20 ms to begin with.
    """

    name: str
    opened: Callable[[], AbstractContextManager[Try]]
    seeds: Callable[[], Sequence[bytes]]
    watched: Sequence[str]
    tokens: Sequence[bytes] = ()
