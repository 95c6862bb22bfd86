"""Short-lived addresses of pixels, signed so that only we can make them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from time import time
from urllib.parse import urlencode

LIFETIME_SECONDS = 15 * 60


@dataclass(frozen=True)
class Links:
    """Signs addresses and checks them."""

    public_url: str
    secret: bytes

    def image(self, image_id: int) -> str:
        """The address of an image's pixels, good for a quarter of an hour."""
        # Rounded, so that a page asked for again within a while can use what the browser keeps.
        expires = (int(time()) // 60 + 1) * 60 + LIFETIME_SECONDS
        query = urlencode({"expires": expires, "signature": self._sign(image_id, expires)})
        return f"{self.public_url}/images/{image_id}?{query}"

    def is_valid(self, image_id: int, expires: str, signature: str) -> bool:
        """Whether the address was signed here and has not expired."""
        if not (expires.isascii() and expires.isdigit() and len(expires) < 12):
            return False
        genuine = hmac.compare_digest(signature.encode(), self._sign(image_id, int(expires)).encode())
        return genuine and time() < int(expires)

    def _sign(self, image_id: int, expires: int) -> str:
        return hmac.new(self.secret, f"image:{image_id}:{expires}".encode(), hashlib.sha256).hexdigest()
