"""The second factor: codes of an authenticator app (TOTP, RFC 6238), or recovery codes."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import time

import pyotp

from services import lookups, reasons, tokens
from services.door import Door
from services.errors import Checks, Code, Refused, refuse
from services.outbox import Outbox
from services.permissions import admin, member
from services.trail import note
from store.tables import RecoveryCode, SecondFactor, TokenPurpose, TrailKind, User

ISSUER = "COVID-XR"
STEPS = (0, -1, 1)
"""Of 30 seconds, from now: clocks differ, and people take their time to type."""
RECOVERY_CODES = 10
RECOVERY_BYTES = 15
"""120 random bits need no salt and no slow hash."""


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator app has to know: the secret in base32, and in a URI for a QR code."""

    secret: str
    uri: str


@dataclass(frozen=True)
class SecondFactors:
    """The use cases around the second factor."""

    outbox: Outbox
    door: Door

    async def begin(self, viewer: User | None, password: str, source: str = "") -> Enrolment:
        """A new secret, which nothing asks for until `confirm`.

        Raises:
            Refused: BAD_CREDENTIALS; CONFLICT, where there is a second factor.
            TooMany: wrong guesses from ``source``, or at this account.
        """
        viewer = member(viewer)
        await self.door.prove(source, viewer, password)
        secret = pyotp.random_base32()
        await self.outbox.commit(partial(_begin, viewer, secret))
        return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=viewer.email, issuer_name=ISSUER))

    async def confirm(
        self, viewer: User | None, code: str, token: str | None = None
    ) -> tuple[list[str], User]:
        """Asks for codes from now on. Ends every session but that of ``token``: they knew a password alone.

        Returns:
            The recovery codes, which nobody is told again, and the user as of now.

        Raises:
            Refused: BAD_CREDENTIALS, of a code that is not of the secret that was made last; CONFLICT.
            TooMany: wrong codes at this account.
        """
        viewer = member(viewer)
        async with self.door.code(viewer.id):
            return await self.outbox.commit(partial(_confirm, viewer, code, token))

    async def end(self, viewer: User | None, password: str, code: str, source: str = "") -> User:
        """Asks for no codes any more.

        Raises:
            Refused: BAD_CREDENTIALS; CONFLICT, where there is no second factor.
            TooMany: wrong guesses from ``source``, or at this account.
        """
        viewer = member(viewer)
        await self.door.prove(source, viewer, password)
        async with self.door.code(viewer.id):
            return await self.outbox.commit(partial(_end, viewer, code))

    async def reset(self, viewer: User | None, user_id: int, reason: str) -> User:
        """Takes the second factor from somebody who has lost it; whoever has none stays as before.

        Raises:
            Refused: NOT_FOUND; CONFLICT, of oneself; REQUIRED or TOO_LARGE of the reason, all at once.
        """
        viewer, checks = admin(viewer), Checks()
        with checks:
            if (await lookups.named_user(user_id)).id == viewer.id:
                raise refuse(Code.CONFLICT, "your own is turned off in your account, by a code", "id")
        with checks:
            reason = reasons.checked(reason)
        checks.end()
        return await self.outbox.commit(partial(_reset, user_id, viewer, reason))

    async def reset_by_operator(self, email: str) -> User | None:
        """The same at the command line; None where nobody has the address."""
        user = await User.get_or_none(email=email)
        return await self.outbox.commit(partial(_reset, user.id)) if user else None


async def redeem(user: User, code: str) -> None:
    """Use a code up, in a transaction: of several who give it at once, one does.

    Raises:
        Refused: BAD_CREDENTIALS.
    """
    given = "".join(code.split()).replace("-", "").upper()
    factor = await SecondFactor.get_or_none(user_id=user.id)
    step = _step_of(factor.secret, given) if factor else None
    if step is not None:
        if await SecondFactor.filter(user_id=user.id, last_step__lt=step).update(last_step=step):
            return
    elif await RecoveryCode.filter(user_id=user.id, sha256=tokens.digest(given)).delete():
        left = await RecoveryCode.filter(user_id=user.id).count()
        await note(TrailKind.RECOVERY_CODE_USED, user, value=left, User=user.id)
        return
    raise _wrong_code()


def _step_of(secret: str, given: str) -> int | None:
    """The step that a code is of; None where that is not about now."""
    totp = pyotp.TOTP(secret)
    now = totp.timecode(time())
    return next((now + step for step in STEPS if _equal(totp.generate_otp(now + step), given)), None)


def _equal(code: str, given: str) -> bool:
    return secrets.compare_digest(code.encode(), given.encode())


async def _begin(user: User, secret: str) -> None:
    # Changes nothing, but locks the row: of two who begin at once, the last secret counts.
    without = User.filter(id=user.id, second_factor_at__isnull=True)
    if not await without.update(password_hash=user.password_hash):
        raise _is_on()
    await SecondFactor.filter(user_id=user.id).delete()
    await SecondFactor.create(user_id=user.id, secret=secret)


async def _confirm(user: User, code: str, token: str | None) -> tuple[list[str], User]:
    without = User.filter(id=user.id, second_factor_at__isnull=True)
    if not await without.update(second_factor_at=datetime.now(UTC)):
        raise _is_on()
    await redeem(user, code)
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    for one in codes:
        await RecoveryCode.create(user_id=user.id, sha256=tokens.digest(one.replace("-", "")))
    await tokens.end_other_sessions(user.id, token)
    await note(TrailKind.SECOND_FACTOR_ON, user, User=user.id)
    return codes, await User.get(id=user.id)


def _recovery_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode()
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


async def _end(user: User, code: str) -> User:
    await redeem(user, code)
    if not await _taken_from(user.id):
        raise refuse(Code.CONFLICT, "there is no second factor to turn off")
    await note(TrailKind.SECOND_FACTOR_OFF, user, User=user.id)
    return await User.get(id=user.id)


async def _reset(user_id: int, viewer: User | None = None, reason: str | None = None) -> User:
    if await _taken_from(user_id):
        await tokens.revoke_all(user_id, TokenPurpose.SESSION)
        await note(TrailKind.SECOND_FACTOR_RESET, viewer, reason, User=user_id)
    return await User.get(id=user_id)


async def _taken_from(user_id: int) -> bool:
    """Whether there was one."""
    having = User.filter(id=user_id, second_factor_at__isnull=False)
    if not await having.update(second_factor_at=None):
        return False
    await SecondFactor.filter(user_id=user_id).delete()
    await RecoveryCode.filter(user_id=user_id).delete()
    return True


def _wrong_code() -> Refused:
    return refuse(Code.BAD_CREDENTIALS, "the code is wrong, or was used already", "code")


def _is_on() -> Refused:
    return refuse(Code.CONFLICT, "there is a second factor already: turn it off first")
