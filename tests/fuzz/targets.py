"""What takes bytes of strangers, each with good ones to begin with, and what it may answer."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from graphql import OperationDefinitionNode
from starlette.applications import Starlette

from api.settings import Settings
from api.wiring import running
from ml import default_model, model_file
from ml.fingerprint import fingerprint
from ml.formats.stripping import strip
from ml.full_size import full_size
from ml.image import ImageError, decode
from ml.png import written
from ml.recipes import UnknownRecipe
from schema.documents import check
from schema.schema import build_schema
from services import tokens
from services.uploads import FAULT
from store.tables import TokenPurpose
from tests import dicom_files, image_files, stand_ins, ways
from tests.asking import application
from tests.conftest import IMAGES
from tests.fuzz.target import Target, Try, Wrong
from tests.fuzz.wire import HEADERS, requests, server
from tests.people import member

# ------------------------------------------------------------------ files


@contextmanager
def decoders() -> Iterator[Try]:
    """What an upload does with a file, up to its fingerprint, and whoever looks at the picture after it."""

    def taken(data: bytes) -> bool:
        try:
            kept = strip(data)
            fingerprint(decode(kept).pixels)
            deque(written(full_size(kept)), maxlen=0)
        except ImageError:
            return False
        return True

    yield taken


def pictures() -> list[bytes]:
    """Each kind of file that is taken, small; and some as users have them."""
    kinds = {**image_files.LOSSLESS, **image_files.LOSSY}
    small = [image_files.encoded(image, kind, **options) for image, kind, options in kinds.values()]
    small += [make() for make in image_files.DEEP_FILES.values()]
    real = [file.read_bytes() for file in sorted((IMAGES / "cxr" / "originals").glob("*.*"))]
    return small + [data for data in real if len(data) < 1 << 18]


def dicoms() -> list[bytes]:
    """Each transfer syntax."""
    return [
        make() for make in (*dicom_files.LOSSLESS_SYNTAXES.values(), *dicom_files.LOSSY_SYNTAXES.values())
    ]


@contextmanager
def loader() -> Iterator[Try]:
    """What a server does with the file of a model before it uses any of it."""

    def taken(data: bytes) -> bool:
        try:
            model_file.load(data)
        except (model_file.ModelFileError, UnknownRecipe):
            return False
        return True

    yield taken


def models() -> list[bytes]:
    """The default model, and one without what its head leaves out."""
    default = default_model.load().model
    return [model_file.save(model) for model in (default, replace(default, novelty=None, band=None))]


# ------------------------------------------------------------------ GraphQL


@contextmanager
def documents() -> Iterator[Try]:
    """What happens to a document, and its variables behind a NUL, before anything runs."""
    schema = build_schema()._schema

    def taken(data: bytes) -> bool:
        text, _, given = data.decode(errors="replace").partition("\0")
        try:
            variables = json.loads(given)
        except ValueError:
            variables = None
        checked = check(schema, text)
        if checked.document is None or checked.errors:
            return False
        for node in checked.document.definitions:
            if isinstance(node, OperationDefinitionNode):
                name = node.name.value if node.name else None
                checked.cost(name, variables if isinstance(variables, dict) else None)
                checked.listens(name)
        return True

    yield taken


def texts() -> list[bytes]:
    """Queries of every kind of object, and documents with fragments, variables and directives."""
    queries = [query for _, query in ways.ways()]
    queries = queries[:: max(1, len(queries) // 60)]
    queries += [
        "query A($n: Int = 3, $after: Cursor) { images(first: $n, after: $after) { ...P } } "
        "query B { viewer { id @skip(if: true) } } fragment P on ImageConnection { nodes { id ...I } } "
        "fragment I on Image { ... on Image @include(if: false) { label { finding } } }",
        "mutation($input: SubmitLabelInput!) { a: submitLabel(input: $input) { errors { code path } } }",
        'subscription { predictionMade(after: "x") { prediction { image { id } } } }',
        "{ __schema { types { name fields { name args { name } } } } __typename }",
        'query($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Image { id } } node(id: "x") { id } }',
    ]
    variables = ['{"n": 9}', '{"ids": ["a", "b"]}', '{"input": {"imageId": "1", "finding": "COVID"}}']
    return [f"{query}\0{variables[number % 3]}".encode() for number, query in enumerate(queries)]


WORDS = [
    b"{ __typename }", b"...", b"fragment F on Image { ...F }", b"...F", b"@skip(if: $x)",
    b"(first: 100)", b"(first: -1)", b"(last: 2147483648)", b'"""', b'"\\u{110000}"', b"\\uD800", b"$",
    b"on", b"null", b"[[[[[[", b"{{{{{{", b"}", b"#", b"\xef\xbb\xbf", b"subscription", b"mutation",
    b"query Q", b": a", b"1e999", b"NaN", b'{"a": [', b"\xff", b"nodes { id }", b"ids: [1, 2]",
    b"totalCount",
]  # fmt: skip


# ------------------------------------------------------------------ the endpoint


@contextmanager
def endpoint(ask: Callable[[Starlette, str, bytes], Any]) -> Iterator[Try]:
    """The endpoint of a platform on stand-ins, asked by a member."""
    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def begin() -> tuple[Starlette, str]:
            settings = Settings(data_dir=Path(name), points_per_minute=0, queue_limit=0)
            platform = await stack.enter_async_context(running(settings, stand_ins.parts()))
            return application(platform), await tokens.issue(await member(), TokenPurpose.SESSION)

        app, token = runner.run(begin())
        yield lambda data: bool(runner.run(ask(app, token, data)))
        runner.run(stack.aclose())


BOUNDARY = "of-a-fuzzer"
UPLOAD = (
    "mutation($input: UploadImagesInput!) { uploadImages(input: $input) { results { errors { message } } } }"
)


async def posted(app: Starlette, token: str, data: bytes) -> bool:
    """A body behind a line that says of what type it is."""
    media_type, _, body = data.partition(b"\n")
    headers = [(b"content-type", media_type), (b"authorization", f"Bearer {token}".encode())]
    rest = [{"type": "http.request", "body": body, "more_body": False}]
    said: list[Any] = []

    async def receive() -> Any:
        return rest.pop() if rest else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    await app(
        {**SCOPE, "type": "http", "method": "POST", "scheme": "http", "headers": headers}, receive, send
    )
    status = said[0]["status"]
    text = b"".join(message.get("body", b"") for message in said[1:]).decode()
    answer = json.loads(text)
    if status >= 500 or '"INTERNAL"' in text or FAULT.message in text:
        raise Wrong(text)
    return "errors" not in answer


def forms() -> list[bytes]:
    """Uploads of none, one and two files, and queries as JSON."""

    def part(name: str, value: bytes, more: str = "") -> bytes:
        header = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
        return header.encode() + value + b"\r\n"

    def form(count: int) -> bytes:
        operations = {"query": UPLOAD, "variables": {"input": {"files": [None] * count}}}
        places = {str(number): [f"variables.input.files.{number}"] for number in range(count)}
        parts = [
            part("operations", json.dumps(operations).encode()),
            part("map", json.dumps(places).encode()),
        ]
        for number in range(count):
            data = stand_ins.picture(number, size=(64, 64), format="JPEG")
            parts.append(part(str(number), data, f'; filename="{number}.jpg"'))
        ending = f"--{BOUNDARY}--\r\n".encode()
        return f"multipart/form-data; boundary={BOUNDARY}\n".encode() + b"".join(parts) + ending

    queries = [{"query": "{ __typename }"}, {"query": "query A { __typename }", "operationName": "A"}]
    asked = [b"application/json\n" + json.dumps(query).encode() for query in queries]
    return [form(0), form(1), form(2), *asked]


PARTS = [
    b"\r\n", b"--of-a-fuzzer", b"--of-a-fuzzer--", b"Content-Disposition: form-data; name=",
    b"filename*=utf-8''%ff", b'"variables.input.files.0"', b"variables.input", b"extensions", b"null",
    b"[]", b"{}", b'"0"', b"Content-Type: ", b"; charset=utf-16", b"boundary=", b"\xff\xfe",
    b"operations", b"map", b'name=""', b"Content-Length: -1\r\n", b'{"__proto__": 1}', b"[" * 200,
    b"1e400", b'"\\ud800"',
]  # fmt: skip


async def conversed(app: Starlette, token: str, data: bytes) -> bool:
    """Frames of a socket, a line each; one that begins with a NUL is binary."""
    frames = [{"type": "websocket.connect"}]
    for line in data.replace(b"TOKEN", token.encode()).split(b"\n"):
        is_binary = line.startswith(b"\0")
        frame: dict[str, Any] = {"bytes": line} if is_binary else {"text": line.decode(errors="replace")}
        frames.append({"type": "websocket.receive", **frame})
    said: list[Any] = []

    async def receive() -> Any:
        if frames:
            return frames.pop(0)
        if said[-1]["type"] != "websocket.close":
            await asyncio.sleep(PAUSE_SECONDS)  # for what was begun to say something
        return {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        **SCOPE,
        "type": "websocket",
        "scheme": "ws",
        "headers": [],
        "subprotocols": ["graphql-transport-ws"],
    }
    await app(scope, receive, send)
    text = " ".join(str(message.get("text", "")) for message in said)
    ends = [message["code"] for message in said if message["type"] == "websocket.close"]
    if '"INTERNAL"' in text or set(ends) - CLOSES:
        raise Wrong(f"{ends} {text}")
    return not ends


PAUSE_SECONDS = 0.003
CLOSES = {1000, 4400, 4401, 4403, 4406, 4408, 4409, 4411, 4429}
SCOPE: dict[str, Any] = {
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "path": "/graphql",
    "raw_path": b"/graphql",
    "query_string": b"",
    "root_path": "",
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 80),
}


def talks() -> list[bytes]:
    """Conversations, of a member and of a stranger."""
    opened = '{"type": "connection_init", "payload": {"authorization": "Bearer TOKEN"}}'
    asks = [
        {"query": "{ __typename }"},
        {"query": "query A { viewer { id } } query B { __typename }", "operationName": "B", "variables": {}},
        {
            "query": "subscription($a: Cursor) { newsPublished(after: $a) { cursor } }",
            "variables": {"a": None},
        },
    ]
    begun = [json.dumps({"id": str(n), "type": "subscribe", "payload": ask}) for n, ask in enumerate(asks)]
    ended = '{"id": "1", "type": "complete"}'
    return [
        "\n".join(lines).encode()
        for lines in (
            [opened, begun[0], ended],
            [opened, *begun, ended, '{"type": "ping", "payload": {"a": 1}}', '{"type": "pong"}'],
            ['{"type": "connection_init"}', *begun],
            ["\0binary", opened],
        )
    ]


SAYINGS = [
    b'{"type": "connection_init"}\n', b'"id": ""', b'"id": 1', b'"payload": []', b'"query": null',
    b'"type": "next"', b"\n", b"\n\0", b"null", b"[]",
    b'"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}', b"TOKEN",
    b'"operationName": 7', b'"variables": []', b"[" * 2000, b'"\\ud800"', b"NaN", b"1e999",
    b'"type": "complete"', b"\xff", b'"error"', b'"authorization": null', b"subscription",
]  # fmt: skip

FORMS = ["api", "python_multipart", "starlette"]
TARGETS = {
    target.name: target
    for target in (
        Target("images", decoders, pictures, ["ml", "PIL"]),
        Target("dicom", decoders, dicoms, ["ml", "PIL"]),
        Target("models", loader, models, ["ml"]),
        Target("documents", documents, texts, ["schema", "graphql"], WORDS),
        Target("multipart", partial(endpoint, posted), forms, FORMS, PARTS),
        Target("sockets", partial(endpoint, conversed), talks, ["api", "schema", "strawberry"], SAYINGS),
        Target("wire", server, requests, ["api", "starlette", "uvicorn", "websockets"], HEADERS),
    )
}
