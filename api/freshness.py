"""Answers that a browser or a proxy may keep, and the short one where it has the newest already."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response

PUBLIC = {"Cache-Control": "public, no-cache", "Vary": "Accept, Authorization, Cookie"}
"""It may be kept by anybody, who asks each time whether it is still so: news shows at once."""

KNOWN_BY = ("authorization", "cookie")


def is_public(request: Request) -> bool:
    """Whether nobody known asks, by GET: what is answered then, anybody may know."""
    return request.method == "GET" and not any(name in request.headers for name in KNOWN_BY)


def revalidated(request: Request, response: Response) -> Response:
    """The answer with its tag, or 304 where the client's is the same."""
    tag = _tag(response)
    headers = {**PUBLIC, "ETag": tag}
    if _names(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


def _tag(response: Response) -> str:
    seen = response.headers["content-type"].encode() + b"\n" + bytes(response.body)
    return f'"{hashlib.sha256(seen).hexdigest()[:32]}"'


def _names(if_none_match: str, tag: str) -> bool:
    """Weakly, as RFC 9110 has it: a proxy that compresses makes tags weak."""
    named = [name.strip().removeprefix("W/") for name in if_none_match.split(",")]
    return tag in named or named == ["*"]
