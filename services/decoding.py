"""Where image files are decoded: in threads of their own, so few that memory stays bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

THREADS = 2
"""Pictures decoded at the same time by a process; a lawful one may take some hundred megabytes."""


class Decoding:
    """The threads that decode for a whole process: nothing else, such as signing in, waits for them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="decoding")

    async def run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, run in one of the threads when its turn has come."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
