"""A thousand people who are signed in, made without mails and slow hashes."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from services.tokens import digest
from store.database import open_database
from store.tables import Role, Token, TokenPurpose, User


async def sign_in(database: str, role: Role, count: int) -> list[str]:
    """Their tokens."""
    now, kind = datetime.now(UTC), secrets.token_hex(4)
    secret = [secrets.token_urlsafe(32) for _ in range(count)]
    async with open_database(database):
        mine = {"role": role, "name": "Of a benchmark", "password_hash": "none", "email_verified_at": now}
        await User.bulk_create([User(email=f"{kind}-{n}@hospital.example", **mine) for n in range(count)])
        users = await User.filter(email__startswith=kind).order_by("id")
        await Token.bulk_create(
            Token(
                user=user,
                purpose=TokenPurpose.SESSION,
                sha256=digest(one),
                created_at=now,
                expires_at=now + timedelta(days=1),
            )
            for user, one in zip(users, secret, strict=True)
        )
    return secret
