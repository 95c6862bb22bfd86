"""Clients that ask without a pause, each over a connection that is kept, and how long they wait."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from tests.live import Live

BOUNDARY = "of-a-benchmark-alone"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
FILENAME = "film.jpg"
UPLOAD = """mutation($input: UploadImagesInput!) { uploadImages(input: $input) {
    results { image { id predictionState prediction { probability } } errors { message } }
    errors { code message retryAfter } } }"""
LABEL = (
    "mutation($input: SubmitLabelInput!) { submitLabel(input: $input) { label { id } errors { message } } }"
)


@dataclass
class Load:
    """What was answered within a time."""

    seconds: float
    waits: list[float] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, float]:
        """A second, and what one waited, in milliseconds."""
        p50, p99 = np.percentile(self.waits, [50, 99]) * 1000
        return {"per_second": len(self.waits) / self.seconds, "p50_ms": float(p50), "p99_ms": float(p99)}


class Full(Exception):
    """Too many images wait to be judged."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after


class Superseded(Exception):
    """Another model was promoted at this moment, which has not judged the image yet."""


class Caller:
    """One connection to a server, with one request under way at a time."""

    def __init__(self, live: Live) -> None:
        self._live = live

    async def __aenter__(self) -> Caller:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._live.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def upload(self, film: bytes, wait_seconds: int = 0) -> str:
        """The id of the image that a film became; judged, where it is waited for.

        Raises:
            Full: it may come back later.
            Superseded: its prediction was waited for, and is to be made anew.
        """
        answer = await self._post(upload_of(film, UPLOAD, waitSeconds=wait_seconds), FORM)
        payload = answer["data"]["uploadImages"]
        for error in payload["errors"]:
            assert error["code"] == "RATE_LIMITED", answer
            raise Full(error["retryAfter"])
        (result,) = payload["results"]
        assert result["image"], answer
        if wait_seconds and not result["image"]["prediction"]:
            assert result["image"]["predictionState"] == "PENDING", answer
            raise Superseded
        return str(result["image"]["id"])

    async def label(self, image: str, finding: str) -> None:
        body = {"query": LABEL, "variables": {"input": {"imageId": image, "finding": finding}}}
        answer = await self._post(json.dumps(body).encode(), "application/json")
        assert answer["data"]["submitLabel"]["label"], answer

    async def _post(self, body: bytes, kind: str) -> dict[str, Any]:
        fields = {
            "Host": f"127.0.0.1:{self._live.port}",
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            **self._live.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._writer.write(f"POST /graphql HTTP/1.1\r\n{head}\r\n".encode() + body)
        status, _, rest = (await self._reader.readuntil(b"\r\n\r\n")).lower().partition(b"\r\n")
        length = int(rest.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        answer: dict[str, Any] = json.loads(await self._reader.readexactly(length))
        assert b" 200 " in status, answer
        assert "errors" not in answer, answer
        return answer


def upload_of(film: bytes, query: str, **details: object) -> bytes:
    """The form by which a film is uploaded."""
    operations = json.dumps({"query": query, "variables": {"input": {"files": [None], **details}}})
    parts = [
        _part("operations", operations.encode()),
        _part("map", b'{"0": ["variables.input.files.0"]}'),
        _part("0", film, f'; filename="{FILENAME}"\r\nContent-Type: image/jpeg'),
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _part(name: str, content: bytes, more: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def films(originals: list[bytes]) -> Iterator[bytes]:
    """JPEG files without end, no two of the same bytes: behind the first marker each has its own comment."""
    while True:
        for original in originals:
            comment = secrets.token_hex(16).encode()
            yield original[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + original[2:]


async def upload_for(seconds: float, lives: list[Live], originals: list[bytes]) -> tuple[Load, list[str]]:
    """What uploaders at these servers were answered, and the images that came of it."""
    load, images, endless = Load(seconds), list[str](), films(originals)

    async def upload(live: Live) -> None:
        async with Caller(live) as caller:
            while True:
                began = perf_counter()
                images.append(await caller.upload(next(endless)))
                load.waits.append(perf_counter() - began)

    await _for(seconds, [upload(live) for live in lives])
    return load, images


async def label_for(seconds: float, lives: list[Live], images: list[str]) -> Load:
    """What labellers of these images were answered, each of whom labels again what another has labelled."""
    load, turns = Load(seconds), iter(range(10**9))

    async def label(live: Live) -> None:
        async with Caller(live) as caller:
            while True:
                turn, began = next(turns), perf_counter()
                finding = ("COVID", "NO_COVID")[turn // len(images) % 2]
                await caller.label(images[turn % len(images)], finding)
                load.waits.append(perf_counter() - began)

    await _for(seconds, [label(live) for live in lives])
    return load


async def _for(seconds: float, clients: list[Any]) -> None:
    """All of them at once, for so long; one that fails ends the others."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(client) for client in clients]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
