"""What every server is asked, and what it has to answer."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import httpx
import numpy as np
from PIL import Image

from benchmarks.asking import request_to
from benchmarks.graphql_peers.rows import READER, UPLOADER
from benchmarks.scale.calling import FILENAME, FORM, films, upload_of

QUERIES = {
    "typename": "{ __typename }",
    "small": "{ model { number head } }",
    "list": """{ images(first: 20) { pageInfo { hasNextPage } nodes { id filename
        prediction { finding probability model { number head } }
        label { finding submittedBy { name } } } } }""",
}
UPLOAD = """mutation($input: UploadImagesInput!) { uploadImages(input: $input) {
    results { filename image { filename sha256 } errors { message } } errors { message } } }"""
QUESTIONS = (*QUERIES, "upload")
SIDE = 512


@dataclass(frozen=True)
class Asker:
    """Asks as people who are signed in."""

    tokens: list[str]
    film: bytes

    def requests(self, question: str, port: int) -> Iterator[bytes]:
        """Whole requests without end; each upload is of another file."""
        headers = self._headers(question)
        if question in QUERIES:
            return repeat(request_to(port, _asking(question), headers))
        return (request_to(port, upload_of(film, UPLOAD), headers) for film in films([self.film]))

    def answer(self, question: str, port: int, film: bytes) -> dict[str, Any]:
        """The data of one answer.

        Raises:
            AssertionError: there is an error in it.
        """
        body = _asking(question) if question in QUERIES else upload_of(film, UPLOAD)
        headers = {"Content-Type": "application/json", **self._headers(question)}
        url = f"http://127.0.0.1:{port}/graphql"
        answer = httpx.post(url, content=body, headers=headers, timeout=30).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def _headers(self, question: str) -> dict[str, str]:
        """With what Apollo Server and ours want to see of a form, which any page could send."""
        who = UPLOADER if question == "upload" else READER
        form = {"Content-Type": FORM, "Apollo-Require-Preflight": "1"} if question == "upload" else {}
        return {"Authorization": f"Bearer {self.tokens[who]}", **form}


def _asking(question: str) -> bytes:
    return json.dumps({"query": QUERIES[question]}).encode()


def taken(film: bytes) -> dict[str, Any]:
    """The answer to the upload of a new film."""
    image = {"filename": FILENAME, "sha256": hashlib.sha256(film).hexdigest()}
    return {"uploadImages": {"results": [{"filename": FILENAME, "image": image, "errors": []}], "errors": []}}


def made_up_film() -> bytes:
    """A made-up radiograph as JPEG, of the size of a small one."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    noise = np.random.default_rng(7).normal(0, 6, (SIDE, SIDE))
    pixels = 160 + 60 * np.cos(9 * x) * np.sin(5 * y) + noise
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
    return file.getvalue()
