"""Signing up, in and out, passwords, and roles."""

from __future__ import annotations

from typing import Annotated

import strawberry

from schema import ids
from schema.arguments import OMITTED, given
from schema.context import Info
from schema.fields import mutation
from schema.payloads import Payload
from schema.people import User
from services.errors import Code, refuse
from store import tables

NO_COOKIE = (
    "only a page that the platform itself serves, at its https address where it has one, can keep a cookie, "
    "and no socket can set one: leave it out, and send the token"
)


@strawberry.input(description="A new account.")
class SignUpInput:
    email: str = strawberry.field(description="The address to sign in by; it has to be confirmed.")
    password: str = strawberry.field(
        description="8 to 256 characters, of whatever kind. What would be guessed soon is INVALID: frequent "
        "passwords, and the person's or the platform's name with little beside it."
    )
    name: str = strawberry.field(description="What the person wants to be called; at most 100 characters.")
    locale: str | None = strawberry.field(
        default=OMITTED,
        description='The language of our mails: Spanish for "es" and its like, English otherwise.',
    )


@strawberry.type(description="What became of signing up.")
class SignUpPayload(Payload):
    user: User | None = strawberry.field(
        default=None,
        description="The new user, not confirmed yet. Null, for any address, where the server is set to tell "
        "by mail alone whether somebody has it.",
    )


@strawberry.input(description="A confirmation of an address.")
class VerifyEmailInput:
    token: str = strawberry.field(description="The token from the mail.")


@strawberry.type(description="What became of confirming an address.")
class VerifyEmailPayload(Payload):
    user: User | None = strawberry.field(default=None, description="The user, who can sign in now.")


@strawberry.input(description="Who wants to sign in.")
class SignInInput:
    email: str = strawberry.field(description="The address that the account is known by.")
    password: str = strawberry.field(description="Its password.")
    code: str | None = strawberry.field(
        default=OMITTED,
        description="Where the account has a second factor, the code that the authenticator app shows now, "
        "or one of the recovery codes. Left out there, the answer is SECOND_FACTOR_REQUIRED.",
    )
    cookie: bool = strawberry.field(
        default=False,
        description="For pages that the platform itself serves: the answer sets a cookie, which no script "
        "can read, in place of `token`; the session of a cookie that was there before ends. INVALID from "
        "anywhere else, and on a socket.",
    )


@strawberry.type(description="What became of signing in.")
class SignInPayload(Payload):
    token: str | None = strawberry.field(
        default=None,
        description="Goes into the header `Authorization: Bearer …`, or into connection_init as "
        '{"authorization": "Bearer …"}. Good for 14 days at most, and ends where nothing is asked with it '
        "for a day, or for as long as the server is set to. Null where a cookie was asked for.",
    )
    user: User | None = strawberry.field(default=None, description="Who has signed in.")


@strawberry.type(description="What became of signing out.")
class SignOutPayload(Payload):
    signed_out: bool = strawberry.field(
        default=False, description="Whether there was a session, which has ended now."
    )


@strawberry.input(description="Whose password is forgotten.")
class RequestPasswordResetInput:
    email: str = strawberry.field(description="The address that the account is known by.")
    locale: str | None = strawberry.field(
        default=OMITTED,
        description="The language of the mail, as in `SignUpInput`; the account's where left out.",
    )


@strawberry.type(description="The same answer whether or not the address is known.")
class RequestPasswordResetPayload(Payload):
    requested: bool = strawberry.field(
        default=False, description="Whether a mail goes out, if the address is known."
    )


@strawberry.input(description="A new password in place of a forgotten one.")
class ResetPasswordInput:
    token: str = strawberry.field(description="The token from the mail.")
    password: str = strawberry.field(description="The new one, as in `SignUpInput`.")


@strawberry.type(description="What became of the new password.")
class ResetPasswordPayload(Payload):
    user: User | None = strawberry.field(default=None, description="The user, whose sessions have all ended.")


@strawberry.input(description="A change of role.")
class SetUserRoleInput:
    id: strawberry.ID = strawberry.field(description="The user's id.")
    role: tables.Role = strawberry.field(description="The new role.")


@strawberry.type(description="What became of the change of role.")
class SetUserRolePayload(Payload):
    user: User | None = strawberry.field(default=None, description="The user in the new role.")


@strawberry.type
class PeopleMutations:
    @mutation("Make an account. A mail goes out with a link that confirms the address.")
    async def sign_up(
        self,
        info: Info,
        input: Annotated[SignUpInput, strawberry.argument(description="The new account.")],
    ) -> SignUpPayload:
        accounts, source = info.context.platform.accounts, info.context.session.source
        form = (input.email, input.password, input.name, given(input.locale), source)
        if accounts.is_discreet:
            await accounts.sign_up_discreetly(*form)
            return SignUpPayload()
        return SignUpPayload(user=User.of(await accounts.sign_up(*form), has_proved_it=True))

    @mutation("Confirm an address by the token of the mail; it serves once, for 24 hours.")
    async def verify_email(
        self, info: Info, input: Annotated[VerifyEmailInput, strawberry.argument(description="The token.")]
    ) -> VerifyEmailPayload:
        user = await info.context.platform.accounts.verify_email(input.token)
        return VerifyEmailPayload(user=User.of(user, has_proved_it=True))

    @mutation(
        "Begin a session. Where the address is not confirmed yet, the mail goes out again; where the server "
        "tells by mail alone who has signed up, it is BAD_CREDENTIALS instead. Too many wrong passwords and "
        "codes are RATE_LIMITED, by account and by the address that they come from."
    )
    async def sign_in(
        self, info: Info, input: Annotated[SignInInput, strawberry.argument(description="Who it is.")]
    ) -> SignInPayload:
        accounts, session = info.context.platform.accounts, info.context.session
        if input.cookie and not session.keeps_cookie:
            raise refuse(Code.INVALID, NO_COOKIE, "cookie")
        token, user = await accounts.sign_in(
            input.email, input.password, session.source, session.client, given(input.code)
        )
        if input.cookie:
            await session.keep(token)
        return SignInPayload(token=None if input.cookie else token, user=User.of(user, has_proved_it=True))

    @mutation(
        "End the session whose token or cookie came with this request; subscriptions of its sockets end too."
    )
    async def sign_out(self, info: Info) -> SignOutPayload:
        was_signed_in = info.context.viewer is not None
        await info.context.session.end()
        return SignOutPayload(signed_out=was_signed_in)

    @mutation("Send a mail with a link to choose a new password.")
    async def request_password_reset(
        self,
        info: Info,
        input: Annotated[RequestPasswordResetInput, strawberry.argument(description="Whose.")],
    ) -> RequestPasswordResetPayload:
        accounts = info.context.platform.accounts
        source = info.context.session.source
        await accounts.request_password_reset(input.email, source, given(input.locale))
        return RequestPasswordResetPayload(requested=True)

    @mutation("Choose a new password by the token of the mail; it serves once, for an hour.")
    async def reset_password(
        self,
        info: Info,
        input: Annotated[ResetPasswordInput, strawberry.argument(description="The token and the password.")],
    ) -> ResetPasswordPayload:
        user = await info.context.platform.accounts.reset_password(input.token, input.password)
        return ResetPasswordPayload(user=User.of(user, has_proved_it=True))

    @mutation("Make a user a member or an administrator; the last administrator stays one. For admins.")
    async def set_user_role(
        self,
        info: Info,
        input: Annotated[SetUserRoleInput, strawberry.argument(description="Who, and what role.")],
    ) -> SetUserRolePayload:
        accounts, user_id = info.context.platform.accounts, ids.row_of(input.id, "User")
        user = await accounts.set_role(info.context.viewer, user_id, input.role)
        return SetUserRolePayload(user=User.of(user))
