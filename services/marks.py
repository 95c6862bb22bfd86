"""Marks in place of addresses: a log tells one from another by them, and nobody tells whose they are."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

DIGITS = 12


@dataclass(frozen=True)
class Marks:
    """Marks by a key: whoever has not got it cannot try addresses until a mark fits."""

    secret: bytes

    def of(self, address: str) -> str:
        """The mark of an e-mail or network address."""
        return hmac.new(self.secret, f"mark:{address}".encode(), hashlib.sha256).hexdigest()[:DIGITS]
