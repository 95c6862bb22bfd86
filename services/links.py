"""Addresses of pictures, cards and copies, short-lived and signed for one session where not all may look."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import time
from typing import Literal, NamedTuple
from urllib.parse import urlencode

from services.permissions import member
from store.tables import User

LIFETIME_SECONDS = 15 * 60
BY_COOKIE = "c"
"""Behind the number of a session that a browser's cookie holds: nobody without it may use the address."""

security = logging.getLogger("security")

Room = Literal["images", "thumbnails", "heatmaps", "models", "exports"]


@dataclass(frozen=True)
class Asked:
    """What an address says that somebody asks by, and what the browser keeps; any of it may be made up."""

    number: int
    viewer: str
    session: str
    expires: str
    signature: str
    cookies: frozenset[str] = frozenset()

    @classmethod
    def of(cls, number: int, query: Mapping[str, str], cookies: Iterable[str] = ()) -> Asked:
        """What a path's number and the query say, and the tokens in the browser's cookies."""
        return cls(
            number,
            viewer=query.get("viewer", ""),
            session=query.get("session", ""),
            expires=query.get("expires", ""),
            signature=query.get("signature", ""),
            cookies=frozenset(cookies),
        )


class Holder(NamedTuple):
    """For whom an address was signed."""

    viewer_id: int
    session_id: int
    is_by_cookie: bool


@dataclass(frozen=True)
class Links:
    """Signs addresses and checks them; `services.viewers` knows who may still use them."""

    public_url: str
    secret: bytes

    def image(self, viewer: User | None, image_id: int) -> str:
        """The address of an image's pixels for this viewer, good for a quarter of an hour of the session.

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

    def holder_of(self, room: Room, asked: Asked) -> Holder | None:
        """Whom the address was signed for; None where it was not signed here, or has expired."""
        if not asked.signature:
            return None
        genuine = self._sign(room, asked.number, asked.viewer, asked.session, asked.expires)
        if not hmac.compare_digest(asked.signature.encode(), genuine.encode()):
            security.warning("an address was not signed here", extra={"fields": {"room": room}})
            return None
        if time() >= int(asked.expires):
            return None
        session_id = asked.session.removesuffix(BY_COOKIE)
        return Holder(int(asked.viewer), int(session_id), asked.session != session_id)

    def _address(self, room: Room, number: int, viewer: User | None) -> str:
        # Rounded, so that a page asked for again within a while can use what the browser keeps.
        expires = str((int(time()) // 60 + 1) * 60 + LIFETIME_SECONDS)
        viewer = member(viewer)
        viewer_id, session = str(viewer.id), f"{viewer.session_id}{BY_COOKIE if viewer.is_by_cookie else ''}"
        signature = self._sign(room, number, viewer_id, session, expires)
        said = {"expires": expires, "viewer": viewer_id, "session": session, "signature": signature}
        query = urlencode(said)
        return f"{self.public_url}/{room}/{number}?{query}"

    def _sign(self, room: Room, number: int, viewer_id: str, session: str, expires: str) -> str:
        signed = f"{room}:{number}:{viewer_id}:{session}:{expires}"
        return hmac.new(self.secret, signed.encode(), hashlib.sha256).hexdigest()
