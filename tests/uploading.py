"""Uploads for tests, as a client would make them."""

from __future__ import annotations

from typing import Any

from services.platform import Platform
from services.uploads import Details, Incoming
from store.tables import Image, User
from tests.people import eventually


def incoming(data: bytes, filename: str = "chest.png") -> Incoming:
    """A file on its way in."""

    async def read() -> bytes:
        return data

    return Incoming(filename, len(data), read)


async def upload(
    platform: Platform, by: User, *pictures: bytes, wait: int = 10, **details: Any
) -> list[Image]:
    """The images of these pictures, judged where there was time enough."""
    files = [incoming(data, f"{number}.png") for number, data in enumerate(pictures)]
    outcomes = await platform.uploads.upload(by, files, Details(wait_seconds=wait, **details))
    return [outcome.image for outcome in outcomes if outcome.image]


async def judged(image: Image, by_model: int) -> Image:
    """The image, once this model has judged it."""
    await eventually(lambda: image.predictions.filter(model_id=by_model).exists())
    return image
