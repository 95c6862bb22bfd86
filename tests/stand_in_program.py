"""`covidxr` on the stand-ins, which starts in seconds: `python -m tests.stand_in_program serve`.

What the environment says makes one process of many go wrong, or slow:
    COVIDXR_TEST_POISON   films of this brightness, 0 to 255, kill the process that reads them
    COVIDXR_TEST_PAUSE    seconds that a trainer takes for each of its two epochs
    COVIDXR_TEST_LEASE    seconds after which a job goes to another where nothing is heard of its worker
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

import numpy as np

from api import cli, wiring
from api.mail import post_of
from api.settings import Settings
from events import jetstream
from ml.recipes import Prepared
from tests import stand_ins

PROGRAM = [sys.executable, "-m", "tests.stand_in_program"]
NEAR = 2.0


class Poisonable(stand_ins.EverySecondPixel):
    """Dies of one kind of film."""

    def extract(self, images: Sequence[Prepared]) -> np.ndarray:
        poison = float(os.environ.get("COVIDXR_TEST_POISON", "nan"))
        if any(abs(float(image.pixels.mean()) * 255 - poison) < NEAR for image in images):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().extract(images)


def load_parts(settings: Settings) -> wiring.Parts:
    """In place of the real parts; mails are written as ever."""
    trainer = stand_ins.ScriptedTrainer(pause=float(os.environ.get("COVIDXR_TEST_PAUSE", "0")))
    return stand_ins.parts(extractor=Poisonable(), trainer=trainer, post=post_of(settings))


if __name__ == "__main__":
    wiring.load_parts = load_parts
    jetstream.LEASE_SECONDS = float(os.environ.get("COVIDXR_TEST_LEASE", jetstream.LEASE_SECONDS))
    cli.main()
