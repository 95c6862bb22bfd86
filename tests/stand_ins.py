"""Small deterministic parts in place of those that cost seconds; they pass through the composition root."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from api.decoders import DecoderProcesses
from api.wiring import Parts
from ml import recipes
from ml.classifier import Judgement
from ml.image import Decoded
from ml.recipes import Prepared
from services import training_set
from services.letters import Letter
from services.models import NewModel
from services.training import Progress
from store.tables import RunState

EVALUATION: dict[str, Any] = {
    "sensitivity": {"value": 0.9, "low": 0.8, "high": 0.95},
    "specificity": {"value": 0.95, "low": 0.9, "high": 0.98},
    "auc": {"value": 0.97, "low": 0.95, "high": 0.99},
    "calibration_error": 0.05,
    "positives": 30,
    "negatives": 200,
}
RECORD: dict[str, Any] = {}
DECODER = DecoderProcesses()
"""The real one, and one for all tests: what costs seconds is not to start it, but to start it for each."""


class EverySecondPixel:
    """Half of an image's 224 × 224 pixels are as many numbers as VGG16 has features."""

    name = "pixels/test"
    batch_size = 8

    def prepare(self, decoded: Decoded) -> Prepared:
        return recipes.WHOLE.prepare(decoded)

    def extract(self, images: Sequence[Prepared]) -> np.ndarray:
        return np.stack([image.pixels.ravel()[::2] for image in images]).astype(np.float16)

    def maps(self, image: Prepared) -> np.ndarray:
        return image.pixels[::16, ::16, None]


class Brightness:
    """A head that takes bright images for COVID and black ones for no chest; its file is the threshold."""

    def __init__(self, data: bytes) -> None:
        self.threshold = float(data)

    def judge(self, features: np.ndarray) -> list[Judgement]:
        means = features.astype(np.float32).mean(axis=1).tolist()
        return [
            Judgement(mean, mean >= self.threshold) if mean else Judgement(mean, None, "NOT_A_CHEST_XRAY")
            for mean in means
        ]

    def heat(self, maps: np.ndarray) -> np.ndarray:
        return np.maximum(maps.mean(axis=2) - self.threshold, 0)


@dataclass
class ScriptedTrainer:
    """Reports two epochs and leaves the outcome that a test asks for."""

    promote: bool = True
    awaits: bool = False
    threshold: str = "0.25"
    pause: float = 0.0
    error: Exception | None = None
    folders: list[dict[str, np.ndarray]] = field(default_factory=list)

    async def train(self, folder: Path) -> AsyncGenerator[Progress]:
        self.folders.append(dict(np.load(folder / training_set.IMAGES_FILE)))
        for epoch in (1, 2):
            await asyncio.sleep(self.pause)
            yield Progress(RunState.TRAINING, epoch, 1 / epoch)
        if self.error:
            raise self.error
        yield Progress(RunState.EVALUATING, 2, 0.5)
        outcome = {
            "promote": self.promote and not self.awaits,
            "awaits": self.awaits,
            "verdict": "Promoted: as the test asked." if self.promote else "Rejected: as the test asked.",
            "evaluation": EVALUATION,
            "trainedOn": 12,
            "head": "C",
            "record": RECORD,
        }
        (folder / training_set.OUTCOME_FILE).write_text(json.dumps(outcome))
        (folder / training_set.CANDIDATE_FILE).write_text(self.threshold)


@dataclass
class Pigeonhole:
    """Keeps mails; refuses them while it is shut."""

    letters: list[Letter] = field(default_factory=list)
    shut: bool = False

    async def send(self, letter: Letter) -> None:
        if self.shut:
            raise OSError("shut")
        self.letters.append(letter)


def default_model() -> NewModel:
    """A first model, whose threshold is one half."""
    return NewModel(b"0.5", "vgg16", "C", EverySecondPixel.name, 10, EVALUATION, "The first model.")


def parts(**others: Any) -> Parts:
    """The stand-ins, with others in the place of some."""
    chosen: dict[str, Any] = {
        "extractor": EverySecondPixel(),
        "load_head": Brightness,
        "default_model": default_model(),
        "base_holdout": {},
        "base_fingerprints": {},
        "decoder": DECODER,
        "trainer": ScriptedTrainer(),
        "post": Pigeonhole(),
    }
    return Parts(**{**chosen, **others})


def picture(
    seed: int = 0, brightness: float = 0.5, size: tuple[int, int] = (96, 80), format: str = "PNG"
) -> bytes:
    """An image file whose pixels are noise around a brightness in 0..1; different for each seed."""
    noise = np.random.default_rng(seed).normal(brightness * 255, 20, (size[1], size[0]))
    buffer = BytesIO()
    Pillow.fromarray(noise.clip(0, 255).astype(np.uint8)).save(buffer, format)
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
