"""Uploads as the GraphQL multipart request specification sends them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from cross_web import FormData, HTTPException, StarletteRequestAdapter
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from api.bodies import Limits
from services.uploads import Incoming

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # a client's malformed form would fill the log

MAX_FIELDS = 10
"""`operations` and `map`, and a few that some clients add."""
PREFLIGHT = ("authorization", "graphql-require-preflight", "apollo-require-preflight", "x-requested-with")
"""Headers that no page of another site can send unless it was allowed to: a form alone sends none of them."""


class SparingParser(MultiPartParser):
    """Keeps little of a file in memory: what is longer waits on disk."""

    spool_max_size = 1 << 16


class BoundedRequest(StarletteRequestAdapter):
    """A request whose form has a limited number of parts, and whose errors are the client's.

    The request's state holds the ``limits`` of its body, and who is its ``sender``.
    """

    _request: Request

    @property
    def limits(self) -> Limits:
        limits: Limits = self._request.state.limits
        return limits

    @property
    def sender(self) -> str:
        sender: str = self._request.state.sender
        return sender

    @property
    def content_type(self) -> str | None:
        return (super().content_type or "").lower()

    async def get_form_data(self) -> FormData:
        """The form.

        Raises:
            HTTPException: 400, where it is malformed, not in UTF-8 or has too many parts.
        """
        request = self._request
        _refuse_charsets(request.headers.get("content-type"))
        try:
            async with aclosing(request.stream()) as stream:
                parser = SparingParser(
                    request.headers, stream, max_files=self.limits.files, max_fields=MAX_FIELDS
                )
                form = await parser.parse()
        except MultiPartException as error:
            raise HTTPException(400, f"Malformed multipart request: {error.message}") from error
        request._form = form  # Request.form() takes no parser; Request.close() deletes these files
        return FormData(files=form, form=form)


def _refuse_charsets(content_type: str | None) -> None:
    """Starlette decodes names by any codec of Python's, some of which are no charsets and fail."""
    charset = parse_options_header(content_type)[1].get(b"charset", b"utf-8")
    if charset.lower() not in (b"utf-8", b"utf8"):
        raise HTTPException(400, "Malformed multipart request: its charset is not UTF-8")


def refuse_other_sites(headers: Mapping[str, str]) -> None:
    """A browser sends a form to any site without asking first: one that could be such a form is refused.

    Raises:
        HTTPException: 400.
    """
    if not any(headers.get(name) for name in PREFLIGHT):
        raise HTTPException(400, "Multipart requests need the header GraphQL-Require-Preflight: 1")


def text_of(form: Mapping[str, Any], name: str) -> str:
    """A field of the form that has to be there.

    Raises:
        HTTPException: 400.
    """
    text = form.get(name)
    if not isinstance(text, str):
        raise HTTPException(400, f"Malformed multipart request: the field {name!r} is missing")
    return text


def put_files(operations: dict[str, Any], places: dict[str, Any], form: Mapping[str, Any]) -> None:
    """Put every file of the form where the map says.

    Raises:
        HTTPException: 400, where a file is missing or a path leads nowhere.
    """
    for name, paths in places.items():
        file = form.get(name)
        if not isinstance(file, UploadFile):
            raise HTTPException(400, f"Malformed multipart request: there is no file {name!r}")
        if not isinstance(paths, list):
            raise HTTPException(400, f"Malformed multipart request: map of {name!r} is no list of paths")
        incoming = _incoming(file)
        for path in paths:
            _put(operations, path, incoming)


def _incoming(file: UploadFile) -> Incoming:
    turn = asyncio.Lock()  # one file may be mapped to several places, which are read at the same time

    async def read() -> bytes:
        async with turn:
            await file.seek(0)
            return await file.read()

    return Incoming(file.filename or "", file.size, read)


def _put(operations: dict[str, Any], path: object, file: Incoming) -> None:
    target: Any = operations
    try:
        *way, last = str(path).split(".")
        for step in way:
            target = target[_key(target, step)]
        if target[_key(target, last)] is not None:
            raise KeyError(last)
        target[_key(target, last)] = file
    except (LookupError, ValueError, TypeError) as error:
        raise HTTPException(
            400, f"Malformed multipart request: map names {path!r}, which is no null"
        ) from error


def _key(target: object, step: str) -> str | int:
    if not isinstance(target, list):
        return step
    if not (step.isascii() and step.isdigit()):  # int() takes signs, spaces and underscores too
        raise ValueError(step)
    return int(step)
