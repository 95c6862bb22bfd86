"""The state of the platform as whoever looks after it wants to see it: asked at each look, for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from events.log import EventLog, LogAway
from events.messages import ImageUploaded
from services.admission import JUDGING
from services.models import in_force
from store.tables import Image, Label, OutboxEvent, TrailNote, TrainingRun

LATEST = 20_000
"""Images among which one that waits is looked for: the whole table may be long."""


@dataclass(frozen=True)
class Condition:
    """Counts, and ages in seconds, 0 where nothing waits; ``waiting`` is None while the broker is away."""

    waiting: int | None
    oldest_waiting: float
    given_up: int
    unpublished: int
    oldest_unpublished: float
    unsealed: int
    oldest_unsealed: float
    new_labels: int
    run: str | None
    """The state of the run under way."""
    model: int
    figures: Mapping[str, float]
    """Of the model in service, on the images that judged it."""


async def condition(log: EventLog) -> Condition:
    """The state now, in a few short queries."""
    now = datetime.now(UTC)
    unpublished = await OutboxEvent.all().order_by("id").first().only("id", "created_at")
    unsealed = await TrailNote.all().order_by("id").first().only("id", "at")
    waiting = await _longest_waiting()
    run, model = await TrainingRun.active(), await (await in_force()).model
    return Condition(
        await _waiting(log),
        _age(now, waiting.uploaded_at if waiting else None),
        await Image.given_up().count(),
        await OutboxEvent.all().count(),
        _age(now, unpublished.created_at if unpublished else None),
        await TrailNote.all().count(),
        _age(now, unsealed.at if unsealed else None),
        await Label.unclaimed().count(),
        run.state.value if run else None,
        model.number,
        {name: value for name, value in _figures(model.evaluation).items() if value is not None},
    )


async def _waiting(log: EventLog) -> int | None:
    try:
        return (await log.backlog(JUDGING, frozenset({ImageUploaded}))).open
    except LogAway:
        return None


async def _longest_waiting() -> Image | None:
    # By rows and not by their numbers, of which a restored database leaves a million out.
    oldest = await Image.all().order_by("-id").offset(LATEST).first().only("id")
    waiting = Image.filter(id__gt=oldest.id if oldest else 0, features__isnull=True, failure__isnull=True)
    return await waiting.order_by("id").first().only("id", "uploaded_at")


def _age(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _figures(evaluation: Mapping[str, object]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in ("sensitivity", "specificity", "auc"):
        figure = evaluation.get(name)
        found[name] = figure["value"] if isinstance(figure, dict) else None
    error = evaluation.get("calibration_error")
    return found | {"calibration_error": error if isinstance(error, float) else None}
