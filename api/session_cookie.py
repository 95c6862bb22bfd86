"""The cookie in which browsers keep the session of our own pages (RFC 6265bis)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response
from strawberry.http.websocket_origin import is_same_origin


@dataclass(frozen=True)
class SessionCookie:
    """Out of reach of scripts, and gone with the browser: the session's own end is told by the server alone.

    Args:
        own_origin: where our pages come from, as browsers see it. Over TLS, the cookie's name has the prefix
            ``__Host-``: browsers take it from this very host alone, and never send it in the clear.
    """

    own_origin: str

    @property
    def is_secure(self) -> bool:
        return self.own_origin.startswith("https://")

    @property
    def name(self) -> str:
        return "__Host-covidxr" if self.is_secure else "covidxr"

    def token_of(self, request: HTTPConnection) -> str | None:
        """The token in the cookie, if a page of ours asks: any other sends it without a will of its own."""
        return request.cookies.get(self.name) or None if self.is_own_page(request) else None

    def is_own_page(self, request: HTTPConnection) -> bool:
        """Whether a browser says that one of our own pages asks.

        By Fetch Metadata where there is some, else by the origin: over plain HTTP browsers send none, nor do
        some for sockets. A page of another origin that may ask (CORS) is none of ours.
        """
        headers = request.headers
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None:
            return site == "same-origin"
        return origin is not None and (
            origin == self.own_origin or is_same_origin(origin, headers.get("host"))
        )

    def may_be_put(self, request: HTTPConnection) -> bool:
        """Whether the browser that asks will keep one: none is Secure that came in the clear."""
        in_clear = request.headers.get("origin", "").startswith("http://")
        return self.is_own_page(request) and not (self.is_secure and in_clear)

    def put(self, response: Response, token: str | None) -> None:
        """Have the browser keep a token, or none any more."""
        if token is None:
            response.delete_cookie(self.name, secure=self.is_secure, httponly=True, samesite="strict")
        else:
            response.set_cookie(self.name, token, secure=self.is_secure, httponly=True, samesite="strict")
