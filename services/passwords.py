"""Passwords: Argon2id, off the event loop."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.errors import Code, Problem

MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 256
"""Longer ones would only cost us time."""

# RFC 9106's second recommended option, argon2-cffi's default: 64 MiB, 3 passes, 4 lanes.
_HASHER = PasswordHasher()
# Verified against when the address is unknown, so that the answer takes as long.
_NOBODY = _HASHER.hash("nobody's password")


def problems_of(password: str, field: str = "password") -> list[Problem]:
    """What is wrong with a new password."""
    if len(password) < MINIMUM_LENGTH:
        return [Problem(Code.INVALID, f"a password has at least {MINIMUM_LENGTH} characters", field)]
    if len(password) > MAXIMUM_LENGTH:
        return [Problem(Code.TOO_LARGE, f"a password has at most {MAXIMUM_LENGTH} characters", field)]
    return []


async def hashed(password: str) -> str:
    """The password's hash, with its salt and parameters."""
    return await asyncio.to_thread(_HASHER.hash, password)


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one hashed; as slow where there is no hash."""
    if len(password) > MAXIMUM_LENGTH:
        return False
    return await asyncio.to_thread(_verify, password, password_hash or _NOBODY) and password_hash is not None


def _verify(password: str, password_hash: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
