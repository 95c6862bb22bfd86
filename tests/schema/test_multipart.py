"""The multipart request specification, well and badly followed."""

import asyncio
import json
import logging
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from cross_web import HTTPException
from starlette.datastructures import UploadFile
from starlette.requests import Request

from api import bodies, graphql
from api.multipart import BoundedRequest, put_files
from services.platform import Platform
from services.uploads import MAX_FILES, Incoming
from store.tables import Image, User
from tests import databases, people
from tests.asking import Asker, application
from tests.stand_ins import picture

QUERY = """mutation($input: UploadImagesInput!) {
  uploadImages(input: $input) { errors { code } results { filename image { id } errors { code } } } }"""
GOOD = picture(1)
OPERATIONS = json.dumps({"query": QUERY, "variables": {"input": {"files": [None]}}})
PLACES = json.dumps({"0": ["variables.input.files.0"]})
FILE = {"0": ("chest.png", GOOD)}


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what happens before it is asked."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


async def send(
    asker: Asker, data: dict[str, str], files: dict[str, tuple[str, bytes]], **headers: str
) -> httpx.Response:
    return await asker.client.post("/graphql", data=data, files=files, headers=headers or asker.headers)


def assert_refused(response: httpx.Response, message: str = "", status: int = 400) -> None:
    assert response.status_code == status, response.text
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert message in error["message"]


# ------------------------------------------------------------------ well


async def test_one_file(member: Asker) -> None:
    response = await send(member, {"operations": OPERATIONS, "map": PLACES}, FILE)
    (result,) = response.json()["data"]["uploadImages"]["results"]
    assert result["filename"] == "chest.png"
    assert result["image"]


async def test_files_at_several_places_of_several_fields(member: Asker) -> None:
    query = QUERY.replace("($input: UploadImagesInput!)", "($a: Upload!, $b: [Upload!]!)")
    query = query.replace("uploadImages(input: $input)", "uploadImages(input: {files: $b})")
    query = query.replace(
        "uploadImages", "one: uploadImages(input: {files: [$a]}) { errors { code } } two: uploadImages"
    )
    operations = json.dumps({"query": query, "variables": {"a": None, "b": [None, None]}})
    places = json.dumps({"x": ["variables.a", "variables.b.1"], "y": ["variables.b.0"]})
    files = {"x": ("x.png", picture(1)), "y": ("y.png", picture(2))}
    data = (await send(member, {"operations": operations, "map": places}, files)).json()["data"]
    assert data["one"] == {"errors": []}
    assert [result["filename"] for result in data["two"]["results"]] == ["y.png", "x.png"]
    assert [result["errors"] for result in data["two"]["results"]] == [[], []], "a file is read twice in full"
    assert await Image.all().count() == 2


async def test_a_file_without_a_name(member: Asker) -> None:
    headers = {**member.headers, "Content-Type": "multipart/form-data; boundary=b"}
    response = await member.client.post("/graphql", content=_file_called(b""), headers=headers)
    assert response.json()["data"]["uploadImages"]["results"][0]["filename"] == "unnamed"


# ------------------------------------------------------------------ other sites


@pytest.mark.parametrize(
    "header", ["GraphQL-Require-Preflight", "Apollo-Require-Preflight", "X-Requested-With"]
)
async def test_a_header_shows_that_no_form_of_another_site_sent_it(anybody: Asker, header: str) -> None:
    form = {"operations": OPERATIONS, "map": PLACES}
    answer = (await send(anybody, form, FILE, **{header: "1"})).json()
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", "executed, but signed out"


async def test_a_bare_form_is_refused(anybody: Asker) -> None:
    response = await send(anybody, {"operations": OPERATIONS, "map": PLACES}, FILE, Accept="*/*")
    assert_refused(response, "GraphQL-Require-Preflight")


# ------------------------------------------------------------------ badly

BAD_FORMS: list[tuple[dict[str, str], str]] = [
    ({}, "'operations' is missing"),
    ({"map": PLACES}, "'operations' is missing"),
    ({"operations": OPERATIONS}, "'map' is missing"),
    ({"operations": "{", "map": PLACES}, "JSON"),
    ({"operations": "5", "map": PLACES}, "objects"),
    ({"operations": "null", "map": PLACES}, "objects"),
    ({"operations": f"[{OPERATIONS}]", "map": PLACES}, "objects"),
    ({"operations": OPERATIONS, "map": "{"}, "JSON"),
    ({"operations": OPERATIONS, "map": "5"}, "objects"),
    ({"operations": OPERATIONS, "map": "[]"}, "objects"),
    ({"operations": OPERATIONS, "map": '{"0": "variables.input.files.0"}'}, "no list of paths"),
    ({"operations": OPERATIONS, "map": '{"0": {"a": 1}}'}, "no list of paths"),
    ({"operations": OPERATIONS, "map": '{"0": null}'}, "no list of paths"),
    ({"operations": OPERATIONS, "map": '{"0": [5]}'}, "is no null"),
    ({"operations": OPERATIONS, "map": '{"0": [""]}'}, "is no null"),
    ({"operations": OPERATIONS, "map": '{"0": ["variables"]}'}, "is no null"),
    ({"operations": OPERATIONS, "map": '{"0": ["query"]}'}, "is no null"),
    ({"operations": OPERATIONS, "map": '{"0": ["query.0"]}'}, "is no null"),
    ({"operations": OPERATIONS, "map": '{"0": ["variables.input.files.1"]}'}, "is no null"),
    ({"operations": OPERATIONS, "map": '{"0": ["variables.input.files.x"]}'}, "is no null"),
    ({"operations": OPERATIONS, "map": '{"0": ["variables.input.nothing"]}'}, "is no null"),
    ({"operations": OPERATIONS, "map": '{"0": ["variables.input.files.0.name"]}'}, "is no null"),
    ({"operations": OPERATIONS, "map": json.dumps({"0": ["variables.input.files.0"] * 2})}, "is no null"),
    ({"operations": OPERATIONS, "map": '{"1": ["variables.input.files.0"]}'}, "no file '1'"),
    ({"operations": OPERATIONS, "map": '{"map": ["variables.input.files.0"]}'}, "no file 'map'"),
]


async def test_forms_that_do_not_follow_it(member: Asker) -> None:
    for form, message in BAD_FORMS:
        assert_refused(await send(member, form, FILE), message)
    assert await Image.all().count() == 0


async def test_a_file_that_is_mapped_nowhere_leaves_its_place_empty(member: Asker) -> None:
    answer = (await send(member, {"operations": OPERATIONS, "map": "{}"}, FILE)).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "data" not in answer


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "multipart/form-data; boundary=b"),
        (b"nonsense", "multipart/form-data; boundary=b"),
        (b"--b", "multipart/form-data; boundary=b"),
        (b"--b\r\n\r\n", "multipart/form-data"),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\nx',
            "multipart/form-data; boundary=b",
        ),
    ],
)
async def test_bodies_that_are_no_form(
    member: Asker, content: bytes, content_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {**member.headers, "Content-Type": content_type}
    assert_refused(await member.client.post("/graphql", content=content, headers=headers))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("charset", ["unicode_escape", "raw_unicode_escape", "utf-7", "undefined", "x", ""])
async def test_charsets_other_than_utf_8(member: Asker, charset: str) -> None:
    body = _file_called(b"\\x\\ud800+2AA-\\N{x}.png")
    headers = {**member.headers, "Content-Type": f"multipart/form-data; charset={charset}; boundary=b"}
    assert_refused(await member.client.post("/graphql", content=body, headers=headers), "charset")


async def test_utf_8_by_name(member: Asker) -> None:
    headers = {**member.headers, "Content-Type": 'multipart/form-data; charset="UTF-8"; boundary=b'}
    body = _file_called("tórax.png".encode())
    response = await member.client.post("/graphql", content=body, headers=headers)
    assert response.json()["data"]["uploadImages"]["results"][0]["filename"] == "tórax.png"


def _file_called(name: bytes) -> bytes:
    head = (
        f'--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{OPERATIONS}\r\n'
        f'--b\r\nContent-Disposition: form-data; name="map"\r\n\r\n{PLACES}\r\n'
        '--b\r\nContent-Disposition: form-data; name="0"; filename="'
    )
    return head.encode() + name + b'"\r\n\r\n' + GOOD + b"\r\n--b--\r\n"


# ------------------------------------------------------------------ too much


async def test_ten_thousand_files(member: Asker) -> None:
    count = 10_000
    operations = json.dumps({"query": QUERY, "variables": {"input": {"files": [None] * count}}})
    places = json.dumps({str(n): [f"variables.input.files.{n}"] for n in range(count)})
    files = {str(n): (f"{n}.png", b"x") for n in range(count)}
    response = await send(member, {"operations": operations, "map": places}, files)
    assert_refused(response, "Too many files")
    assert await Image.all().count() == 0


async def test_a_few_files_too_many_are_refused_as_data(member: Asker) -> None:
    payload = await member.upload([(f"{n}.png", b"x") for n in range(MAX_FILES + 1)], "id")
    assert [error["code"] for error in payload["errors"]] == ["TOO_LARGE"]


@pytest.mark.parametrize("token", [None, "expired"])
async def test_nobody_known_sends_more_than_a_little(anybody: Asker, token: str | None) -> None:
    headers = {"GraphQL-Require-Preflight": "1", **({"Authorization": f"Bearer {token}"} if token else {})}
    form = {"operations": OPERATIONS, "map": PLACES}
    big = {"0": ("big.png", b"x" * (2 << 20))}
    assert_refused(await send(anybody, form, big, **headers), "1 MB", 413)
    many = {str(n): (f"{n}.png", GOOD) for n in range(10)}
    assert_refused(await send(anybody, form, many, **headers), "Too many files")


async def test_long_files_wait_on_disk() -> None:
    files = {"short": ("s.png", b"x" * 1000), "long": ("l.png", b"x" * 100_000)}
    made = httpx.Request("POST", "http://covidxr.test/graphql", files=files)
    rest = [{"type": "http.request", "body": made.read()}]
    raw = [(name.lower(), value) for name, value in made.headers.raw]

    async def receive() -> Any:
        return rest.pop()

    request = Request({"type": "http", "method": "POST", "path": "/graphql", "headers": raw}, receive)
    request.state.limits = bodies.UPLOAD
    form = (await BoundedRequest(request).get_form_data()).form
    assert [form[name].file._rolled for name in files] == [False, True]
    await request.close()
    assert all(form[name].file.closed for name in files)


async def test_so_many_forms_are_read_at_once(
    platform: Platform, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql, "FORMS_AT_ONCE", 1)
    transport = httpx.ASGITransport(application(platform))
    async with httpx.AsyncClient(transport=transport, base_url="http://covidxr.test") as client:
        member = await Asker(client).signed_in(ana)
        begun, may_go_on = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(_send_slowly(member, begun, may_go_on))
        await begun.wait()
        form = {"operations": OPERATIONS, "map": PLACES}
        second = asyncio.create_task(send(member, form, FILE))
        stranger = await send(Asker(client), form, FILE, **{"X-Requested-With": "1"})
        assert stranger.status_code == 200, "who sends little waits for nobody"
        assert not (await asyncio.wait({second}, timeout=0.3))[0]
        may_go_on.set()
        for response in await asyncio.gather(first, second):
            assert response.json()["data"]["uploadImages"]["errors"] == []


async def test_slow_forms_of_one_member_keep_nobody_else_waiting(platform: Platform, ana: User) -> None:
    app = application(platform)
    view = app.routes[0].app  # type: ignore[attr-defined]
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://covidxr.test") as client:
        slow = await Asker(client).signed_in(ana)
        other = await Asker(client).signed_in(await people.member("eva@hospital.example"))
        begun, may_go_on = [asyncio.Event() for _ in range(12)], asyncio.Event()
        sending = [asyncio.create_task(_send_slowly(slow, one, may_go_on)) for one in begun]
        async with asyncio.timeout(30):
            while sum(one.is_set() for one in begun) < graphql.FORMS_OF_ONE:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # in which one more would begin if it might
        assert sum(one.is_set() for one in begun) == graphql.FORMS_OF_ONE
        form = {"operations": OPERATIONS, "map": PLACES}
        async with asyncio.timeout(10):
            assert (await send(other, form, FILE)).status_code == 200
        sending.pop().cancel()  # who waits may go
        may_go_on.set()
        for response in await asyncio.gather(*sending):
            assert response.json()["data"]["uploadImages"]["errors"] == []
        assert len(view.turns) == 0


async def _send_slowly(asker: Asker, begun: asyncio.Event, may_go_on: asyncio.Event) -> httpx.Response:
    form = {"operations": OPERATIONS, "map": PLACES}
    made = asker.client.build_request("POST", "/graphql", data=form, files=FILE, headers=asker.headers)
    body = made.read()

    async def halves() -> Any:
        yield body[:100]
        begun.set()
        await may_go_on.wait()
        yield body[100:]

    headers = {**asker.headers, "Content-Type": made.headers["content-type"]}
    return await asker.client.post("/graphql", content=halves(), headers=headers)


async def test_too_many_fields_and_too_long_ones(member: Asker) -> None:
    form = {"operations": OPERATIONS, "map": PLACES}
    many = {**form, **{f"field{n}": "x" for n in range(20)}}
    assert_refused(await send(member, many, FILE), "Too many fields")
    assert_refused(await send(member, {**form, "operations": "x" * (2 << 20)}, FILE), "maximum size")


async def test_a_body_has_an_end(member: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "UPLOAD", replace(bodies.UPLOAD, size=2 << 20))
    form = {"operations": OPERATIONS, "map": PLACES}
    big = {"0": ("big.png", b"x" * (3 << 20))}
    assert_refused(await send(member, form, big), "2 MB", 413)
    request = member.client.build_request("POST", "/graphql", data=form, files=big, headers=member.headers)
    body = request.read()

    async def unannounced() -> Any:
        for begin in range(0, len(body), 1 << 16):
            yield body[begin : begin + (1 << 16)]

    headers = {**member.headers, "Content-Type": request.headers["content-type"]}
    assert_refused(await member.client.post("/graphql", content=unannounced(), headers=headers), "2 MB", 413)
    assert (await send(member, form, FILE)).json()["data"]["uploadImages"]["results"][0]["image"]


def test_numbers_that_are_none() -> None:
    operations: dict[str, Any] = {"variables": {"files": [None]}}
    for step in ("9" * 5000, "1e3", "0x0", "-1", "+0", "0_0", " 0", "0 ", "٠", "²"):
        path = f"variables.files.{step}"
        with pytest.raises(HTTPException, match="is no null"):
            put_files(operations, {"0": [path]}, {"0": _uploaded()})
    put_files(operations, {"0": ["variables.files.0"]}, {"0": _uploaded()})
    assert isinstance(operations["variables"]["files"][0], Incoming)


def _uploaded() -> UploadFile:
    return UploadFile(BytesIO(b"x"), filename="x")
