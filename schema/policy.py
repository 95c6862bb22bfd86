"""The policy of retraining, and who changed it when."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema import ids
from schema.context import Info
from schema.fields import field
from schema.node import Node
from schema.people import User
from services import policy
from store import tables


@strawberry.type(description="When runs start by themselves, what they need, and how strict the gate is.")
class RetrainingPolicy(Node):
    threshold: int = strawberry.field(description="New labels that start a run by themselves.")
    minutes_between: int = strawberry.field(
        description="Least time between the beginnings of automatic runs. An administrator need not wait."
    )
    labels_per_class: int = strawberry.field(
        description="New labels of COVID, and of no COVID, that any run needs."
    )
    sensitivity_margin: float = strawberry.field(
        description="How far below the model in service the lower end of a candidate's interval may lie."
    )
    specificity_margin: float = strawberry.field(description="The same of specificity.")
    auc_margin: float = strawberry.field(description="The same of the area under the curve.")
    share_per_user: float = strawberry.field(
        description="Of the images that a run learns from, the base set's among them, the share that one "
        "user's labels may be at most; the newest are kept, and 1 is no cap."
    )
    changed_at: datetime | None = strawberry.field(
        description="When it was set; null where it is the operator's, from the settings."
    )
    row: strawberry.Private[tables.RetrainingPolicy | None]

    @classmethod
    def of(cls, found: policy.Policy, row: tables.RetrainingPolicy | None) -> RetrainingPolicy:
        """The policy as GraphQL shows it, and the change that made it so."""
        return cls(
            id=ids.encode("RetrainingPolicy", row.id if row else policy.OPERATORS),
            threshold=found.threshold,
            minutes_between=found.minutes_between,
            labels_per_class=found.labels_per_class,
            sensitivity_margin=found.sensitivity_margin,
            specificity_margin=found.specificity_margin,
            auc_margin=found.auc_margin,
            share_per_user=found.share_per_user,
            changed_at=row.changed_at if row else None,
            row=row,
        )

    @field("The administrator who set it; null where nobody did.")
    async def changed_by(self, info: Info) -> User | None:
        if self.row is None or self.row.changed_by_id is None:
            return None
        user = await info.context.loaders.users.load(self.row.changed_by_id)
        return User.of(user) if user else None
