"""Whether the parts answer that serving needs: each asked apart, briefly, once for all who want to know."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from events.log import EventLog
from services import lookups
from store.blobs import Blobs
from store.tables import ModelVersion

PART_SECONDS: Final = 3.0
"""How long any part is waited for, and so all of them together: they are asked at the same time."""
LOOK_SECONDS: Final = 1.0
"""They are asked no oftener than this, however many want to know."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ready:
    """Which parts answer, and the number of the model in service; None where there is none or nobody says."""

    database: bool
    storage: bool
    events: bool
    model: int | None

    @property
    def ready(self) -> bool:
        """Whether people can be served.

        They can while the events are away: what is uploaded or labelled is committed with its events, and
        these are published once they can be.
        """
        return self.database and self.storage and self.model is not None


class Readiness:
    """The parts of one process."""

    def __init__(self, log: EventLog, blobs: Blobs) -> None:
        self._log, self._blobs = log, blobs
        self._looking: asyncio.Task[Ready] | None = None
        self._looked_at = 0.0
        self._away = set[str]()

    async def look(self) -> Ready:
        """How things are, or were within the last seconds."""
        looking = self._looking
        if looking is None or (looking.done() and monotonic() - self._looked_at >= LOOK_SECONDS):
            self._looked_at = monotonic()
            self._looking = looking = asyncio.create_task(self._look())
        return await asyncio.shield(looking)  # others wait for it as well

    async def _look(self) -> Ready:
        serving: ModelVersion | None = None

        async def ask_the_database() -> None:
            nonlocal serving
            serving = await lookups.model_in_service()

        database, storage, events = await asyncio.gather(
            self._answers("the database", ask_the_database),
            self._answers("the blob store", self._blobs.check),
            self._answers("what carries the events", self._log.check),
        )
        return Ready(database, storage, events, serving.number if serving else None)

    async def _answers(self, part: str, ask: Callable[[], Awaitable[None]]) -> bool:
        """Whether a part answers; the log has when it ceases to, with the reason, and when it does again."""
        try:
            async with asyncio.timeout(PART_SECONDS):
                await ask()
        except Exception:
            if part not in self._away:
                logger.exception("%s does not answer", part)
            self._away.add(part)
            return False
        if part in self._away:
            logger.warning("%s answers again", part)
            self._away.discard(part)
        return True
