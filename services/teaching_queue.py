"""The label queue's rows that teach, first what the model is unsure of and what is like nothing before it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from ml.label_queue import Queue, order
from services.queue_part import Part
from store.pages import Window, page
from store.tables import Label, Prediction

ORDER = ("margin", "id")
FRONT = 300
"""Predictions that are put in order by what they teach; behind them the margin alone decides."""
KNOWN = 2000
"""Images labelled last that those of the front are held against."""
DIRECTIONS = 32
ALIKE = 0.5
"""Of the usual distance of two images: what lies nearer is said to be alike."""
UNDECIDED = 0.1
"""A smaller margin is said to leave the model undecided."""

TeachingKey = tuple[int, float, int]
"""The place in the front or FRONT, the margin, the id."""
BEGINNING: TeachingKey = (-1, -1.0, 0)
"""Before all rows."""


@dataclass(frozen=True)
class TeachingRows:
    """Those of one moment: ``front`` as the margin has it, and ``queue`` as it is shown."""

    unlabelled: QuerySet[Prediction]
    front: list[Prediction]
    queue: Queue

    @classmethod
    async def of(
        cls, then: QuerySet[Prediction], now: QuerySet[Prediction], labels: QuerySet[Label], model: int
    ) -> TeachingRows:
        """The rows of a moment: predictions unlabelled ``then`` and ``now``, and the labels of then."""
        front = await then.order_by(*ORDER).limit(FRONT)
        known = await _labelled_places(labels, model) if front else _places([])
        places = _places([row.place for row in front])
        return cls(now, front, order(np.array([row.margin for row in front]), places, known))

    async def read(self, part: Part[TeachingKey]) -> list[tuple[TeachingKey, Prediction]]:
        """The rows of a part with their keys, in order."""
        places = await self._places_between(part)
        if part.from_end:
            behind = await self._behind(part, part.size)
            places = places[max(0, len(places) + len(behind) - part.size) :]
        else:
            places = places[: part.size]
            behind = await self._behind(part, part.size - len(places))
        front = [(place, self._at(place)) for place in places]
        found = [((place, row.margin, row.id), row) for place, row in front]
        return found + [((FRONT, row.margin, row.id), row) for row in behind]

    async def count(self) -> int:
        """How many are unlabelled now."""
        return await self.unlabelled.count()

    def reason(self, key: TeachingKey, row: Prediction) -> str:
        """Why the row is where it is."""
        return _reason(row, float(self.queue.distances[key[0]]) if key[0] < FRONT else None)

    async def _places_between(self, part: Part[TeachingKey]) -> list[int]:
        """Of the front, what lies in the part and has not been labelled meanwhile."""
        start = self._place(part.after) + 1
        stop = len(self.front) if part.end is None else self._place(part.end) + part.with_end
        ids = [row.id for row in self.front]
        still = set(await self.unlabelled.filter(id__in=ids).values_list("id", flat=True)) if ids else set()
        return [place for place in range(start, min(stop, len(ids))) if self._at(place).id in still]

    async def _behind(self, part: Part[TeachingKey], size: int) -> list[Prediction]:
        """Rows behind the front by their margin; the front ends where the last of its margins does."""
        if not self.front or not size or (part.end is not None and part.end[0] < FRONT):
            return []
        last = self.front[-1]
        after = part.after[1:] if part.after[0] >= FRONT else (last.margin, last.id)
        bounded = (
            self.unlabelled if part.end is None else self.unlabelled.filter(_before(part.end, part.with_end))
        )
        return (await page(bounded, Window(size, after, from_end=part.from_end), ORDER)).rows

    def _at(self, place: int) -> Prediction:
        return self.front[int(self.queue.rows[place])]

    def _place(self, key: TeachingKey) -> int:
        """The place that a key names: its row's, or where that was if the row is gone."""
        found = (number for number in range(len(self.front)) if self._at(number).id == key[2])
        return next(found, min(max(key[0], BEGINNING[0]), FRONT))


def _before(key: TeachingKey, with_it: bool) -> Q:
    _, margin, row = key
    earlier = Q(margin__lt=margin) | Q(margin=margin, id__lt=row)
    return earlier | Q(id=row) if with_it else earlier


async def _labelled_places(labels: QuerySet[Label], model: int) -> np.ndarray:
    """Where the images lie that were labelled last and that teach."""
    newest = labels.filter(image__holdout=False).order_by("-id").limit(KNOWN)
    images = list(await newest.values_list("image_id", flat=True))
    judged = Prediction.filter(model_id=model, image_id__in=images, place__isnull=False)
    return _places([row.place for row in await judged.only("id", "place")])


def _places(stored: Sequence[str | None]) -> np.ndarray:
    """Places (N, 32), nan where there is none."""
    found = np.full((len(stored), DIRECTIONS), np.nan, np.float32)
    for row, place in enumerate(stored):
        if place is not None:
            found[row] = np.frombuffer(base64.b64decode(place), "<f2")
    return found


def _reason(row: Prediction, distance: float | None) -> str:
    """Why the image is where it is; ``distance`` is from what is labelled or comes first, if it is known."""
    state = "undecided" if row.margin < UNDECIDED else "rather sure"
    model = f"The model is {state} (probability {row.probability:.2f}, {row.margin:.2f} from its threshold)"
    if distance is None or row.place is None:
        return f"{model}."
    if distance < ALIKE:
        return f"{model}, though an image that is labelled or further ahead here is like it."
    return f"{model}, and no image that is labelled or further ahead here is like it."
