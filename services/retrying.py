"""Another try at images that were given up for a fault of ours, of which no event tells any more."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from events.messages import ImageUploaded
from services.diagnosis import Diagnosis
from store.tables import Image

FIRST_SECONDS = 10.0
"""After the start, which has other things to do."""
EVERY_SECONDS = 3600.0
ROUNDS = 3
"""Tries at an image each time: what never succeeds costs little."""
PAUSE_SECONDS = 20.0
"""Between rounds."""

logger = logging.getLogger(__name__)


class Retrying:
    """Of one process. Several may try the same image: it is judged once."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self._diagnosis = diagnosis
        self._asked = asyncio.Event()

    def soon(self) -> None:
        """Ask for another try before the hour is over."""
        self._asked.set()

    async def serve(self) -> None:
        """Try soon after the start, when asked and every hour; what fails is tried again the next time."""
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            self._asked.clear()
            try:
                await self.try_all()
            except Exception:
                logger.exception("trying again what was given up failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_SECONDS):
                    await self._asked.wait()

    async def try_all(self) -> None:
        """Try every image that was given up, a few times with pauses, one image at a time."""
        for left in reversed(range(ROUNDS)):
            await self._round()
            if not left or not await Image.given_up().exists():
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _round(self) -> None:
        last = 0
        while (image := await Image.given_up().filter(id__gt=last).order_by("id").first()) is not None:
            last = image.id
            try:
                await self._diagnosis.diagnose(ImageUploaded(image.id))
            except Exception as error:
                logger.warning("image %d: tried again in vain: %r", image.id, error)
