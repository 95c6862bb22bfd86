"""The label queue's rows that judge: held-out images, in an order in which no model has a say."""

from __future__ import annotations

from dataclasses import dataclass

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from services.queue_part import Part
from store.tables import Prediction

ORDER = ("image__sha256", "id")
BACKWARDS = ("-image__sha256", "-id")
DIGITS = 15
"""Of a file's SHA-256: 60 bits, which a cursor carries as a whole number."""
REASON = (
    "Its label judges the next model and teaches none, so it was picked by chance, whatever the model says "
    "of it."
)

JudgingKey = tuple[int, int]
"""The beginning of the file's SHA-256 as a number, and the id."""
BEGINNING: JudgingKey = (-1, 0)
"""Before all rows."""


@dataclass(frozen=True)
class JudgingRows:
    """By the hash of the file, which is as good as a lot that is drawn once, whatever model serves.

    In the order of what a model finds hard the holdout would fill with hard images, and figures on it would
    tell of them alone.
    """

    unlabelled: QuerySet[Prediction]

    async def read(self, part: Part[JudgingKey]) -> list[tuple[JudgingKey, Prediction]]:
        """The rows of a part with their keys, in order."""
        if part.end == BEGINNING:
            return []
        bounded = self.unlabelled.filter(_behind(part.after))
        if part.end is not None:
            bounded = bounded.filter(_before(part.end, part.with_end))
        rows = (
            await bounded.order_by(*(BACKWARDS if part.from_end else ORDER))
            .limit(part.size)
            .select_related("image")
        )
        return [(_key(row), row) for row in (reversed(rows) if part.from_end else rows)]

    async def count(self) -> int:
        """How many are unlabelled now."""
        return await self.unlabelled.count()


def _key(row: Prediction) -> JudgingKey:
    return int(row.image.sha256[:DIGITS], 16), row.id


def _behind(key: JudgingKey) -> Q:
    if key == BEGINNING:
        return Q()
    begins = _begins(key)
    # No digit is a g, so this lies behind whatever begins so.
    return Q(image__sha256__gt=f"{begins}g") | Q(image__sha256__startswith=begins, id__gt=key[1])


def _before(key: JudgingKey, with_it: bool) -> Q:
    begins = _begins(key)
    earlier = Q(image__sha256__lt=begins) | Q(image__sha256__startswith=begins, id__lt=key[1])
    return earlier | Q(id=key[1]) if with_it else earlier


def _begins(key: JudgingKey) -> str:
    return f"{key[0]:0{DIGITS}x}"
