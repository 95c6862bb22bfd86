"""How long and how slow a request's body may be, and which status its answer has."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from cross_web import HTTPException
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope
from strawberry.types import ExecutionResult

from api.negotiation import RESPONSE_JSON
from schema.errors import INTERNAL, RATE_LIMITED, TIMED_OUT, UNAVAILABLE
from services.uploads import MAX_FILES


@dataclass(frozen=True)
class Limits:
    """What one body may cost the server; ``seconds`` count from when it is first read."""

    size: int
    files: int
    seconds: float


SMALL = Limits(size=1 << 20, files=5, seconds=30.0)
"""Of JSON, and of whatever comes from nobody known."""
UPLOAD = Limits(size=1 << 30, files=MAX_FILES + 10, seconds=600.0)
"""Of forms from who is signed in. A few files too many get through, to be refused as data by the use case."""


def limits_of(headers: Headers, is_signed_in: bool) -> Limits:
    """The limits of a request's body."""
    is_form = headers.get("content-type", "").lower().startswith("multipart/")
    return UPLOAD if is_form and is_signed_in else SMALL


class BoundedBody:
    """Receives a request's body as far as the ``limits`` in the request's state allow.

    Those are put there once it is known who is asking, which is before anything is read.

    Raises:
        HTTPException: 413, at once where the body's length is announced; 408.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope, self._receive = scope, receive
        self._taken = 0
        self._deadline: float | None = None
        self._is_whole = False

    async def __call__(self) -> Message:
        if self._is_whole:
            return await self._receive()  # which now waits for the client to hang up
        limits: Limits = self._scope["state"]["limits"]
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + limits.seconds
            _check_size(_announced(self._scope), limits)
        message = await _received(self._receive, self._deadline)
        self._is_whole = not message.get("more_body", False)
        self._taken += len(message.get("body", b""))
        _check_size(self._taken, limits)
        return message


async def _received(receive: Receive, deadline: float) -> Message:
    try:
        async with asyncio.timeout_at(deadline):
            return await receive()
    except TimeoutError as error:
        raise HTTPException(408, "The body did not arrive in time") from error


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "0")
    return int(length[:19]) if length.isascii() and length.isdigit() else 0


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.size:
        raise HTTPException(413, f"The body has more than {limits.size >> 20} MB")


STATUSES = {INTERNAL: 500, TIMED_OUT: 503, UNAVAILABLE: 503, RATE_LIMITED: 429}
"""Of what is not the document's fault, in every media type: for clients and proxies that look no further."""


def is_request_error(result: ExecutionResult) -> bool:
    """Whether nothing was executed, as with syntax errors and variables out of type: no field has failed."""
    return result.data is None and not any(error.path for error in result.errors or ())


def status_of(answer: Any, media_type: str) -> int:
    """The status that GraphQL over HTTP gives an answer; in application/json, a bad document is 200 too."""
    if "data" in answer:
        return 200
    codes = {error["extensions"]["code"] for error in answer["errors"]}
    told = next((status for code, status in STATUSES.items() if code in codes), None)
    return told or (400 if media_type == RESPONSE_JSON else 200)


def retry_after(answer: Any) -> str | None:
    """The header of an answer that was refused for now: in how many seconds to come back."""
    waits = [error["extensions"].get("retryAfter") for error in answer.get("errors", ())]
    return next((str(wait) for wait in waits if wait), None)
