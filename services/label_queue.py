"""The images to label first, and why: of four, three whose label teaches most, and one that judges models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from ml.splits import HOLDOUT_SHARE
from services import judging_queue, lookups, teaching_queue
from services.judging_queue import JudgingKey, JudgingRows
from services.permissions import member
from services.queue_part import Part
from services.teaching_queue import TeachingKey, TeachingRows
from store.pages import Key, Page, Window
from store.tables import AbstainReason, Label, Prediction, User

TURN = (1 - HOLDOUT_SHARE) / HOLDOUT_SHARE
"""So many rows that teach come before each that judges, which gives these the holdout's share of places."""


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


KEY = (int, int, int, int, int, int, float, int, int, int, int)
"""Of a cursor: the three numbers of the moment, and those of the place."""


@dataclass(frozen=True)
class Place:
    """Where a row stands: how many rows of each kind there are up to it, and the keys of the last ones."""

    judges: bool = False
    taught: int = 0
    teaching: TeachingKey = teaching_queue.BEGINNING
    judged: int = 0
    judging: JudgingKey = judging_queue.BEGINNING

    @classmethod
    def of(cls, key: Key) -> Place:
        """The place in a cursor."""
        judges, taught, place, margin, row, judged, digits, judging_row = key[3:]
        return cls(bool(judges), taught, (place, margin, row), judged, (digits, judging_row))

    def key(self, moment: Moment) -> Key:
        """The cursor."""
        begun = moment.model, moment.prediction, moment.label
        return *begun, int(self.judges), self.taught, *self.teaching, self.judged, *self.judging


async def read(viewer: User | None, window: Window) -> Queued:
    """Predictions of unlabelled images by the model in service, in the order in which to label them.

    Those that teach, and after every `TURN` of them one that judges; where one kind is at its end the other
    goes on alone. No picture that is no chest is among them. A cursor names the moment at which its walk
    began, so that the order stands while images are labelled or come in. Where an image is deleted or labels
    are withdrawn on the way, others change places and may come twice or not at all, as may one that turns
    out to be held out.
    """
    viewer = member(viewer)
    key = window.after or window.before
    moment = Moment(*key[:3]) if key else await _now()
    candidates = _candidates(viewer, moment)
    unlabelled, teaching = candidates.filter(_unlabelled()), Q(image__holdout=False)
    then = candidates.filter(_unlabelled(moment.label), teaching)
    labels = Label.standing().filter(id__lte=moment.label)
    taught = await TeachingRows.of(then, unlabelled.filter(teaching), labels, moment.model)
    walk = _Walk(moment, unlabelled, taught, JudgingRows(unlabelled.filter(~teaching)))
    return await walk.page(window)


class _Row(NamedTuple):
    """A row, how many of its kind come before it, and its key there; one of the two."""

    turn: float
    number: int
    row: Prediction
    teaching: TeachingKey | None = None
    judging: JudgingKey | None = None


@dataclass(frozen=True)
class _Walk:
    """The queue of one moment."""

    moment: Moment
    unlabelled: QuerySet[Prediction]
    teaching: TeachingRows
    judging: JudgingRows

    async def page(self, window: Window) -> Queued:
        """What the window shows."""
        begin = Place.of(window.after) if window.after else Place()
        rows = await self._rows(window, begin)
        places = list(_places(begin, rows))
        more = len(rows) > window.size
        first = max(0, len(rows) - window.size) if window.from_end else 0
        shown = slice(first, first + window.size)
        has_next, has_previous = (
            (window.before is not None, more) if window.from_end else (more, window.after is not None)
        )
        keys = [place.key(self.moment) for place in places[shown]]
        found = [one.row for one in rows[shown]]
        page = Page(found, keys, has_next, has_previous, self.unlabelled.count)
        return Queued(page, [self._reason(one) for one in rows[shown]])

    async def _rows(self, window: Window, begin: Place) -> list[_Row]:
        """More rows than the window has room for, in order: of each kind the one beyond it is among them."""
        size, end = window.size + 1, Place.of(window.before) if window.before else None
        ends: tuple[TeachingKey | None, JudgingKey | None] = (None, None)
        if end:
            ends = end.teaching, end.judging
        of_judging = end is not None and end.judges
        teaching = await self.teaching.read(Part(size, begin.teaching, ends[0], of_judging, window.from_end))
        judging = await self.judging.read(Part(size, begin.judging, ends[1], not of_judging, window.from_end))
        taught, judged = begin.taught, begin.judged
        if window.from_end:
            taught = (end.taught - (not end.judges) if end else await self.teaching.count()) - len(teaching)
            judged = (end.judged - end.judges if end else await self.judging.count()) - len(judging)
        rows = [_Row(number, number, row, teaching=key) for number, (key, row) in enumerate(teaching, taught)]
        rows += [
            _Row((number + 1) * TURN - 0.5, number, row, judging=key)
            for number, (key, row) in enumerate(judging, judged)
        ]
        return sorted(rows, key=lambda one: one.turn)

    def _reason(self, one: _Row) -> str:
        return self.teaching.reason(one.teaching, one.row) if one.teaching else judging_queue.REASON


def _places(begin: Place, rows: Sequence[_Row]) -> Iterator[Place]:
    """Where each row stands, the first of which follow upon ``begin``."""
    place = replace(
        begin,
        taught=next((one.number for one in rows if one.teaching), begin.taught),
        judged=next((one.number for one in rows if one.judging), begin.judged),
    )
    for one in rows:
        if one.judging:
            place = replace(place, judges=True, judged=one.number + 1, judging=one.judging)
        elif one.teaching:
            place = replace(place, judges=False, taught=one.number + 1, teaching=one.teaching)
        yield place


async def _now() -> Moment:
    deployment = await lookups.deployment()
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
