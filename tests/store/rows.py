"""Rows for the tests of the store, made without the use cases."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from store.tables import Image, ModelVersion, User


async def user(email: str = "ana@hospital.example") -> User:
    return await User.create(email=email, name="Ana", password_hash="none")


async def image(owner: User, sha256: str = "0", **others: Any) -> Image:
    """An image without pixels, not judged."""
    fields = {"filename": "chest.png", "media_type": "image/png", "size": 1, "width": 64, "height": 64}
    return await Image.create(
        owner=owner, key=uuid4().hex, sha256=sha256, **{**fields, "holdout": False, **others}
    )


async def model(number: int = 1) -> ModelVersion:
    return await ModelVersion.create(
        number=number,
        backbone="vgg16",
        head="C",
        extractor="vgg16/test",
        key=f"models/{number}",
        sha256=f"{number:064}",
        trained_on=1,
        evaluation={},
    )
