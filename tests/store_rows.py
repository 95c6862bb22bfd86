"""Rows for tests, made without the work that usually leads to them."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

from store.tables import Image, ModelState, ModelVersion, User
from tests.stand_ins import EVALUATION


async def image(owner: User, filename: str = "chest.png", **others: Any) -> Image:
    """An image without pixels, not judged; files of one name are one file."""
    fields = {"media_type": "image/png", "size": 1, "width": 64, "height": 64, "holdout": False, **others}
    sha256 = hashlib.sha256(filename.encode()).hexdigest()
    return await Image.create(owner=owner, key=uuid4().hex, filename=filename, sha256=sha256, **fields)


async def model(
    number: int = 1, state: ModelState = ModelState.RETIRED, record: dict[str, Any] | None = None
) -> ModelVersion:
    """A model version without a file."""
    return await ModelVersion.create(
        number=number,
        state=state,
        backbone="vgg16",
        head="C",
        extractor="none",
        key="none",
        sha256="none",
        trained_on=1,
        evaluation=EVALUATION,
        record=record,
    )
