"""Whether the images that come in differ from those that judged the model in service, now and over time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from ml.drift import HIGH, REASONS, Figures, Sample, Signal, compare
from services.models import in_force
from services.permissions import admin
from store import drift as sums
from store.drift import Asked, Sums
from store.tables import DriftSignal, DriftWarning, ModelVersion, User

DAYS = 30
"""That are compared with the holdout."""
MOST_PERIODS = 100


class Step(StrEnum):
    DAY = "DAY"
    WEEK = "WEEK"


STEPS = {Step.DAY: timedelta(days=1), Step.WEEK: timedelta(days=7)}


@dataclass(frozen=True)
class Report:
    """What judged the model in service, what came in within 30 days, and whether that differs."""

    model: ModelVersion
    at: datetime
    reference: Figures | None
    """None of versions from before it was kept."""
    month: Figures
    signals: tuple[Signal, ...]


@dataclass(frozen=True)
class Period:
    """A stretch of whole days, in UTC, and the images uploaded in it."""

    begin: datetime
    end: datetime
    figures: Figures


@dataclass(frozen=True)
class Drift:
    """The use cases around drift. An image counts on the day of its upload, whenever it was judged.

    Images that taught the model in service are left out, since on these it is surer and more often right than
    on any other: those whose labels it learned from, and the files ``base`` of the base set, by SHA-256.
    """

    base: Collection[str]

    async def read(self, viewer: User | None) -> Report:
        """The last 30 days against the holdout; for administrators."""
        admin(viewer)
        return await self.report()

    async def report(self) -> Report:
        """The same, for the platform itself."""
        model, now = await (await in_force()).model, datetime.now(UTC)
        asked = Asked(model.id, now - timedelta(days=DAYS), self.base)
        days, judged = await sums.by_day(asked), await sums.judged_by_day(asked)
        middle, high = await sums.quantiles(asked, HIGH)
        month = _figures(days, sum(judged.values()), middle, high)
        kept = (model.record or {}).get("reference")
        reference = Figures.from_dict(kept) if kept else None
        return Report(model, now, reference, month, compare(reference, month))

    async def series(
        self, viewer: User | None, model: ModelVersion, step: Step, periods: int
    ) -> list[Period]:
        """What a model met in so many days, or weeks from Monday on, the last of which is under way; for
        administrators.
        """
        admin(viewer)
        begins = _begins(datetime.now(UTC).date(), step, periods)
        asked = Asked(model.id, _midnight(begins[0]), self.base)
        days, judged = await sums.by_day(asked), await sums.judged_by_day(asked)
        return [_period(begin, step, days, judged) for begin in begins]

    async def warnings(self, report: Report) -> dict[DriftSignal, DriftWarning]:
        """The warnings that stand of the model that a report is of, by signal."""
        standing = await DriftWarning.under_way().filter(model_id=report.model.id)
        return {warning.signal: warning for warning in standing}


async def visible_warnings(viewer: User | None, ids: Iterable[int]) -> dict[int, DriftWarning]:
    """All for administrators, none for others."""
    if viewer is None or not viewer.is_admin:
        return {}
    return {warning.id: warning for warning in await DriftWarning.filter(id__in=list(ids))}


def _figures(
    days: Sequence[Sums], judged: int, middle: float | None = None, high: float | None = None
) -> Figures:
    def total(name: str) -> float:
        return float(sum(getattr(day, name) for day in days))

    def sample(count: str, name: str) -> Sample:
        return Sample.of_sums(int(total(count)), total(name), total(f"{name}_squared"))

    images = int(total("images"))
    return Figures(
        images=images,
        abstained={
            reason: int(total(name))
            for reason, name in zip(REASONS, ("not_chests", "odd", "uncertain"), strict=True)
        },
        probability=sample("weighed", "probability"),
        distance=sample("measured", "distance"),
        labelled=int(total("labelled")),
        agreed=int(total("agreed")),
        median=middle,
        high=high,
        taught=max(0, judged - images),  # counted a moment later: some may have been deleted
    )


def _period(begin: date, step: Step, days: Sequence[Sums], judged: Mapping[date, int]) -> Period:
    end = begin + STEPS[step]
    inside = [day for day in days if begin <= day.day < end]
    count = sum(images for day, images in judged.items() if begin <= day < end)
    return Period(_midnight(begin), _midnight(end), _figures(inside, count))


def _begins(today: date, step: Step, periods: int) -> list[date]:
    last = today - timedelta(days=today.weekday()) if step is Step.WEEK else today
    return [last - back * STEPS[step] for back in reversed(range(periods))]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
