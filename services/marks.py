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
        return self.whole(address)[:DIGITS]

    def whole(self, name: str) -> str:
        """The mark of anything, in all 64 digits, which no two have in common."""
        return hmac.new(self.secret, f"mark:{name}".encode(), hashlib.sha256).hexdigest()
