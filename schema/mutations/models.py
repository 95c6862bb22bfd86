"""Retraining and its policy, and which model serves."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

import strawberry

from schema import ids
from schema.arguments import OMITTED, given
from schema.context import Info
from schema.fields import mutation
from schema.models import ModelVersion, TrainingRun
from schema.payloads import Payload
from schema.policy import RetrainingPolicy


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


@strawberry.input(description="A change of the policy of retraining: what is left out stays as it is.")
class SetRetrainingPolicyInput:
    threshold: int | None = strawberry.field(default=OMITTED, description="New labels that start a run.")
    minutes_between: int | None = strawberry.field(
        default=OMITTED, description="Between the beginnings of automatic runs; 0 is none, at most a year."
    )
    labels_per_class: int | None = strawberry.field(
        default=OMITTED, description="New labels of each class that a run needs; 0 is none."
    )
    sensitivity_margin: float | None = strawberry.field(
        default=OMITTED, description="From 0.001 to 0.5; what is smaller asks for more patients to judge on."
    )
    specificity_margin: float | None = strawberry.field(default=OMITTED, description="From 0.001 to 0.5.")
    auc_margin: float | None = strawberry.field(default=OMITTED, description="From 0.001 to 0.5.")
    share_per_user: float | None = strawberry.field(
        default=OMITTED, description="From 0.01 to 1, which is no cap."
    )

    def named(self) -> dict[str, float]:
        """What is to change, by the names of `services.policy.Policy`."""
        values = {field.name: given(getattr(self, field.name)) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@strawberry.type(description="What became of the change.")
class SetRetrainingPolicyPayload(Payload):
    policy: RetrainingPolicy | None = strawberry.field(default=None, description="The policy in force now.")


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

    @mutation("Change when runs start by themselves, what they need, and how strict the gate is. For admins.")
    async def set_retraining_policy(
        self,
        info: Info,
        input: Annotated[SetRetrainingPolicyInput, strawberry.argument(description="What is to change.")],
    ) -> SetRetrainingPolicyPayload:
        policies = info.context.platform.retraining.policies
        row = await policies.change(info.context.viewer, input.named())
        return SetRetrainingPolicyPayload(policy=RetrainingPolicy.of(policies.policy_of(row), row))

    @mutation("Put a version in service, whatever was decided about it before. For admins.")
    async def promote_model(
        self,
        info: Info,
        input: Annotated[PromoteModelInput, strawberry.argument(description="Which version, and why.")],
    ) -> PromoteModelPayload:
        models, model_id = info.context.platform.models, ids.row_of(input.id, "ModelVersion")
        model = await models.promote(info.context.viewer, model_id, input.reason)
        return PromoteModelPayload(model=ModelVersion.of(model))
