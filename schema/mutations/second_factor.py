"""The second factor: turning it on and off, and taking it from whoever has lost it."""

from __future__ import annotations

from typing import Annotated

import strawberry

from schema import ids
from schema.context import Info
from schema.fields import mutation
from schema.payloads import Payload
from schema.people import User
from services.second_factor import RECOVERY_CODES


@strawberry.input(description="A second factor to be set up.")
class BeginSecondFactorInput:
    password: str = strawberry.field(description="The account's password, once more.")


@strawberry.type(description="What an authenticator app has to know; nobody is told again.")
class BeginSecondFactorPayload(Payload):
    secret: str | None = strawberry.field(default=None, description="The secret, to be typed in base32.")
    uri: str | None = strawberry.field(
        default=None, description="The same with all that goes with it, `otpauth://…`, for a QR code."
    )


@strawberry.input(description="The proof that an authenticator app has the secret.")
class ConfirmSecondFactorInput:
    code: str = strawberry.field(description="The code that it shows now.")


@strawberry.type(description="What became of turning the second factor on.")
class ConfirmSecondFactorPayload(Payload):
    recovery_codes: list[str] | None = strawberry.field(
        default=None,
        description=f"{RECOVERY_CODES} codes for when the app is lost, each good once. Nobody is told again.",
    )
    user: User | None = strawberry.field(
        default=None, description="The user, whose other sessions have ended."
    )


@strawberry.input(description="A second factor to be turned off: the own one.")
class EndSecondFactorInput:
    password: str = strawberry.field(description="The account's password, once more.")
    code: str = strawberry.field(description="The code that the app shows now, or a recovery code.")


@strawberry.type(description="What became of turning the second factor off.")
class EndSecondFactorPayload(Payload):
    user: User | None = strawberry.field(default=None, description="The user, without one.")


@strawberry.input(description="Who has lost the second factor.")
class ResetSecondFactorInput:
    id: strawberry.ID = strawberry.field(description="The user's id; not one's own.")
    reason: str = strawberry.field(
        description="Why, and how it was made sure who asks; for the trail. At most 500 characters."
    )


@strawberry.type(description="What became of taking the second factor away.")
class ResetSecondFactorPayload(Payload):
    user: User | None = strawberry.field(
        default=None, description="The user, who signs in by the password alone; all sessions have ended."
    )


@strawberry.type
class SecondFactorMutations:
    @mutation(
        "Make the secret of a second factor: one-time codes of an authenticator app (TOTP, RFC 6238). "
        "Nothing asks for a code until `confirmSecondFactor`. CONFLICT where there is one."
    )
    async def begin_second_factor(
        self,
        info: Info,
        input: Annotated[BeginSecondFactorInput, strawberry.argument(description="The password.")],
    ) -> BeginSecondFactorPayload:
        session, factors = info.context.session, info.context.platform.second_factors
        made = await factors.begin(session.viewer, input.password, session.source)
        return BeginSecondFactorPayload(secret=made.secret, uri=made.uri)

    @mutation("Turn the second factor on: `signIn` asks for a code from now on. Other sessions end.")
    async def confirm_second_factor(
        self,
        info: Info,
        input: Annotated[ConfirmSecondFactorInput, strawberry.argument(description="A code.")],
    ) -> ConfirmSecondFactorPayload:
        session, factors = info.context.session, info.context.platform.second_factors
        codes, user = await factors.confirm(session.viewer, input.code, session.token)
        await session.refresh()
        return ConfirmSecondFactorPayload(recovery_codes=codes, user=User.of(user, has_proved_it=True))

    @mutation("Turn the own second factor off: the password alone signs in again.")
    async def end_second_factor(
        self,
        info: Info,
        input: Annotated[EndSecondFactorInput, strawberry.argument(description="The password and a code.")],
    ) -> EndSecondFactorPayload:
        session, factors = info.context.session, info.context.platform.second_factors
        user = await factors.end(session.viewer, input.password, input.code, session.source)
        await session.refresh()
        return EndSecondFactorPayload(user=User.of(user))

    @mutation(
        "Take the second factor from a user who has lost it, and end the user's sessions; whoever has none "
        "stays as before. For admins."
    )
    async def reset_second_factor(
        self,
        info: Info,
        input: Annotated[ResetSecondFactorInput, strawberry.argument(description="Whose, and why.")],
    ) -> ResetSecondFactorPayload:
        factors, user_id = info.context.platform.second_factors, ids.row_of(input.id, "User")
        user = await factors.reset(info.context.viewer, user_id, input.reason)
        return ResetSecondFactorPayload(user=User.of(user))
