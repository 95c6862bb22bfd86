"""The images whose label would teach most first, and why."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from ml.label_queue import Queue, order
from services.permissions import member
from store.pages import Key, Page, Window, page
from store.tables import AbstainReason, Deployment, Label, Prediction, User

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


@dataclass(frozen=True)
class Moment:
    """What a walk through the queue began with; it goes on with that, whatever is labelled meanwhile."""

    model: int
    prediction: int
    label: int


@dataclass(frozen=True)
class Queued:
    """A page of the queue, whose keys are as KEY says, and the reason for each of its rows."""

    page: Page[Prediction]
    reasons: list[str]


KEY = (int, int, int, int, float, int)
"""Of a cursor: the three numbers of the moment, the place in the front or FRONT, the margin, the id."""


async def read(viewer: User | None, window: Window) -> Queued:
    """Predictions of unlabelled images by the model in service, the ones whose label would teach most first.

    No picture that is no chest is among them. A cursor names the moment at which its walk began, so that the
    order stands while images are labelled or come in; where an image of the front is deleted on the way,
    others of the front may change places.
    """
    viewer = member(viewer)
    key = window.after or window.before
    moment = Moment(*key[:3]) if key else await _now()
    candidates = _candidates(viewer, moment)
    front = await candidates.filter(_unlabelled(moment.label)).order_by(*ORDER).limit(FRONT)
    if not front:
        return Queued(await page(candidates.filter(_unlabelled()), Window(0)), [])
    places = _places([row.place for row in front])
    queue = order(np.array([row.margin for row in front]), places, await _labelled_places(moment))
    return await _Walk(moment, candidates.filter(_unlabelled()), front, queue).page(window)


@dataclass(frozen=True)
class _Walk:
    """The queue of one moment: ``front`` as the margin has it, ``queue`` as it is shown."""

    moment: Moment
    unlabelled: QuerySet[Prediction]
    front: list[Prediction]
    queue: Queue

    async def page(self, window: Window) -> Queued:
        """What the window shows of the front, and of what lies behind it as far as there is room."""
        places = await self._places_between(window.after, window.before)
        rows: Page[Prediction] | None = None
        if window.from_end:
            rows = await self._behind(window, window.size) if self._is_open(window.before) else None
            room = window.size - (len(rows.rows) if rows else 0)
            kept = places[max(0, len(places) - room) :]
            has_next, has_previous = window.before is not None, len(places) > room
            has_previous = has_previous or (rows is not None and rows.has_previous)
        else:
            kept = places[: window.size]
            has_next, has_previous = len(places) > window.size, window.after is not None
            if not has_next and self._is_open(window.before):
                rows = await self._behind(window, window.size - len(kept))
                has_next = rows.has_next
        return self._queued(kept, rows.rows if rows else [], has_next, has_previous)

    async def _places_between(self, after: Key | None, before: Key | None) -> list[int]:
        """Of the front, what lies between two cursors and has not been labelled meanwhile."""
        start = 0 if after is None else self._place(after) + 1
        stop = len(self.front) if before is None else self._place(before)
        still = set(
            await self.unlabelled.filter(id__in=[row.id for row in self.front]).values_list("id", flat=True)
        )
        return [place for place in range(start, stop) if self._at(place).id in still]

    async def _behind(self, window: Window, size: int) -> Page[Prediction]:
        """Rows behind the front by their margin; the front ends where the last of its margins does."""
        after = window.after[4:] if window.after and window.after[3] >= FRONT else None
        before = window.before[4:] if window.before else None
        last = self.front[-1]
        bounds = Window(size, after or (last.margin, last.id), before, window.from_end)
        return await page(self.unlabelled, bounds, ORDER)

    def _queued(
        self, places: list[int], behind: list[Prediction], has_next: bool, has_previous: bool
    ) -> Queued:
        front = [self._at(place) for place in places]
        keys = [self._key(place, row) for place, row in zip(places, front, strict=True)]
        keys += [self._key(FRONT, row) for row in behind]
        reasons = [
            _reason(row, float(self.queue.distances[place])) for place, row in zip(places, front, strict=True)
        ]
        reasons += [_reason(row, None) for row in behind]
        return Queued(Page([*front, *behind], keys, has_next, has_previous, self.unlabelled.count), reasons)

    def _at(self, place: int) -> Prediction:
        return self.front[int(self.queue.rows[place])]

    def _key(self, place: int, row: Prediction) -> Key:
        return self.moment.model, self.moment.prediction, self.moment.label, place, row.margin, row.id

    def _place(self, key: Key) -> int:
        """The place that a cursor names: its row's, or where that was if the row is gone."""
        *_, place, _, row_id = key
        found = (number for number in range(len(self.front)) if self._at(number).id == row_id)
        return next(found, min(place, len(self.front)))

    def _is_open(self, before: Key | None) -> bool:
        """Whether what lies behind the front is within the window."""
        return before is None or before[3] >= FRONT


async def _now() -> Moment:
    deployment = await Deployment.current()
    prediction, label = (
        await Prediction.all().order_by("-id").first(),
        await Label.all().order_by("-id").first(),
    )
    return Moment(
        deployment.model_id if deployment else 0, prediction.id if prediction else 0, label.id if label else 0
    )


def _candidates(viewer: User, moment: Moment) -> QuerySet[Prediction]:
    chest = Q(abstained__isnull=True) | ~Q(abstained=AbstainReason.NOT_A_CHEST_XRAY)
    judged = Prediction.visible_to(viewer).filter(model_id=moment.model, id__lte=moment.prediction)
    return judged.filter(chest)


def _unlabelled(until: int | None = None) -> Q:
    """Predictions of images without a label, or without one up to the label ``until``."""
    labels = Label.standing() if until is None else Label.standing().filter(id__lte=until)
    return ~Q(image_id__in=Subquery(labels.values("image_id")))


async def _labelled_places(moment: Moment) -> np.ndarray:
    """Where the images lie that were labelled last."""
    labels = Label.standing().filter(id__lte=moment.label).order_by("-id").limit(KNOWN)
    images = list(await labels.values_list("image_id", flat=True))
    judged = Prediction.filter(model_id=moment.model, image_id__in=images, place__isnull=False)
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
