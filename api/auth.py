"""Where a client's token is found, and where the client is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.datastructures import Address


def bearer(authorization: object) -> str | None:
    """The token of ``Bearer TOKEN``; None for anything else."""
    if not isinstance(authorization, str):
        return None
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def authorization_of(parameters: Mapping[str, object]) -> object:
    """What connection_init says under ``authorization``, however that is capitalised; None for nothing."""
    return next((value for name, value in parameters.items() if name.lower() == "authorization"), None)


def source_of(client: Address | None) -> str:
    """The address that counts as one asker; of IPv6 its network of 64 bits, since anybody has a whole one."""
    return _source(client.host if client else "")


@lru_cache(maxsize=1024)
def _source(host: str) -> str:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host  # of a test, or of a socket that is a file
    if not isinstance(address, IPv6Address):
        return host
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
