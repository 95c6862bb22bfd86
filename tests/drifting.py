"""Images with predictions as rows alone, by the hundred, uploaded at whatever time a test says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np

from ml.drift import Figures, Sample
from store.tables import AbstainReason, Evidence, Finding, Image, Label, Prediction, User

REFERENCE = Figures(
    images=400,
    abstained={"NOT_A_CHEST_XRAY": 0, "OUT_OF_DISTRIBUTION": 4, "UNCERTAIN": 36},
    probability=Sample(400, 0.3, 0.3),
    distance=Sample(400, 0.0, 1.0),
    labelled=360,
    agreed=342,
    median=-0.1,
    high=1.8,
)
"""Ten in a hundred without a finding, and 95 right of those with one."""
RECORD: dict[str, Any] = {"reference": REFERENCE.as_dict()}


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


async def uploaded(owner: User, count: int, days_ago: float = 1) -> list[Image]:
    """So many images, of that time."""
    prefix = uuid4().hex
    rows = [
        Image(
            owner=owner,
            key=uuid4().hex,
            filename=f"{number}.png",
            sha256=hashlib.sha256(f"{prefix} {number}".encode()).hexdigest(),
            media_type="image/png",
            size=1,
            width=64,
            height=64,
            holdout=False,
        )
        for number in range(count)
    ]
    await Image.bulk_create(rows)
    images = await Image.filter(key__in=[row.key for row in rows]).order_by("id")
    await Image.filter(id__in=[image.id for image in images]).update(uploaded_at=ago(days_ago))
    return images


async def judged(
    images: Sequence[Image],
    model_id: int,
    *,
    abstaining: float = 0.1,
    reason: str = "UNCERTAIN",
    probability: float = 0.3,
    distance: float | None = 0.0,
    covid: float = 0.5,
) -> None:
    """What a model said: spread as in the reference about these means, the first without a finding."""
    generator = np.random.default_rng(len(images))
    spread = generator.normal(0, 1, len(images))
    spread = (spread - spread.mean()) / spread.std()
    rows = []
    for number, image in enumerate(images):
        silent = number < abstaining * len(images)
        found = Finding.COVID if number % 10 < 10 * covid else Finding.NO_COVID
        rows.append(
            Prediction(
                image_id=image.id,
                model_id=model_id,
                finding=None if silent else found,
                probability=probability + 0.3 * float(spread[number]),
                margin=0.1,
                distance=None if distance is None else distance + float(spread[number]),
                abstained=AbstainReason(reason) if silent else None,
            )
        )
    await Prediction.bulk_create(rows)


async def labelled(images: Sequence[Image], model_id: int, by: User, right: float = 0.95) -> list[Label]:
    """A label for each image that the model found something on, right of so many of them."""
    found = await Prediction.filter(model_id=model_id, image_id__in=[image.id for image in images])
    known = sorted((row for row in found if row.finding), key=lambda row: row.image_id)
    other = {Finding.COVID: Finding.NO_COVID, Finding.NO_COVID: Finding.COVID}
    rows = []
    for number, row in enumerate(known):
        assert row.finding is not None
        is_right = number < right * len(known)
        finding = row.finding if is_right else other[row.finding]
        rows.append(Label(image_id=row.image_id, finding=finding, evidence=Evidence.RT_PCR, submitted_by=by))
    await Label.bulk_create(rows)
    return await Label.filter(image_id__in=[row.image_id for row in known]).order_by("id")
