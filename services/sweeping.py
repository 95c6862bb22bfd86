"""Removing what a process that died, or a request that broke off, left behind, and what is too old."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services import attempts, tallies
from services.journal import DatabaseJournal
from services.keys import CHECKPOINTS, FEATURES, HEATMAPS, PIXELS, THUMBNAILS, features_key, image_key, run_of
from services.retention import Retention
from store.blobs import Blobs
from store.tables import Image, TrainingRun

EVERY_SECONDS = 3600.0
GRACE = timedelta(hours=1)
"""How long a blob may lie there before its row: far longer than any upload takes."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sweeping:
    """Blobs of no image or half written, features by an earlier network, what trainers long gone have left.

    Events in the journal are kept for ``events_kept``; a cursor from before that has expired.
    """

    blobs: Blobs
    scratch: Path
    journal: DatabaseJournal | None
    events_kept: timedelta
    retention: Retention | None = None
    """None where nothing is deleted for its age."""

    async def serve(self) -> None:
        """Sweep at once and every hour; what fails is tried again the next time."""
        while True:
            for sweep in self._sweeps():
                try:
                    await sweep()
                except Exception:
                    logger.exception("sweeping failed, trying again in an hour")
            await asyncio.sleep(EVERY_SECONDS)

    def _sweeps(self) -> Iterator[Callable[[], Awaitable[None]]]:
        yield from (self.sweep_blobs, self.sweep_checkpoints, self.sweep_scratch, self.sweep_events)
        yield tallies.forget
        if self.retention:
            yield self.retention.sweep

    async def sweep_blobs(self) -> None:
        """Remove what is older than an hour: what belongs to no image, and blobs half written."""
        oldest = datetime.now(UTC) - GRACE
        await self.blobs.remove_unfinished(oldest)
        for room in (PIXELS, FEATURES, HEATMAPS, THUMBNAILS):
            async for found in self.blobs.list(room):
                await self._remove_orphans([blob.key for blob in found if blob.modified < oldest])

    async def _remove_orphans(self, keys: list[str]) -> None:
        images = await Image.filter(key__in=[image_key(key) for key in keys]).only("id", "key", "features")
        owners = {image.key: image for image in images}
        orphans = [key for key in keys if not _is_owned(key, owners.get(image_key(key)))]
        await self.blobs.delete(orphans)
        if orphans:
            logger.warning("removed %d blobs that belonged to no image", len(orphans))

    async def sweep_checkpoints(self) -> None:
        """Remove those of runs that are over: a run that is under way may be taken over, however late."""
        keys = [blob.key async for found in self.blobs.list(CHECKPOINTS) for blob in found]
        if not keys:
            return
        run = await TrainingRun.active()  # asked for afterwards: a run is there before its checkpoints
        await self.blobs.delete([key for key in keys if run is None or run_of(key) != run.id])

    async def sweep_scratch(self) -> None:
        """Remove the folders of runs that are over; those of one under way hold its logs at the least."""
        folders = await asyncio.to_thread(lambda: list(self.scratch.glob("run-*")))
        if not folders:
            return
        run = await TrainingRun.active()  # asked for afterwards: a run is there before it has a folder
        alive = attempts.prefix(run.id) if run is not None else None
        for folder in folders:
            if alive is None or not folder.name.startswith(alive):
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def sweep_events(self) -> None:
        """Drop the events that are no longer kept."""
        if self.journal is None:
            return
        if dropped := await self.journal.forget(datetime.now(UTC) - self.events_kept):
            logger.info("dropped %d events that were over %d days old", dropped, self.events_kept.days)


def _is_owned(key: str, owner: Image | None) -> bool:
    """Features are an image's while it names their network: those of the last are left by a crash."""
    if owner is None or not key.startswith(f"{FEATURES}/"):
        return owner is not None
    return owner.features is not None and key == features_key(owner.features, owner.key)
