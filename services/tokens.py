"""Secrets handed to people: made at random, kept as hashes, good for a while."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from store.tables import Token, TokenPurpose, User

LIFETIMES = {
    TokenPurpose.SESSION: timedelta(days=14),
    TokenPurpose.VERIFY_EMAIL: timedelta(hours=24),
    TokenPurpose.RESET_PASSWORD: timedelta(hours=1),
}


def digest(secret: str) -> str:
    """What is kept of a token: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def issue(user: User, purpose: TokenPurpose) -> str:
    """A new token of the user's."""
    secret = secrets.token_urlsafe(32)
    expires_at = datetime.now(UTC) + LIFETIMES[purpose]
    await Token.create(user=user, purpose=purpose, sha256=digest(secret), expires_at=expires_at)
    return secret


async def find(secret: str, purpose: TokenPurpose) -> Token | None:
    """The live token of this secret, with its user."""
    query = Token.live(purpose, digest(secret), datetime.now(UTC))
    return await query.select_related("user").first()


async def revoke_all(user_id: int, *purposes: TokenPurpose) -> None:
    """End every token of these purposes that the user holds."""
    await Token.filter(user_id=user_id, purpose__in=purposes).delete()


async def sweep() -> int:
    """Remove what has expired; how many there were."""
    return await Token.filter(expires_at__lte=datetime.now(UTC)).delete()
