"""The cookie in which browsers keep the session of our own pages (RFC 6265bis)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response
from strawberry.http.websocket_origin import is_same_origin

SECURE, IN_CLEAR = "__Host-covidxr", "covidxr"
"""Names: browsers take that with the prefix from this very host alone, and never send it in the clear."""


@dataclass(frozen=True)
class SessionCookie:
    """Out of reach of scripts, and gone with the browser: the session's own end is told by the server alone.

    Args:
        own_origin: where our pages come from, as browsers see it.
    """

    own_origin: str

    def is_secure(self, request: HTTPConnection) -> bool:
        """Whether people come by TLS: by our address, or as the proxy says."""
        return self.own_origin.startswith("https://") or request.url.scheme in ("https", "wss")

    def token_of(self, request: HTTPConnection) -> str | None:
        """The token in the cookie, if a page of ours asks: any other sends it without a will of its own."""
        return request.cookies.get(self._name(request)) or None if self.is_own_page(request) else None

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
        return self.is_own_page(request) and not (self.is_secure(request) and in_clear)

    def put(self, request: HTTPConnection, response: Response, token: str | None) -> None:
        """Have the browser keep a token, or none any more."""
        name, secure = self._name(request), self.is_secure(request)
        if token is None:
            response.delete_cookie(name, secure=secure, httponly=True, samesite="strict")
        else:
            response.set_cookie(name, token, secure=secure, httponly=True, samesite="strict")

    def _name(self, request: HTTPConnection) -> str:
        return SECURE if self.is_secure(request) else IN_CLEAR
