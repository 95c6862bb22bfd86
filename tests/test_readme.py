"""Every block of README.md does what it says when it is pasted, on a live server and on real folders."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from api.settings import Settings
from tests.live import ROOT, Live, serving
from tests.missing import missing
from tests.radiographs import radiograph, write_folder

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [block.strip() for block in re.findall(r"^```sh\n(.*?)^```$", README, re.M | re.S)]
PLACES = "http://127.0.0.1:8000"
EMAIL, PASSWORD = "you@your-hospital.example", "correct horse battery"
SECONDS = 600

pytestmark = pytest.mark.slow


@dataclass
class Reader:
    """Somebody who pastes blocks into a shell, in a folder with the files that they name."""

    server: Live
    folder: Path
    token: str = ""
    images: Iterator[int] = field(default_factory=lambda: iter(range(100)))

    def new_image(self) -> None:
        """Another chest.jpg, since one that is known is not judged again."""
        radiograph("covid", seed=next(self.images)).save(self.folder / "chest.jpg")

    def command(self, block: str) -> list[str]:
        """The block with the reader's own address, password and environment."""
        own = block.replace(PLACES, self.server.url.removesuffix("/graphql")).replace("…", PASSWORD)
        return ["bash", "-euo", "pipefail", "-c", own.replace(".venv/bin/covidxr", '"$PYTHON" -m api.cli')]

    @property
    def environment(self) -> dict[str, str]:
        own = {"PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "COVIDXR_ADMIN_PASSWORD": PASSWORD}
        return {**self.server.environment, **own, "TOKEN": self.token}

    def paste(self, block: str) -> str:
        """What the block prints; it has to succeed."""
        done = subprocess.run(
            self.command(block),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def listening(self, block: str) -> subprocess.Popen[str]:
        """What the block goes on printing."""
        return subprocess.Popen(
            self.command(block), cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, text=True
        )


def sets_up(reader: Reader, block: str) -> None:
    """The targets of the Makefile, which other tests try."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    for line in block.splitlines():
        make, target = line.split()
        assert make == "make"
        assert target in targets


def makes_an_administrator(reader: Reader, block: str) -> None:
    assert f"{EMAIL} is an administrator" in reader.paste(block)


def signs_in(reader: Reader, block: str) -> None:
    payload = json.loads(reader.paste(block))["data"]["signIn"]
    assert payload["errors"] == []
    reader.token = payload["token"]


def uploads(reader: Reader, block: str) -> None:
    reader.new_image()
    answer = json.loads(reader.paste(block))
    (result,) = answer["data"]["uploadImages"]["results"]
    assert (result["filename"], result["errors"], result["duplicateOf"]) == ("chest.jpg", [], None)
    assert result["image"]["prediction"]["finding"] in ("COVID", "NO_COVID", None)
    again = json.loads(reader.paste(block))["data"]["uploadImages"]["results"][0]
    assert again["duplicateOf"]["id"] == result["image"]["id"]


def subscribes(reader: Reader, block: str) -> None:
    upload = next(block for block in BLOCKS if "uploadImages" in block)
    with reader.listening(f"{block} --include") as listening:
        assert listening.stdout
        try:
            assert "200" in listening.stdout.readline()
            reader.new_image()
            reader.paste(upload)
            heard = next(line for line in listening.stdout if "predictionMade" in line)
        finally:
            listening.kill()
    event = json.loads(heard.removeprefix("data:"))
    assert event["data"]["predictionMade"]["prediction"]["image"] == {"filename": "chest.jpg"}
    assert event["data"]["predictionMade"]["cursor"]


def hospital(folder: Path, count: int) -> None:
    """As many patients, half of them with COVID: folds of one size, which one compilation serves."""
    labels = [("covid", "no_finding")[number % 2] for number in range(count)]
    write_folder(folder, labels, [f"patient {number}" for number in range(count)])


def predicts(reader: Reader, block: str) -> None:
    reader.new_image()
    said = reader.paste(block)
    assert said.startswith("chest.jpg: ")
    assert json.loads(said.splitlines()[-1])["file"] == "chest.jpg"


def trains(reader: Reader, block: str) -> None:
    hospital(reader.folder / "my-hospital", 10)
    said = reader.paste(block)
    assert "my-model.safetensors: model " in said
    assert "chest.jpg: " in said


def evaluates(reader: Reader, block: str) -> None:
    hospital(reader.folder / "other-hospital", 4)
    two_heads = block.replace(
        "--out report", "--out report --heads C,D"
    )  # one of each kind: all take minutes
    assert "shown the other folder" in reader.paste(two_heads)
    written = {file.name for file in (reader.folder / "report").iterdir()}
    assert {"metrics.json", "report.md", "roc.png"} <= written


def shares_the_work(reader: Reader, block: str) -> None:
    """The settings fit one another; what they do is tried in `tests/test_scale.py`."""
    given = re.findall(r"COVIDXR_(\w+)=(\S+)", block)
    settings = Settings(**{name.lower(): value.replace("…", "x" * 32) for name, value in given})
    assert settings.scales_out


COVERED: dict[str, Callable[[Reader, str], None]] = {
    "make ": sets_up,
    "create-admin": makes_an_administrator,
    "signIn": signs_in,
    "uploadImages": uploads,
    "subscription {": subscribes,
    "covidxr predict --json": predicts,
    "covidxr train": trains,
    "covidxr evaluate": evaluates,
    "covidxr worker": shares_the_work,
}
"""What is expected of a block, by words that it alone has."""


def expectation(block: str) -> Callable[[Reader, str], None]:
    found = [check for words, check in COVERED.items() if words in block]
    assert len(found) == 1, f"no test here, or more than one, tells what to expect of:\n{block}"
    return found[0]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    if not shutil.which("curl"):
        missing("no curl on this machine")
    folder = tmp_path_factory.mktemp("readme")
    with serving(folder / "data", retrain_threshold="100000") as live:
        yield Reader(live, folder)


def test_every_block_is_found_and_covered() -> None:
    fences = re.findall(r"^```(.*)$", README, re.M)
    assert set(fences) == {"", "sh", "mermaid"}, "a block of another kind"
    assert len(BLOCKS) == fences.count("sh")
    assert not re.search(r"^\n(?: {4}|\t)\S", README, re.M), "an indented block is no shell block"
    covered = [expectation(block) for block in BLOCKS]
    assert set(covered) == set(COVERED.values())


@pytest.mark.timeout(1200)
def test_every_block_works_when_pasted_in_order(reader: Reader) -> None:
    for block in BLOCKS:
        expectation(block)(reader, block)
