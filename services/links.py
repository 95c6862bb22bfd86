"""Addresses of pictures, cards and copies, short-lived and signed for one viewer where not all may look."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import Literal
from urllib.parse import urlencode

from services.permissions import member
from store.tables import User

LIFETIME_SECONDS = 15 * 60

security = logging.getLogger("security")

Room = Literal["images", "thumbnails", "heatmaps", "models", "exports"]


@dataclass(frozen=True)
class Asked:
    """What an address says that somebody asks by; any of it may be made up."""

    number: int
    viewer: str
    expires: str
    signature: str

    @classmethod
    def of(cls, number: int, query: Mapping[str, str]) -> Asked:
        """What a path's number and the query say."""
        return cls(number, *(query.get(name, "") for name in ("viewer", "expires", "signature")))


@dataclass(frozen=True)
class Links:
    """Signs addresses and checks them; `services.viewers` knows who may still use them."""

    public_url: str
    secret: bytes

    def image(self, viewer: User | None, image_id: int) -> str:
        """The address of an image's pixels for this viewer, good for a quarter of an hour.

        Raises:
            Unauthenticated: there is no viewer; of each of these addresses.
        """
        return self._address("images", image_id, viewer)

    def thumbnail(self, viewer: User | None, image_id: int) -> str:
        """The address of an image in small, good for as long."""
        return self._address("thumbnails", image_id, viewer)

    def heatmap(self, viewer: User | None, prediction_id: int) -> str:
        """The address of a prediction's heatmap, good for as long."""
        return self._address("heatmaps", prediction_id, viewer)

    def card(self, number: int) -> str:
        """The address of a model's card, for everybody and always."""
        return f"{self.public_url}/models/{number}"

    def private_card(self, viewer: User | None, number: int) -> str:
        """The address of a card that is not for everybody, good for a quarter of an hour."""
        return self._address("models", number, viewer)

    def export(self, viewer: User) -> str:
        """The address of the viewer's copy of all that is their own, good for as long."""
        return self._address("exports", viewer.id, viewer)

    def viewer_of(self, room: Room, asked: Asked) -> int | None:
        """The id of whom the address was signed for; None where it was not signed here, or has expired."""
        if not asked.signature:
            return None
        genuine = self._sign(room, asked.number, asked.viewer, asked.expires)
        if not hmac.compare_digest(asked.signature.encode(), genuine.encode()):
            security.warning("an address was not signed here", extra={"fields": {"room": room}})
            return None
        return int(asked.viewer) if time() < int(asked.expires) else None

    def _address(self, room: Room, number: int, viewer: User | None) -> str:
        # Rounded, so that a page asked for again within a while can use what the browser keeps.
        expires = str((int(time()) // 60 + 1) * 60 + LIFETIME_SECONDS)
        viewer_id = str(member(viewer).id)
        signature = self._sign(room, number, viewer_id, expires)
        query = urlencode({"expires": expires, "viewer": viewer_id, "signature": signature})
        return f"{self.public_url}/{room}/{number}?{query}"

    def _sign(self, room: Room, number: int, viewer_id: str, expires: str) -> str:
        signed = f"{room}:{number}:{viewer_id}:{expires}"
        return hmac.new(self.secret, signed.encode(), hashlib.sha256).hexdigest()
