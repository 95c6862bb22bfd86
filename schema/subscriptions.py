"""What can be listened to."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from events import messages
from schema.arguments import OMITTED, given
from schema.context import Context, Info
from schema.drift import DriftWarning
from schema.fields import subscription
from schema.images import FindingChange, Label, Prediction
from schema.models import ModelVersion, RetrainingStatus, TrainingRun
from schema.news import NewsPost
from schema.people import User
from schema.scalars import Cursor
from schema.streams import follow, place
from services.permissions import admin, member

After = Annotated[
    Cursor | None,
    strawberry.argument(
        description="The cursor of the last event that was seen: what was missed since then comes first, "
        "exactly once and in order. Left out, only what happens from now on."
    ),
]
PLACE = "The event's place; give it as `after` to resume behind it."


@strawberry.type(description="A model has judged an image.")
class PredictionMade:
    cursor: Cursor = strawberry.field(description=PLACE)
    prediction: Prediction = strawberry.field(description="What it said.")


@strawberry.type(description="A promotion, or a rollback, has changed the finding of an image.")
class FindingChanged:
    cursor: Cursor = strawberry.field(description=PLACE)
    change: FindingChange = strawberry.field(description="What it was, and what it is now.")


@strawberry.type(description="Somebody has labelled an image.")
class LabelSubmitted:
    cursor: Cursor = strawberry.field(description=PLACE)
    label: Label = strawberry.field(description="The new label.")
    retraining: RetrainingStatus = strawberry.field(description="How near the next retraining is by now.")


@strawberry.type(description="All labels that a user had submitted have been withdrawn.")
class LabelsWithdrawn:
    cursor: Cursor = strawberry.field(description=PLACE)
    user: User = strawberry.field(description="Who had submitted them.")
    withdrawn: int = strawberry.field(description="How many they were.")
    retraining: RetrainingStatus = strawberry.field(description="How near the next retraining is by now.")


@strawberry.type(description="A training run has come further, or to its end.")
class TrainingProgress:
    cursor: Cursor = strawberry.field(description=PLACE)
    run: TrainingRun = strawberry.field(
        description="The run; its state, epoch and loss are those of the moment that the event tells of."
    )


@strawberry.type(description="Another model has been put in service.")
class ModelPromoted:
    cursor: Cursor = strawberry.field(description=PLACE)
    model: ModelVersion = strawberry.field(description="The one in service since then.")
    previous: ModelVersion | None = strawberry.field(description="The one before.")


@strawberry.type(
    description="The images that come in began to differ from those that judged the model in service."
)
class DriftWarned:
    cursor: Cursor = strawberry.field(description=PLACE)
    warning: DriftWarning = strawberry.field(description="In what, by how much, and what it may mean.")


@strawberry.type(description="A post has been published.")
class NewsPublished:
    cursor: Cursor = strawberry.field(description=PLACE)
    post: NewsPost = strawberry.field(description="The post.")


async def show_prediction(
    context: Context, cursor: Cursor, event: messages.PredictionMade
) -> PredictionMade | None:
    """To the image's owner and administrators."""
    row = await context.loaders.visible_predictions.load(event.prediction_id)
    return PredictionMade(cursor=cursor, prediction=Prediction.of(row)) if row else None


async def show_change(
    context: Context, cursor: Cursor, event: messages.FindingChanged
) -> FindingChanged | None:
    """To the image's owner and administrators."""
    row = await context.loaders.visible_changes.load(event.change_id)
    return FindingChanged(cursor=cursor, change=FindingChange.of(row)) if row else None


async def show_label(
    context: Context, cursor: Cursor, event: messages.LabelSubmitted
) -> LabelSubmitted | None:
    """To administrators."""
    viewer = admin(context.viewer)
    row = await context.loaders.visible_labels.load(event.label_id)
    if row is None:
        return None
    status = await context.platform.retraining.status(viewer)
    return LabelSubmitted(cursor=cursor, label=Label.of(row), retraining=RetrainingStatus.of(status))


async def show_withdrawal(
    context: Context, cursor: Cursor, event: messages.LabelsWithdrawn
) -> LabelsWithdrawn | None:
    """To administrators."""
    viewer = admin(context.viewer)
    row = await context.loaders.users.load(event.user_id)
    if row is None:
        return None
    status = RetrainingStatus.of(await context.platform.retraining.status(viewer))
    return LabelsWithdrawn(cursor=cursor, user=User.of(row), withdrawn=event.count, retraining=status)


async def show_progress(
    context: Context, cursor: Cursor, event: messages.TrainingProgressed
) -> TrainingProgress | None:
    """To administrators."""
    admin(context.viewer)
    row = await context.loaders.visible_runs.load(event.run_id)
    return TrainingProgress(cursor=cursor, run=TrainingRun.of(row, event)) if row else None


async def show_promotion(
    context: Context, cursor: Cursor, event: messages.ModelPromoted
) -> ModelPromoted | None:
    """To administrators."""
    admin(context.viewer)
    row = await context.loaders.models.load(event.model_id)
    before = await context.loaders.models.load(event.previous_id) if event.previous_id else None
    if row is None:
        return None
    previous = ModelVersion.of(before) if before else None
    return ModelPromoted(cursor=cursor, model=ModelVersion.of(row), previous=previous)


async def show_drift(context: Context, cursor: Cursor, event: messages.DriftWarned) -> DriftWarned | None:
    """To administrators."""
    admin(context.viewer)
    row = await context.loaders.visible_warnings.load(event.warning_id)
    return DriftWarned(cursor=cursor, warning=DriftWarning.of(row)) if row else None


async def show_post(context: Context, cursor: Cursor, event: messages.NewsPublished) -> NewsPublished | None:
    """To everyone."""
    row = await context.loaders.posts.load(event.post_id)
    return NewsPublished(cursor=cursor, post=NewsPost.of(row)) if row else None


@strawberry.type(
    description="What can be listened to, over graphql-transport-ws or as server-sent events. "
    "Objects that were deleted meanwhile are passed over."
)
class Subscription:
    # Coroutines that return generators: what is refused here is refused before anything is delivered.

    @subscription("Predictions of the viewer's images; an admin hears of everyone's.")
    async def prediction_made(
        self, info: Info, after: After = OMITTED
    ) -> AsyncGenerator[PredictionMade, None]:
        member(info.context.viewer)
        begin = await place(info.context, given(after))
        return follow(info.context, begin, messages.PredictionMade, show_prediction, about_viewer=True)

    @subscription(
        "Findings of the viewer's images that a promotion or a rollback has changed; an admin hears of "
        "everyone's."
    )
    async def finding_changed(
        self, info: Info, after: After = OMITTED
    ) -> AsyncGenerator[FindingChanged, None]:
        member(info.context.viewer)
        begin = await place(info.context, given(after))
        return follow(info.context, begin, messages.FindingChanged, show_change, about_viewer=True)

    @subscription("Labels, as they are submitted. For admins.")
    async def label_submitted(
        self, info: Info, after: After = OMITTED
    ) -> AsyncGenerator[LabelSubmitted, None]:
        admin(info.context.viewer)
        begin = await place(info.context, given(after))
        return follow(info.context, begin, messages.LabelSubmitted, show_label)

    @subscription("Withdrawals of all labels of a user, as they happen. For admins.")
    async def labels_withdrawn(
        self, info: Info, after: After = OMITTED
    ) -> AsyncGenerator[LabelsWithdrawn, None]:
        admin(info.context.viewer)
        begin = await place(info.context, given(after))
        return follow(info.context, begin, messages.LabelsWithdrawn, show_withdrawal)

    @subscription("Training runs, epoch by epoch and to their outcome. For admins.")
    async def training_progress(
        self, info: Info, after: After = OMITTED
    ) -> AsyncGenerator[TrainingProgress, None]:
        admin(info.context.viewer)
        begin = await place(info.context, given(after))
        return follow(info.context, begin, messages.TrainingProgressed, show_progress)

    @subscription("Models, as they are put in service. For admins.")
    async def model_promoted(self, info: Info, after: After = OMITTED) -> AsyncGenerator[ModelPromoted, None]:
        admin(info.context.viewer)
        begin = await place(info.context, given(after))
        return follow(info.context, begin, messages.ModelPromoted, show_promotion)

    @subscription(
        "Warnings of drift, one for each signal that begins to differ; see `Query.drift`. It is looked for "
        "every hour. For admins."
    )
    async def drift_warned(self, info: Info, after: After = OMITTED) -> AsyncGenerator[DriftWarned, None]:
        admin(info.context.viewer)
        begin = await place(info.context, given(after))
        return follow(info.context, begin, messages.DriftWarned, show_drift)

    @subscription("Posts, as they are published. Open to everyone.")
    async def news_published(self, info: Info, after: After = OMITTED) -> AsyncGenerator[NewsPublished, None]:
        begin = await place(info.context, given(after))
        return follow(info.context, begin, messages.NewsPublished, show_post)
