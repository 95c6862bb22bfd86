"""What pages of other origins may do here, by the CORS protocol of the Fetch standard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from api.multipart import PREFLIGHT
from api.request_ids import HEADER

ANSWER_HEADERS: Final = ("ETag", "Retry-After", HEADER)
"""What a page may read of an answer, besides the few that it always may."""
PREFLIGHT_SECONDS: Final = 600


def middleware(origins: Sequence[str]) -> list[Middleware]:
    """Lets pages of these origins ask and read; those of others may do neither.

    What browsers call credentials (cookies, certificates) is not let through: for them, who asks is told by a
    bearer token, which no browser sends by itself.
    """
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=tuple(origins),
            allow_methods=("GET", "POST"),
            allow_headers=PREFLIGHT,  # what uploads need; Starlette adds Content-Type
            expose_headers=ANSWER_HEADERS,
            max_age=PREFLIGHT_SECONDS,
        )
    ]
