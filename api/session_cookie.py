"""The cookie in which browsers keep the session of our own pages (RFC 6265bis)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response
from strawberry.http.websocket_origin import is_same_origin, normalize_origin

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
        return _cookie(request, self._name(request)) if self.is_own_page(request) else None

    def is_own_page(self, request: HTTPConnection) -> bool:
        """Whether a browser says that one of our own pages asks.

        By Fetch Metadata where there is some, else by the origin: over plain HTTP browsers send none, nor do
        some for sockets. A page of another origin that may ask (CORS) is none of ours, nor is one that came
        in the clear where ours come by TLS.
        """
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if origin is not None and origin.startswith("http://") and self.is_secure(request):
            return False
        if site is not None:
            return site == "same-origin"
        return origin is not None and (
            normalize_origin(origin) == normalize_origin(self.own_origin)
            or is_same_origin(origin, request.headers.get("host"))
        )

    def put(self, request: HTTPConnection, response: Response, token: str | None) -> None:
        """Have the browser keep a token, or none any more."""
        name = self._name(request)
        secure = self.is_secure(request) or request.headers.get("origin", "").startswith("https://")
        if token is None:
            response.delete_cookie(name, secure=secure, httponly=True, samesite="strict")
        else:
            response.set_cookie(name, token, secure=secure, httponly=True, samesite="strict")

    def _name(self, request: HTTPConnection) -> str:
        return SECURE if self.is_secure(request) else IN_CLEAR


def kept_in(request: HTTPConnection) -> list[str]:
    """The tokens that a browser keeps, whoever has it ask: of use with addresses alone that we signed."""
    return [token for name in (SECURE, IN_CLEAR) if (token := _cookie(request, name))]


def _cookie(request: HTTPConnection, name: str) -> str | None:
    """The one value of a cookie; None where there are several, of which others may have set the last.

    Names are compared as they come. Starlette strips them of what Python takes for blanks, and browsers take
    for letters: by such a letter before `__Host-` a neighbour would get round the prefix.
    """
    pairs = (pair.partition("=") for line in request.headers.getlist("cookie") for pair in line.split(";"))
    values = {value.strip(" \t") for found, _, value in pairs if found.strip(" \t") == name}
    return (values.pop() or None) if len(values) == 1 else None
