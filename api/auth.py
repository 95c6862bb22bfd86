"""Where a client's token is found."""

from __future__ import annotations

from collections.abc import Mapping


def bearer(authorization: object) -> str | None:
    """The token of ``Bearer TOKEN``; None for anything else."""
    if not isinstance(authorization, str):
        return None
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def authorization_of(parameters: Mapping[str, object]) -> object:
    """What connection_init says under ``authorization``, however that is capitalised; None for nothing."""
    return next((value for name, value in parameters.items() if name.lower() == "authorization"), None)
