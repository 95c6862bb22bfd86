"""Rows of every kind, each named by others, of many people."""

from __future__ import annotations

from datetime import UTC, datetime

from services.trail import note
from store import tables
from store.tables import (
    Deployment,
    Finding,
    Image,
    Label,
    ModelVersion,
    Prediction,
    RunState,
    RunTrigger,
    TrainingRun,
    User,
)
from tests import people
from tests.store_rows import image, model
from tests.trails import sealed

NEVER = 1_000_000
"""Labels that start a run."""


async def crowd(ana: User, numbers: range) -> None:
    """One more of each row, or two, for each number; each row is named by others."""
    for number in numbers:
        by = await people.admin(f"chief{number}@hospital.example")
        owner = await people.member(f"{number}@hospital.example")
        older = await model(number + 2)
        term = await Deployment.create(
            number=number, model=older, reason="r", decided_by=by, since=datetime(2020, 1, 1, tzinfo=UTC)
        )
        contested = await _image(owner, f"{number}.png", older, term)
        await _labels(contested, owner, ana, by, older)
        unlabelled = await _image(owner, f"unlabelled {number}.png", older, term)
        await _withdrawn(unlabelled, ana, by, older)
        await tables.NewsPost.create(title="t", body="b", author=by)
        await tables.ContactMessage.create(name="n", email="e@x.example", subject="s", body="b")
        left_out = {"OVER_SHARE": 1}
        run = {"requested_by": by, "model": older, "state": RunState.PROMOTED, "left_out": left_out}
        await TrainingRun.create(trigger=RunTrigger.ADMIN, epochs=1, **run)
        margins = {"sensitivity_margin": 0.1, "specificity_margin": 0.1, "auc_margin": 0.1}
        waits = {"threshold": NEVER, "minutes_between": 0, "labels_per_class": 0, "share_per_user": 1}
        await tables.RetrainingPolicy.create(number=number, changed_by=by, **margins, **waits)
        await note(tables.TrailKind.ROLE_CHANGED, by, value=by.role, User=owner.id)
        await sealed()


async def _image(owner: User, name: str, older: ModelVersion, term: Deployment) -> Image:
    row = await image(owner, name)
    serving = await ModelVersion.get(number=1)
    now, before = [
        await Prediction.create(image=row, model=one, finding=Finding.COVID, probability=0.9, margin=0.1)
        for one in (serving, older)
    ]
    await tables.FindingChange.create(image=row, deployment=term, prediction=now, previous=before)
    return row


async def _labels(row: Image, owner: User, other: User, by: User, taught: ModelVersion) -> None:
    """The owner's, another one that contradicts it, and one that was withdrawn."""
    for finding, submitted_by in ((Finding.COVID, owner), (Finding.NO_COVID, other)):
        label = await Label.create(image=row, finding=finding, submitted_by=submitted_by)
        await label.used_in.add(taught)
    await _withdrawn(row, other, by, taught)


async def _withdrawn(row: Image, of: User, by: User, taught: ModelVersion) -> None:
    mark = {"withdrawn_at": datetime.now(UTC), "withdrawn_by": by, "withdrawal_reason": "r"}
    label = await Label.create(image=row, finding=Finding.COVID, submitted_by=of, **mark)
    await label.used_in.add(taught)
