"""How fast a promotion renews predictions: `.venv/bin/python -m benchmarks.renewal [--images 5000]`.

A platform of its own, on SQLite or with `--database mysql://…` on an empty database, gets images whose stored
features are the base set's. Then the default model is promoted again under two more numbers; the time is from
the commit to the last prediction, and to the last event that tells of one. Ends with a line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from time import perf_counter

import uvloop

from api.settings import Settings
from api.wiring import Parts, load_parts, running
from ml import default_model, features
from services.keys import features_key
from services.models import create, deploy
from services.platform import Platform
from store.tables import Image, ModelState, OutboxEvent, Prediction, User

PROMOTIONS = 2
LOOK_SECONDS = 0.05


async def measure(settings: Settings, count: int) -> list[dict[str, float]]:
    """Of each promotion the seconds until all predictions are there, and until all are told of."""
    parts = load_parts(settings)
    async with running(settings, parts) as platform:
        await _fill(platform, count)
        return [await _promoted(platform, parts, count) for _ in range(PROMOTIONS)]


async def _fill(platform: Platform, count: int) -> None:
    known, name = default_model.load().base_set.features, platform.models.inference.extractor.name
    owner = await User.create(email="owner@hospital.example", name="Owner", password_hash="none")
    for number in range(count):
        key = f"{number:032x}"
        await platform.diagnosis.blobs.put(features_key(name, key), features.pack(known[number % len(known)]))
        sha256 = hashlib.sha256(key.encode()).hexdigest()
        await Image.create(
            owner=owner,
            key=key,
            filename=f"{number}.png",
            sha256=sha256,
            media_type="image/png",
            size=1,
            width=8,
            height=8,
            holdout=False,
            features=name,
        )


async def _promoted(platform: Platform, parts: Parts, count: int) -> dict[str, float]:
    sha256 = await platform.models.keep(parts.default_model)
    version = await create(parts.default_model, sha256, ModelState.CANDIDATE)
    began = perf_counter()
    await platform.models.outbox.commit(partial(deploy, version.id, "A benchmark.", None))
    made = Prediction.filter(model_id=version.id)
    await _until(lambda: made.count(), count)
    renewed = perf_counter() - began
    await _until(lambda: OutboxEvent.all().count(), 0)
    told = perf_counter() - began
    print(f"{count} predictions: {renewed:.2f} s, {count / renewed:.0f} a second; told of after {told:.2f} s")
    return {"seconds": renewed, "told_seconds": told, "a_second": count / renewed}


async def _until(asking: Callable[[], Awaitable[int]], wanted: int) -> None:
    while await asking() != wanted:
        await asyncio.sleep(LOOK_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--database", default="", help="an empty one, by its URL; else SQLite")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data", database_url=asked.database)
        settings.data_dir.mkdir()
        found = uvloop.run(measure(settings, asked.images))
    print(json.dumps({"images": asked.images, "promotions": found}))


if __name__ == "__main__":
    main()
