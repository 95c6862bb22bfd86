"""A row of each type that has an id, around one member's image."""

from __future__ import annotations

from schema import ids
from services.platform import Platform
from store.tables import (
    ContactMessage,
    Label,
    NewsPost,
    Prediction,
    RetrainingPolicy,
    RunTrigger,
    TrailEntry,
    TrainingRun,
    User,
)
from tests import people
from tests.store_rows import image, model
from tests.trails import noted


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
