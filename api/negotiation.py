"""What a client wants to be answered with, by its Accept header."""

from __future__ import annotations

from functools import lru_cache

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
EVENTS = "text/event-stream"
HTML = "text/html"

EXACT, FAMILY, ANYTHING, NOTHING = 3, 2, 1, 0
Preference = tuple[float, int]

HEADERS_KEPT = 64
"""A few clients send the same ones again and again."""


def preference(accept: str, media_type: str) -> Preference:
    """How much the client wants a media type: its q-value, and how closely it is named (RFC 9110, 12.5.1)."""
    family = media_type.partition("/")[0] + "/*"
    closeness = {media_type: EXACT, family: FAMILY, "*/*": ANYTHING}
    named = [(closeness.get(name, NOTHING), quality) for name, quality in _ranges(accept)]
    closest, quality = max(named, default=(NOTHING, 0.0))
    return (quality, closest) if closest else (0.0, NOTHING)


@lru_cache(HEADERS_KEPT)
def answer_type(accept: str) -> str:
    """The media type of an answer: the newer where it is named and not wanted less; JSON in case of doubt."""
    quality, closeness = preference(accept, RESPONSE_JSON)
    is_wanted = quality > 0 and closeness == EXACT and (quality, closeness) >= preference(accept, JSON)
    return RESPONSE_JSON if is_wanted else JSON


@lru_cache(HEADERS_KEPT)
def wants(accept: str, media_type: str) -> bool:
    """Whether a media type is named and wanted more than an answer in JSON."""
    quality, closeness = preference(accept, media_type)
    json = max(preference(accept, JSON), preference(accept, RESPONSE_JSON))
    return quality > 0 and closeness == EXACT and (quality, closeness) > json


def _ranges(accept: str) -> list[tuple[str, float]]:
    return [_range(part) for part in accept.split(",")]


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    try:
        return name, min(max(float(quality), 0.0), 1.0)
    except ValueError:
        return name, 0.0
