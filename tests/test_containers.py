"""The image names what is there: files, rooms and settings. Building needs an engine."""

import re
import tomllib

from api.settings import PREFIX, Settings
from tests.dockerfiles import DOCKERFILE, linted, without_version
from tests.live import ROOT

COPIED = [name for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.M) for name in line.split()]


def test_what_is_copied_is_there() -> None:
    assert [name for name in COPIED if not (ROOT / name).exists()] == []


def test_every_room_is_in_the_image() -> None:
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert {f"{room}/" for room in rooms} <= set(COPIED)


def test_nothing_is_left_out_of_the_context_that_is_copied() -> None:
    admitted = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M)
    assert {name.split("/")[0] for name in COPIED} <= {name.rstrip("/") for name in admitted}


def test_hadolint_finds_nothing_in_the_image() -> None:
    assert linted(DOCKERFILE) == ""
    assert "DL3006" in linted("FROM debian\n"), "it looks"


def test_the_image_runs_as_nobody_much() -> None:
    (user,) = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.M)
    assert int(user) > 0
    assert DOCKERFILE.index("USER") > DOCKERFILE.rindex("RUN")


def test_it_begins_with_images_of_a_version() -> None:
    assert without_version(DOCKERFILE) == []
    assert without_version("FROM debian\nFROM debian:latest AS one\nFROM one") == ["debian", "debian:latest"]


def test_its_settings_are_those_of_the_program() -> None:
    named = set(re.findall(rf"^ +{PREFIX}(\w+)=", DOCKERFILE, re.M))
    assert named
    assert {name.lower() for name in named} <= Settings.model_fields.keys()
