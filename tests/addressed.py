"""What a signed address says, as the server reads it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from services.links import Asked


def asked(address: str) -> Asked:
    """The number and the query of an address."""
    parts = urlsplit(address)
    return Asked.of(int(parts.path.rpartition("/")[2]), dict(parse_qsl(parts.query)))
