"""A row of each type that has an id, around one member's image."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ml import default_model
from ml.evaluation import Estimate
from ml.verdict import Comparison, Discordance, Size, Verdict
from schema import ids
from services.models import NewModel
from services.platform import Platform
from services.trail import note
from store.tables import (
    AbstainReason,
    ContactMessage,
    Deployment,
    FilmView,
    Finding,
    FindingChange,
    Image,
    Label,
    ModelVersion,
    NewsPost,
    Prediction,
    RetrainingPolicy,
    RunState,
    RunTrigger,
    TrailEntry,
    TrailKind,
    TrainingRun,
    User,
)
from tests import people
from tests.crowded import NEVER
from tests.store_rows import image, model
from tests.trails import noted, sealed


async def around(platform: Platform, ana: User) -> dict[str, str]:
    """The ids of a row of each type around Ana's image, and of what is not hers."""
    chief = await people.admin("author@hospital.example")
    row = await image(ana)
    judged_by, learned_from, neither = [await model(number) for number in (2, 3, 4)]
    label = await Label.create(image=row, finding="COVID", submitted_by=ana)
    await label.used_in.add(learned_from)
    prediction = await Prediction.create(image=row, model=judged_by, probability=0.9, margin=0.4)
    post = await NewsPost.create(title="t", body="b", author=chief)
    message = await ContactMessage.create(name="n", email="e@x.example", subject="s", body="b")
    run = await TrainingRun.create(trigger=RunTrigger.ADMIN, epochs=1)
    margins = {"sensitivity_margin": 0.1, "specificity_margin": 0.1, "auc_margin": 0.1, "share_per_user": 1}
    policy = await RetrainingPolicy.create(
        number=1, threshold=9, minutes_between=0, labels_per_class=0, **margins
    )
    serving = await platform.models.in_service()
    await noted(1, ana)
    entry = await TrailEntry.get(actor_id=ana.id)
    return {
        "Image": ids.encode("Image", row.id),
        "Prediction": ids.encode("Prediction", prediction.id),
        "Label": ids.encode("Label", label.id),
        "User": ids.encode("User", ana.id),
        "in service": ids.encode("ModelVersion", serving.id),
        "judged by": ids.encode("ModelVersion", judged_by.id),
        "learned from": ids.encode("ModelVersion", learned_from.id),
        "neither": ids.encode("ModelVersion", neither.id),
        "NewsPost": ids.encode("NewsPost", post.id),
        "ContactMessage": ids.encode("ContactMessage", message.id),
        "TrainingRun": ids.encode("TrainingRun", run.id),
        "RetrainingPolicy": ids.encode("RetrainingPolicy", policy.id),
        "the operator's": ids.encode("RetrainingPolicy", 0),
        "TrailEntry": ids.encode("TrailEntry", entry.id),
    }


def recorded(model: NewModel) -> NewModel:
    """The model, with all in its record that records may have."""
    one = Comparison("AUC", 0.9, 0.9, Estimate(0.0, -0.01, 0.01), 0.1, Discordance(1, 1, 1.0))
    size = Size("patients with COVID", 30, 30)
    verdict = Verdict((one, one, one), (size, size))
    return replace(model, record=default_model.load_record() | {"verdict": verdict.as_dict()})


async def filled(platform: Platform, ana: User) -> dict[str, str]:
    """The same, with something in whatever may be null, though it would hardly all be so at one time."""
    rows, now = await around(platform, ana), datetime.now(UTC)
    chief, learned = await User.get(email="author@hospital.example"), await ModelVersion.get(number=3)
    both = User.filter(id__in=[ana.id, chief.id])
    await both.update(second_factor_at=now, blocked_at=now, block_reason="r")
    await Image.all().update(patient_ref="p", failure="f", view=FilmView.FRONTAL)
    await _judged_twice(await platform.models.in_service(), chief)
    await Label.all().update(withdrawn_at=now, withdrawn_by_id=chief.id, withdrawal_reason="r")
    await Label.create(image=await Image.get(owner=ana), finding=Finding.COVID, submitted_by=ana)
    await TrainingRun.all().update(
        slot=1,
        state=RunState.TRAINING,
        loss=0.5,
        losses=[0.5],
        learned_by=now,
        left_out={"HELD_OUT": 1},
        error="e",
        finished_at=now,
        requested_by_id=chief.id,
        model_id=learned.id,
    )
    await RetrainingPolicy.all().update(threshold=NEVER, changed_by_id=chief.id)
    await note(TrailKind.ROLE_CHANGED, ana, "r", "v", User=ana.id)
    *_, entry = await sealed()
    return rows | {"TrailEntry": ids.encode("TrailEntry", entry.id)}


async def _judged_twice(serving: ModelVersion, chief: User) -> None:
    """By two models, the second of which has served twice and finds something else."""
    said: dict[str, Any] = {"finding": Finding.COVID, "abstained": AbstainReason.UNCERTAIN, "distance": 1.0}
    await Prediction.all().update(**said)
    before = await Prediction.get()
    now = await Prediction.create(
        image_id=before.image_id, model=serving, probability=0.9, margin=0.4, **said
    )
    await Deployment.all().update(decided_by_id=chief.id)
    since = datetime.now(UTC)
    term = await Deployment.create(number=2, model=serving, reason="r", decided_by=chief, since=since)
    await FindingChange.create(image_id=before.image_id, deployment=term, prediction=now, previous=before)
