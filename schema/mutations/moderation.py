"""Keeping people out, and withdrawing what they submitted."""

from __future__ import annotations

from typing import Annotated

import strawberry

from schema import ids
from schema.context import Info
from schema.fields import mutation
from schema.payloads import Payload
from schema.people import User


@strawberry.input(description="Who is to be kept out.")
class BlockUserInput:
    id: strawberry.ID = strawberry.field(description="The user's id; not one's own.")
    reason: str = strawberry.field(description="Why; shown to admins. At most 500 characters.")


@strawberry.type(description="What became of the block.")
class BlockUserPayload(Payload):
    user: User | None = strawberry.field(default=None, description="The user, who cannot sign in.")


@strawberry.input(description="Who may come in again.")
class UnblockUserInput:
    id: strawberry.ID = strawberry.field(description="The user's id.")


@strawberry.type(description="What became of the end of a block.")
class UnblockUserPayload(Payload):
    user: User | None = strawberry.field(default=None, description="The user, who can sign in again.")


@strawberry.input(description="Whose labels are to count no more.")
class WithdrawLabelsInput:
    user_id: strawberry.ID = strawberry.field(description="The user's id.")
    reason: str = strawberry.field(description="Why; kept with each label. At most 500 characters.")


@strawberry.type(description="What became of the withdrawal.")
class WithdrawLabelsPayload(Payload):
    user: User | None = strawberry.field(default=None, description="The user.")
    withdrawn: int | None = strawberry.field(
        default=None, description="Labels that counted, or could have counted, until now."
    )


@strawberry.type
class ModerationMutations:
    @mutation(
        "End a user's sessions and let nobody sign in as that user. The sockets of the sessions hear nothing "
        "more and close. What the user has submitted stays: see `withdrawLabels`. For "
        "admins; the last of them cannot be blocked."
    )
    async def block_user(
        self,
        info: Info,
        input: Annotated[BlockUserInput, strawberry.argument(description="Who, and why.")],
    ) -> BlockUserPayload:
        viewer, user_id = info.context.viewer, ids.row_of(input.id, "User")
        user = await info.context.platform.blocking.block(viewer, user_id, input.reason)
        return BlockUserPayload(user=User.of(user))

    @mutation("Let a user sign in again. For admins.")
    async def unblock_user(
        self, info: Info, input: Annotated[UnblockUserInput, strawberry.argument(description="Who.")]
    ) -> UnblockUserPayload:
        viewer, user_id = info.context.viewer, ids.row_of(input.id, "User")
        return UnblockUserPayload(user=User.of(await info.context.platform.blocking.unblock(viewer, user_id)))

    @mutation(
        "Withdraw all labels that a user has submitted until now. They stay in the ledger and count nowhere: "
        "no run learns from them, and models that did say so by `withdrawnLabels`. For admins."
    )
    async def withdraw_labels(
        self,
        info: Info,
        input: Annotated[WithdrawLabelsInput, strawberry.argument(description="Whose, and why.")],
    ) -> WithdrawLabelsPayload:
        viewer, user_id = info.context.viewer, ids.row_of(input.user_id, "User")
        labelling = info.context.platform.labelling
        user, withdrawn = await labelling.withdraw(viewer, user_id, input.reason)
        return WithdrawLabelsPayload(user=User.of(user), withdrawn=withdrawn)
