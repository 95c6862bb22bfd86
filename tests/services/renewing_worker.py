"""A worker of the tests: `covidxr worker` with a stand-in for another network, which keeps a tally.

COVIDXR_… python -m tests.services.renewing_worker TALLY
"""

import asyncio
import hashlib
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from api.settings import Settings
from api.wiring import running
from ml.recipes import Prepared
from tests.stand_ins import EverySecondPixel, default_model, parts

NEW = "darker/test"
SECONDS = 0.05
"""An image takes as long."""


class Slow(EverySecondPixel):
    """Another network, half as bright."""

    name = NEW

    def __init__(self, tally: Path) -> None:
        self._tally = tally

    def extract(self, images: Sequence[Prepared]) -> np.ndarray:
        time.sleep(SECONDS * len(images))
        with self._tally.open("a") as tally:
            for image in images:
                print(hashlib.sha256(image.pixels.tobytes()).hexdigest(), file=tally)
        return super().extract(images) / 2


async def main() -> None:
    """Work until killed."""
    own = parts(extractor=Slow(Path(sys.argv[1])), default_model=replace(default_model(), extractor=NEW))
    async with running(Settings(), own):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
