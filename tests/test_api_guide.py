"""docs/api.md and examples/ do what they say: every block is run, and every example, on a live server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from events.log import encode_cursor
from tests.live import ROOT, Live, serving
from tests.missing import missing
from tests.radiographs import radiograph

GUIDE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE, re.M | re.S)
EXAMPLES = {"ts": ROOT / "examples" / "typescript", "python": ROOT / "examples" / "python"}
MODULES = ROOT / "web" / "node_modules"
EMAIL, PASSWORD = "you@your-hospital.example", "correct horse battery"

pytestmark = pytest.mark.slow


@dataclass
class Reader:
    """Somebody who tries the guide's blocks one after the other."""

    server: Live
    folder: Path
    token: str = ""
    image: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(100)))

    def new_image(self) -> Path:
        """Another film, since one that is known is not judged again."""
        number = next(self.numbers)
        file = self.folder / f"film-{number}.png"
        radiograph("covid", seed=number).save(file)
        return file

    def paste(self, block: str) -> str:
        """What a block of shell prints; it has to succeed."""
        address = self.server.url.removesuffix("/graphql")
        own = block.replace("http://127.0.0.1:8000", address).replace("…", PASSWORD)
        command = ["bash", "-euo", "pipefail", "-c", own]
        environment = {**self.server.environment, "TOKEN": self.token}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, timeout=120, check=True
        )
        return done.stdout.decode()

    def ask(self, query: str, variables: dict[str, Any]) -> httpx.Response:
        """The answer to a block of GraphQL; a subscription's is its first event."""
        accept = "text/event-stream" if query.startswith("subscription") else "application/json"
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept}
        body = {"query": query, "variables": variables}
        with httpx.stream("POST", self.server.url, json=body, headers=headers, timeout=30) as response:
            lines = response.iter_lines()
            text = next(line for line in lines if "data" in line or "errors" in line)
        return httpx.Response(response.status_code, text=text.removeprefix("data: "))


def signs_in(reader: Reader, block: str) -> None:
    payload = json.loads(reader.paste(block))["data"]["signIn"]
    assert payload["errors"] == []
    reader.token = payload["token"]


def uploads(reader: Reader, block: str) -> None:
    reader.new_image().rename(reader.folder / "chest.jpg")
    (result,) = json.loads(reader.paste(block))["data"]["uploadImages"]["results"]
    assert result["errors"] == []
    assert result["image"]["predictionState"] == "READY"
    reader.image = result["image"]["id"]


def streams(reader: Reader, block: str) -> None:
    said = reader.paste(f"{block} --include --max-time 5 || true")  # it would never end
    assert " 200" in said.splitlines()[0]
    assert "text/event-stream" in said
    assert "errors" not in said


def may_be_kept(reader: Reader, block: str) -> None:
    said = reader.paste(block)
    assert '"errors"' not in said
    (tag,) = re.findall(r'^etag: (".+")\r?$', said, re.M | re.I)
    again = reader.paste(f"{block} -H 'If-None-Match: {tag}'")
    assert " 304" in again.splitlines()[0]


SHELL: dict[str, Callable[[Reader, str], None]] = {
    "SignIn": signs_in,
    "uploadImages": uploads,
    "event-stream": streams,
    "-i -G": may_be_kept,
}
"""What is expected of a block of shell, by words that it alone has."""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    if not shutil.which("curl"):
        missing("no curl on this machine")
    folder = tmp_path_factory.mktemp("guide")
    with serving(folder / "data") as live:
        live.run("create-admin", EMAIL, COVIDXR_ADMIN_PASSWORD=PASSWORD)
        yield Reader(live, folder)


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """The guide's blocks of GraphQL, each with the variables that the next block has."""
    for number, (kind, text) in enumerate(BLOCKS):
        if kind == "graphql":
            follows = BLOCKS[number + 1]
            yield text.strip(), json.loads(follows[1]) if follows[0] == "json" else {}


def filled(variables: dict[str, Any], reader: Reader) -> dict[str, Any]:
    text = json.dumps(variables).replace("IMAGE", reader.image).replace("CURSOR", encode_cursor(0))
    given: dict[str, Any] = json.loads(text)
    return given


def test_every_block_is_of_a_kind_that_is_tried() -> None:
    assert GUIDE.count("\n```") == 2 * len(BLOCKS)
    assert {kind for kind, _ in BLOCKS} == {"sh", "graphql", "json", "ts", "python"}
    assert len(list(operations())) >= 5
    assert all(before[0] == "graphql" for before, block in pairwise(BLOCKS) if block[0] == "json")


def test_excerpts_are_of_the_examples() -> None:
    for kind, text in BLOCKS:
        if kind in EXAMPLES:
            sources = [file.read_text(encoding="utf-8") for file in EXAMPLES[kind].glob("*.*")]
            assert any(text in source for source in sources), text


@pytest.mark.timeout(600)
def test_every_block_works(reader: Reader) -> None:
    tried = []
    for kind, text in BLOCKS:
        if kind == "sh":
            (name,) = [name for name in SHELL if name in text]
            SHELL[name](reader, text.strip())
            tried.append(name)
    assert tried == list(SHELL)
    for query, variables in operations():
        response = reader.ask(query, filled(variables, reader))
        answer = response.json()
        assert (response.status_code, answer.get("errors")) == (200, None), (query, answer)
        for payload in answer["data"].values():
            assert not (isinstance(payload, dict) and payload.get("errors")), answer


def test_the_example_in_python(reader: Reader) -> None:
    files = [reader.new_image() for _ in range(3)]
    said = example(reader, [sys.executable, str(EXAMPLES["python"] / "covidxr.py")], files)
    assert sorted(line.partition(":")[0] for line in said) == [file.name for file in files]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example in TypeScript beside the packages of the web pages, with the schema's types."""
    if not shutil.which("node") or not (MODULES / "gql.tada").is_dir():
        missing("what the web pages are built with is not on this machine (make web)")
    folder = tmp_path_factory.mktemp("typescript")
    shutil.copytree(EXAMPLES["ts"], folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(MODULES)
    generator = ROOT / "web" / "scripts" / "schema-types.mjs"
    subprocess.run(["node", generator, folder / "schema.d.ts"], check=True)
    return folder


def compiled(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [folder / "node_modules" / ".bin" / "tsc"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_example_in_typescript(reader: Reader, built: Path) -> None:
    done = compiled(built)
    assert done.returncode == 0, done.stdout
    files = [reader.new_image() for _ in range(3)]
    said = example(reader, ["node", "--experimental-websocket", str(built / "dist" / "main.js")], files)
    assert sorted(line.partition(":")[0] for line in said) == [file.name for file in files]


def test_a_field_that_the_schema_lacks_does_not_compile(built: Path) -> None:
    source = built / "covidxr.ts"
    fine = source.read_text(encoding="utf-8")
    source.write_text(
        fine.replace("data.predictionMade.cursor", "data.predictionMade.place"), encoding="utf-8"
    )
    try:
        assert "Property 'place' does not exist" in compiled(built).stdout
    finally:
        source.write_text(fine, encoding="utf-8")


def example(reader: Reader, command: list[str], files: list[Path]) -> list[str]:
    """What an example says when it is given three films."""
    address = reader.server.url.removesuffix("/graphql")
    done = subprocess.run(
        [*command, address, EMAIL, *map(str, files)],
        env={**os.environ, "COVIDXR_PASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
