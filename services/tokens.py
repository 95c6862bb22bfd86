"""Secrets handed to people: made at random, kept as hashes, good for a while."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from tortoise.exceptions import OperationalError
from tortoise.expressions import F

from events.messages import SessionsEnded
from services.errors import Code, Problem, Refused
from services.outbox import record
from store.kept import Kept
from store.tables import Token, TokenPurpose, User

LIFETIMES = {
    TokenPurpose.SESSION: timedelta(days=14),
    TokenPurpose.VERIFY_EMAIL: timedelta(hours=24),
    TokenPurpose.RESET_PASSWORD: timedelta(hours=1),
    TokenPurpose.CHANGE_EMAIL: timedelta(hours=24),
}

WRITTEN = 24
"""How often, at most, it is written down while a token would last unused that it is in use."""
PAUSE = timedelta(seconds=60)
"""Between two mails of one kind to one person, however often anybody asks for them."""
LIVE = Kept(
    Token,
    lambda purpose, digests, now: Token.filter(
        purpose=purpose, sha256__in=digests, expires_at__gt=now
    ).select_related("user"),
)
EXPIRED = Problem(Code.TOKEN_EXPIRED, "this link is not whole, has expired or was used already", "token")

logger = logging.getLogger(__name__)


def digest(secret: str) -> str:
    """What is kept of a token: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def issue(
    user: User,
    purpose: TokenPurpose,
    email: str | None = None,
    client: str | None = None,
    lasts: timedelta | None = None,
) -> str:
    """A new token of the user's: to move the account to ``email``, or of the session of a ``client``.

    It ``lasts`` as long as any of its purpose may, where nothing else is said.
    """
    secret = secrets.token_urlsafe(32)
    expires_at = datetime.now(UTC) + min(lasts or LIFETIMES[purpose], LIFETIMES[purpose])
    fields: dict[str, Any] = {
        "sha256": digest(secret),
        "expires_at": expires_at,
        "email": email,
        "client": client,
    }
    await Token.create(user=user, purpose=purpose, **fields)
    return secret


async def find(secret: str, purpose: TokenPurpose) -> Token | None:
    """The live token of this secret, with its user."""
    query = Token.live(purpose, digest(secret), datetime.now(UTC))
    return await query.select_related("user").first()


async def find_all(secrets: Iterable[str], purpose: TokenPurpose) -> dict[str, Token]:
    """The live tokens of these secrets, each with its user."""
    by_digest = {digest(secret): secret for secret in secrets}
    live = await LIVE.rows(purpose, list(by_digest), datetime.now(UTC))
    return {by_digest[token.sha256]: token for token in live}


async def put_off(token: Token, by: timedelta) -> None:
    """Let a token in use last for so long from now on, or to the end of its life; written down now and then.

    A database that takes nothing at the moment, as on a full disk, keeps nobody from reading.
    """
    now = datetime.now(UTC)
    ends = min(now + by, token.created_at + LIFETIMES[token.purpose])
    if ends - token.expires_at < by / WRITTEN:
        return
    try:
        await Token.filter(id=token.id).update(expires_at=ends)
    except OperationalError:
        logger.warning("the end of a session could not be put off: the database takes nothing")
    else:
        token.expires_at = ends


async def get(secret: str, purpose: TokenPurpose) -> Token:
    """The live token of this secret, with its user.

    Raises:
        Refused: TOKEN_EXPIRED.
    """
    token = await find(secret, purpose)
    if token is None:
        raise Refused(EXPIRED)
    return token


async def redeem(token: Token) -> None:
    """Use a token up, in a transaction: of several who hold it at once, one does.

    Raises:
        Refused: TOKEN_EXPIRED.
    """
    if not await Token.filter(id=token.id).delete():
        raise Refused(EXPIRED)


async def locked(user_id: int) -> User | None:
    """The user as the row is now, in a transaction, until whose end the account does not move.

    A link that is issued within goes to an address whose links are revoked when the account leaves it; one
    that was issued after a look at the row could go to an old address and be good.
    """
    # Changes nothing, but locks the row.
    if not await User.filter(id=user_id).update(email=F("email")):
        return None
    return await User.get(id=user_id)


async def claim_mail(user: User, purpose: TokenPurpose) -> bool:
    """Whether a token may be mailed to the user now, in a transaction; False for `PAUSE` afterwards.

    The mail and its token are made later, so that a token whose secret nobody learns marks the time.
    """
    # Changes nothing, but locks the row: of many who ask at once, one gets the mail sent.
    # Where the account has moved to another address meanwhile, nothing goes to the old one.
    if not await User.filter(id=user.id, email=user.email).update(email=user.email):
        return False
    now = datetime.now(UTC)
    young = Token.filter(user_id=user.id, purpose=purpose, created_at__gt=now - PAUSE)
    if await young.filter(expires_at__gt=now).exists():
        return False
    await issue(user, purpose)
    return True


async def revoke_all(user_id: int, *purposes: TokenPurpose) -> None:
    """End every token of these purposes that the user holds."""
    await Token.filter(user_id=user_id, purpose__in=purposes).delete()
    if TokenPurpose.SESSION in purposes:
        await record(SessionsEnded(user_id))


async def end_other_sessions(user_id: int, secret: str | None) -> None:
    """End every session of the user but that of a token."""
    sessions = Token.filter(user_id=user_id, purpose=TokenPurpose.SESSION)
    await sessions.exclude(sha256=digest(secret or "")).delete()
    await record(SessionsEnded(user_id))


async def sweep() -> int:
    """Remove what has expired; how many there were."""
    return await Token.filter(expires_at__lte=datetime.now(UTC)).delete()
