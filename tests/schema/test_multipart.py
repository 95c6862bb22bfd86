"""The multipart request specification, well and badly followed."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from cross_web import HTTPException
from starlette.datastructures import UploadFile

from api import bodies
from api.multipart import put_files
from services.uploads import Incoming
from store.tables import Image
from tests import databases
from tests.asking import Asker
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
    body = (
        (
            f'--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{OPERATIONS}\r\n'
            f'--b\r\nContent-Disposition: form-data; name="map"\r\n\r\n{PLACES}\r\n'
            '--b\r\nContent-Disposition: form-data; name="0"; filename=""\r\n\r\n'
        ).encode()
        + GOOD
        + b"\r\n--b--\r\n"
    )
    headers = {**member.headers, "Content-Type": "multipart/form-data; boundary=b"}
    response = await member.client.post("/graphql", content=body, headers=headers)
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
async def test_bodies_that_are_no_form(member: Asker, content: bytes, content_type: str) -> None:
    headers = {**member.headers, "Content-Type": content_type}
    assert_refused(await member.client.post("/graphql", content=content, headers=headers))


# ------------------------------------------------------------------ too much


async def test_ten_thousand_files(member: Asker) -> None:
    count = 10_000
    operations = json.dumps({"query": QUERY, "variables": {"input": {"files": [None] * count}}})
    places = json.dumps({str(n): [f"variables.input.files.{n}"] for n in range(count)})
    files = {str(n): (f"{n}.png", b"x") for n in range(count)}
    response = await send(member, {"operations": operations, "map": places}, files)
    assert_refused(response, "Too many files")
    assert await Image.all().count() == 0


async def test_too_many_fields_and_too_long_ones(member: Asker) -> None:
    form = {"operations": OPERATIONS, "map": PLACES}
    many = {**form, **{f"field{n}": "x" for n in range(20)}}
    assert_refused(await send(member, many, FILE), "Too many fields")
    assert_refused(await send(member, {**form, "operations": "x" * (2 << 20)}, FILE), "maximum size")


async def test_a_body_has_an_end(member: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_UPLOAD_BYTES", 2 << 20)
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
    for path in ("variables.files." + "9" * 5000, "variables.files.1e3", "variables.files.0x0", "."):
        with pytest.raises(HTTPException, match="is no null"):
            put_files(operations, {"0": [path]}, {"0": _uploaded()})
    put_files(operations, {"0": ["variables.files.0"]}, {"0": _uploaded()})
    assert isinstance(operations["variables"]["files"][0], Incoming)


def _uploaded() -> UploadFile:
    return UploadFile(BytesIO(b"x"), filename="x")
