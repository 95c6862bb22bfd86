"""What people do with their own account once they are signed in."""

from __future__ import annotations

from typing import Annotated

import strawberry

from schema import ids
from schema.context import Info
from schema.fields import mutation
from schema.payloads import Payload
from schema.people import User
from services.export import EXPORTS


@strawberry.input(description="An account to be deleted: the own one.")
class DeleteAccountInput:
    password: str = strawberry.field(description="The account's password, once more.")


@strawberry.type(description="What became of deleting the account.")
class DeleteAccountPayload(Payload):
    deleted: bool = strawberry.field(
        default=False, description="Whether the account is gone, and every session of it."
    )


@strawberry.type(description="What became of asking for a copy.")
class ExportAccountPayload(Payload):
    url: str | None = strawberry.field(
        default=None,
        description="Where a zip file of all that is the viewer's own is, for a quarter of an hour while "
        "the viewer is signed in.",
    )


@strawberry.input(description="A new password for the own account.")
class ChangePasswordInput:
    password: str = strawberry.field(description="The account's password, once more.")
    new_password: str = strawberry.field(description="The new one, as in `SignUpInput`.")


@strawberry.type(description="What became of the new password.")
class ChangePasswordPayload(Payload):
    user: User | None = strawberry.field(
        default=None, description="The user, whose other sessions have all ended."
    )


@strawberry.input(description="Another address for the own account.")
class RequestEmailChangeInput:
    email: str = strawberry.field(description="The new address; it has to be confirmed.")
    password: str = strawberry.field(description="The account's password, once more.")


@strawberry.type(description="The same answer whether or not somebody has the address.")
class RequestEmailChangePayload(Payload):
    requested: bool = strawberry.field(default=False, description="Whether a mail goes to the new address.")


@strawberry.input(description="A confirmation of another address.")
class ConfirmEmailChangeInput:
    token: str = strawberry.field(description="The token from the mail.")


@strawberry.type(description="What became of the change of address.")
class ConfirmEmailChangePayload(Payload):
    user: User | None = strawberry.field(
        default=None, description="The user with the new address, whose sessions have all ended."
    )


@strawberry.input(description="A session to be ended.")
class EndSessionInput:
    id: strawberry.ID = strawberry.field(description="Its id, of `sessions`.")


@strawberry.type(description="What became of ending a session.")
class EndSessionPayload(Payload):
    ended_id: strawberry.ID | None = strawberry.field(default=None, description="The id of what has ended.")


@strawberry.type(description="What became of signing out everywhere.")
class SignOutEverywherePayload(Payload):
    signed_out: bool = strawberry.field(
        default=False, description="Whether every session has ended, this one included."
    )


@strawberry.type
class AccountMutations:
    @mutation(
        "Ask for a copy of all that is the viewer's own: account, pictures, predictions, labels, sessions, "
        "messages, news. At most "
        f"{EXPORTS.points} times an hour."
    )
    async def export_account(self, info: Info) -> ExportAccountPayload:
        return ExportAccountPayload(url=await info.context.platform.export.address(info.context.viewer))

    @mutation(
        "Choose a new password by the one there is. Every other session ends, and a mail tells of it. Wrong "
        "passwords are RATE_LIMITED, as of `signIn`."
    )
    async def change_password(
        self,
        info: Info,
        input: Annotated[ChangePasswordInput, strawberry.argument(description="Both passwords.")],
    ) -> ChangePasswordPayload:
        accounts, session = info.context.platform.accounts, info.context.session
        user = await accounts.change_password(
            session.viewer, input.password, input.new_password, session.source, session.token
        )
        await session.refresh()
        return ChangePasswordPayload(user=User.of(user, has_proved_it=True))

    @mutation(
        "Ask for another address of the own account. A mail goes to the new one with a link that confirms "
        "it; whoever has an account with it already hears of that instead, and nothing changes. Wrong "
        "passwords are RATE_LIMITED, as of `signIn`."
    )
    async def request_email_change(
        self,
        info: Info,
        input: Annotated[
            RequestEmailChangeInput, strawberry.argument(description="The address and the password.")
        ],
    ) -> RequestEmailChangePayload:
        addressing, session = info.context.platform.addressing, info.context.session
        await addressing.request_change(session.viewer, input.email, input.password, session.source)
        return RequestEmailChangePayload(requested=True)

    @mutation(
        "Confirm another address by the token of the mail; it serves once, for 24 hours. Every session ends, "
        "and a mail tells the old address."
    )
    async def confirm_email_change(
        self,
        info: Info,
        input: Annotated[ConfirmEmailChangeInput, strawberry.argument(description="The token.")],
    ) -> ConfirmEmailChangePayload:
        user = await info.context.platform.addressing.confirm(input.token)
        await info.context.session.refresh()
        return ConfirmEmailChangePayload(user=User.of(user, has_proved_it=True))

    @mutation("End one of the viewer's sessions; subscriptions of its sockets end too.")
    async def end_session(
        self,
        info: Info,
        input: Annotated[EndSessionInput, strawberry.argument(description="Which.")],
    ) -> EndSessionPayload:
        context = info.context
        session_id = ids.row_of(input.id, "AccountSession")
        is_own = context.viewer is not None and context.viewer.session_id == session_id
        await context.platform.sessions.end(context.viewer, session_id)
        await context.session.refresh()
        if is_own:
            context.session.forget_cookie()
        return EndSessionPayload(ended_id=input.id)

    @mutation("End every session of the viewer's, this one included.")
    async def sign_out_everywhere(self, info: Info) -> SignOutEverywherePayload:
        context = info.context
        await context.platform.sessions.end_all(context.viewer)
        await context.session.refresh()
        context.session.forget_cookie()
        return SignOutEverywherePayload(signed_out=True)

    @mutation(
        "Delete the own account for good, with its images and their predictions and labels. Labels that an "
        "administrator gave to others' images, and news, stay without a name; models stay, and no later one "
        "learns from what is gone. The last administrator cannot: CONFLICT. Wrong passwords are "
        "RATE_LIMITED, as of `signIn`."
    )
    async def delete_account(
        self,
        info: Info,
        input: Annotated[DeleteAccountInput, strawberry.argument(description="The password.")],
    ) -> DeleteAccountPayload:
        context = info.context
        await context.platform.leaving.delete_account(context.viewer, input.password, context.session.source)
        await context.session.refresh()
        context.session.forget_cookie()
        return DeleteAccountPayload(deleted=True)
