"""The checkpoints of a training run among the blobs, where whoever takes the run over finds them."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path

from services.keys import checkpoint_key, checkpoints_of, name_of
from store.blobs import Blobs

logger = logging.getLogger(__name__)


@dataclass
class RunCheckpoints:
    """Those of one run: brought to the folder of an attempt, and kept as its trainer writes them there.

    Which of them is of the training under way, if any, the trainer knows by its name. Without them a run is
    as good, and takes longer: one that cannot be kept now is tried again with the next step.
    """

    blobs: Blobs
    run_id: int
    folder: Path
    _kept: dict[str, int] = field(default_factory=dict)
    """By name, when the file that is kept was written, in nanoseconds."""

    async def bring(self) -> bool:
        """Put those of earlier attempts into the folder; whether there are any."""
        self.folder.mkdir()
        keys = await _keys(self.blobs, checkpoints_of(self.run_id))
        for key, data in zip(keys, await self.blobs.get_all(keys), strict=True):
            if data is not None:
                file = self.folder / name_of(key)
                await asyncio.to_thread(file.write_bytes, data)
                self._kept[file.name] = file.stat().st_mtime_ns
        return bool(keys)

    async def keep(self) -> None:
        """Keep what the trainer has written since."""
        try:
            for file in self.folder.glob("*.safetensors"):
                written = file.stat().st_mtime_ns
                if self._kept.get(file.name) != written:
                    data = await asyncio.to_thread(file.read_bytes)
                    await self.blobs.put(checkpoint_key(self.run_id, file.name), data)
                    self._kept[file.name] = written
        except Exception:
            logger.warning("run %d: a checkpoint could not be kept", self.run_id, exc_info=True)


async def forget(blobs: Blobs, run_id: int) -> None:
    """Remove those of a run that is over."""
    await blobs.delete(await _keys(blobs, checkpoints_of(run_id)))


async def _keys(blobs: Blobs, folder: str) -> list[str]:
    return [blob.key async for found in blobs.list(folder) for blob in found]
