"""The image and the compose file name what is there: files, rooms and settings. Building needs an engine."""

import re
import tomllib
from pathlib import Path

from api.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
DOCKERFILE, COMPOSE = (ROOT / "Dockerfile").read_text(), (ROOT / "docker-compose.yml").read_text()
COPIED = [name for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.M) for name in line.split()]


def test_what_is_copied_is_there() -> None:
    assert [name for name in COPIED if not (ROOT / name).exists()] == []


def test_every_room_is_in_the_image() -> None:
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert {f"{room}/" for room in rooms} <= set(COPIED)


def test_nothing_is_left_out_of_the_context_that_is_copied() -> None:
    admitted = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M)
    assert {name.split("/")[0] for name in COPIED} <= {name.rstrip("/") for name in admitted}


def test_settings_are_those_of_the_server() -> None:
    named = set(re.findall(rf"^ +{PREFIX}(\w+)[:=]", COMPOSE + DOCKERFILE, re.M))
    assert named
    assert {name.lower() for name in named} <= Settings.model_fields.keys()


def test_the_image_bears_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"image: covid-xr:{version}" in COMPOSE
