"""Retraining, and which model serves."""

from __future__ import annotations

from typing import Annotated

import strawberry

from schema import ids
from schema.context import Info
from schema.fields import mutation
from schema.models import ModelVersion, TrainingRun
from schema.payloads import Payload
from services.permissions import admin


@strawberry.type(description="What became of the wish to retrain.")
class RequestRetrainingPayload(Payload):
    run: TrainingRun | None = strawberry.field(default=None, description="The run, queued.")


@strawberry.type(description="What became of the cancellation.")
class CancelRetrainingPayload(Payload):
    run: TrainingRun | None = strawberry.field(default=None, description="The run, cancelled.")


@strawberry.input(description="Puts any earlier version in service: promotion by hand, and rollback.")
class PromoteModelInput:
    id: strawberry.ID = strawberry.field(description="The version's id.")
    reason: str = strawberry.field(description="Why; kept in the history. At most 500 characters.")


@strawberry.type(description="What became of the promotion.")
class PromoteModelPayload(Payload):
    model: ModelVersion | None = strawberry.field(default=None, description="The version, in service.")


@strawberry.type
class ModelMutations:
    @mutation("Begin a training run with the new labels there are. For admins.")
    async def request_retraining(self, info: Info) -> RequestRetrainingPayload:
        run = await info.context.platform.retraining.request(info.context.viewer)
        return RequestRetrainingPayload(run=TrainingRun.of(run))

    @mutation("End the run that is queued or under way; its labels count towards the next. For admins.")
    async def cancel_retraining(self, info: Info) -> CancelRetrainingPayload:
        run = await info.context.platform.retraining.cancel(info.context.viewer)
        return CancelRetrainingPayload(run=TrainingRun.of(run))

    @mutation("Put a version in service, whatever was decided about it before. For admins.")
    async def promote_model(
        self,
        info: Info,
        input: Annotated[PromoteModelInput, strawberry.argument(description="Which version, and why.")],
    ) -> PromoteModelPayload:
        viewer = admin(info.context.viewer)
        model_id = ids.row_of(input.id, "ModelVersion")
        model = await info.context.platform.models.promote(viewer, model_id, input.reason)
        return PromoteModelPayload(model=ModelVersion.of(model))
