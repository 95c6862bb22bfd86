"""Addresses of pixels, heatmaps and cards, signed and short-lived where not everybody may look."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from time import time
from typing import Literal
from urllib.parse import urlencode

LIFETIME_SECONDS = 15 * 60

Room = Literal["images", "thumbnails", "heatmaps", "models"]


@dataclass(frozen=True)
class Links:
    """Signs addresses and checks them."""

    public_url: str
    secret: bytes

    def image(self, image_id: int) -> str:
        """The address of an image's pixels, good for a quarter of an hour."""
        return self._address("images", image_id)

    def thumbnail(self, image_id: int) -> str:
        """The address of an image in small, good for as long."""
        return self._address("thumbnails", image_id)

    def heatmap(self, prediction_id: int) -> str:
        """The address of a prediction's heatmap, good for as long."""
        return self._address("heatmaps", prediction_id)

    def card(self, number: int) -> str:
        """The address of a model's card, for everybody and always."""
        return f"{self.public_url}/models/{number}"

    def private_card(self, number: int) -> str:
        """The address of a card that is not for everybody, good for a quarter of an hour."""
        return self._address("models", number)

    def is_valid(self, room: Room, number: int, expires: str, signature: str) -> bool:
        """Whether the address was signed here and has not expired."""
        if not (expires.isascii() and expires.isdigit() and len(expires) < 12):
            return False
        genuine = hmac.compare_digest(signature.encode(), self._sign(room, number, int(expires)).encode())
        return genuine and time() < int(expires)

    def _address(self, room: Room, number: int) -> str:
        # Rounded, so that a page asked for again within a while can use what the browser keeps.
        expires = (int(time()) // 60 + 1) * 60 + LIFETIME_SECONDS
        query = urlencode({"expires": expires, "signature": self._sign(room, number, expires)})
        return f"{self.public_url}/{room}/{number}?{query}"

    def _sign(self, room: Room, number: int, expires: int) -> str:
        return hmac.new(self.secret, f"{room}:{number}:{expires}".encode(), hashlib.sha256).hexdigest()
