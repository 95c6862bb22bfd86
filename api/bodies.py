"""How long a request's body may be, and which status its answer has."""

from __future__ import annotations

from typing import Any

from cross_web import HTTPException
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope
from strawberry.types import ExecutionResult

from api.negotiation import RESPONSE_JSON
from schema.errors import INTERNAL

MAX_JSON_BYTES = 1 << 20
MAX_UPLOAD_BYTES = 1 << 30
"""Of all the files of a request together; they wait on disk."""


def bounded(scope: Scope, receive: Receive) -> Receive:
    """Receives no more than a body of this kind may have.

    Raises:
        HTTPException: 413, at once where the body's length is announced.
    """
    headers = Headers(scope=scope)
    is_upload = headers.get("content-type", "").lower().startswith("multipart/")
    limit = MAX_UPLOAD_BYTES if is_upload else MAX_JSON_BYTES
    announced = headers.get("content-length", "0")
    taken = 0

    async def receive_within() -> Message:
        nonlocal taken
        if announced.isdigit() and int(announced) > limit:
            raise HTTPException(413, f"The body has more than {limit >> 20} MB")
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, f"The body has more than {limit >> 20} MB")
        return message

    return receive_within


def is_request_error(result: ExecutionResult) -> bool:
    """Whether nothing was executed, as with syntax errors and variables out of type: no field has failed."""
    return result.data is None and not any(error.path for error in result.errors or ())


def status_of(answer: Any, media_type: str) -> int:
    """The status that GraphQL over HTTP gives an answer; in application/json, a bad document is 200 too."""
    if "data" in answer:
        return 200
    if any(error["extensions"]["code"] == INTERNAL for error in answer["errors"]):
        return 500
    return 400 if media_type == RESPONSE_JSON else 200
