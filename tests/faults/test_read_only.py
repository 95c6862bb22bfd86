"""Places that the server's user may not write, at the start or later: that is told, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tortoise import connections

from api.settings import Settings
from api.wiring import running
from services.platform import Platform
from services.trail_check import check
from store.database import open_database, sqlite_url
from store.tables import Image, Label
from tests import databases, people, stand_ins
from tests.asking import Asker, application
from tests.live import COVIDXR, ROOT, Live, prepared, wait_until_ready
from tests.mariadb import MariaDb
from tests.people import eventually
from tests.stand_in_program import PROGRAM
from tests.stand_ins import picture
from tests.trails import sealed

WITHOUT_ROOTS_POWERS = [
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
    "--inh-caps=-all",
    "--",
]
PLAIN = WITHOUT_ROOTS_POWERS if os.geteuid() == 0 else []
"""What makes a program one that modes of files hold back."""
CHIEF, PASSWORD = "chief@hospital.example", "a password of a test"
SEEN = "{ images(first: 9) { nodes { id url thumbnailUrl prediction { finding } } } }"
LABEL = "mutation($input: SubmitLabelInput!) { submitLabel(input: $input) { errors { code } } }"
DELETE = "mutation($input: DeleteImageInput!) { deleteImage(input: $input) { errors { code } } }"
ONLY_READ = "the platform's storage can only be read now"


def said_at_start(folder: Path) -> str:
    """What a server on a data folder says before it ends, of which the first line is no news."""
    program = [*PLAIN, *COVIDXR, "serve"]
    environment = prepared(folder).environment
    done = subprocess.run(
        program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    (_, line) = (done.stdout + done.stderr).strip().splitlines()
    return line


@pytest.mark.parametrize(
    ("place", "remedy"),
    [
        ("", "Make it a folder that you can write"),
        ("server.lock", "Make it this user's own (chown)"),
        ("covid-xr.sqlite", "give this user the right to write the file and its folder"),
        ("blobs", "make it a folder that you can write"),
    ],
)
def test_what_cannot_be_written_is_named_with_the_remedy(
    tmp_path: Path, sqlite_template: Path, place: str, remedy: str
) -> None:
    folder = tmp_path / "data"
    (folder / "blobs").mkdir(parents=True)
    (folder / "covid-xr.sqlite").write_bytes(sqlite_template.read_bytes())
    (folder / "server.lock").touch()
    (folder / "secret.key").write_bytes(bytes(32))
    refused = folder / place
    refused.chmod(0o500 if refused.is_dir() else 0o400 if place.endswith("sqlite") else 0)
    line = said_at_start(folder)
    refused.chmod(0o700)  # for pytest to remove it
    assert str(refused) in line
    assert remedy in line


# ------------------------------------------------------------------ while it serves


@dataclass
class Serving:
    """A server that may write what its files' modes let it, asked by an administrator."""

    live: Live
    log: Path

    @property
    def data_dir(self) -> Path:
        return self.live.data_dir

    def film(self, number: int) -> Path:
        file = self.data_dir.parent / f"{number}.png"
        file.write_bytes(picture(number))
        return file

    async def sent(self, number: int, wait: int = 30) -> tuple[str | None, list[tuple[str, str]]]:
        """The id of an image, and what was wrong with its file."""
        (result,) = await self.live.upload([self.film(number)], "id", waitSeconds=wait)
        image = result["image"] and result["image"]["id"]
        return image, [(error["code"], error["message"]) for error in result["errors"]]

    async def seen(self) -> dict[str, dict[str, Any]]:
        """What can be looked at, all of it, by the ids of images."""
        nodes = (await self.live.ask(SEEN))["images"]["nodes"]
        async with httpx.AsyncClient() as client:
            for node in nodes:
                for url in (node["url"], node["thumbnailUrl"]):
                    assert (await client.get(url)).status_code == 200
        return {node["id"]: node for node in nodes}

    async def does(self, mutation: str, **given: Any) -> None:
        (payload,) = (await self.live.ask(mutation, input=given)).values()
        assert payload["errors"] == []

    async def ready(self) -> int:
        async with httpx.AsyncClient() as client:
            return (await client.get(self.live.url.replace("graphql", "readyz"))).status_code

    def faults(self) -> str:
        """What `covidxr doctor` says that is wrong, with the remedies, as this server's user."""
        program = [*PLAIN, *COVIDXR, "doctor"]
        environment = self.live.environment
        done = subprocess.run(
            program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 1, done.stdout
        return done.stdout.partition("fault")[2]


@contextmanager
def started(live: Live, log: Path) -> Iterator[None]:
    """The server that modes of files hold back, ready; what it says is in the log."""
    command = [*PLAIN, *PROGRAM, "serve"]
    with (
        log.open("wb") as written,
        subprocess.Popen(command, cwd=ROOT, env=live.environment, stderr=written) as process,
    ):
        try:
            wait_until_ready(process, live.port)
            yield
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator[Serving]:
    live = prepared(tmp_path / "data")
    live.run("create-admin", CHIEF, COVIDXR_ADMIN_PASSWORD=PASSWORD)
    with started(live, tmp_path / "log"):
        yield Serving(await live.sign_in(CHIEF, PASSWORD), tmp_path / "log")


@contextmanager
def only_to_be_read(*places: Path) -> Iterator[None]:
    """No file may be written and none made, as long as the context lasts."""
    modes = {place: place.stat().st_mode for place in places}
    for place, mode in modes.items():
        place.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for place, mode in modes.items():
            place.chmod(mode)


def folders(within: Path) -> list[Path]:
    return [within, *(one for one in within.rglob("*") if one.is_dir())]


@pytest.mark.timeout(300)
async def test_blobs_that_can_only_be_read_are_told_of_and_all_goes_on_once_they_can_be_written(
    serving: Serving,
) -> None:
    blobs = serving.data_dir / "blobs"
    first, _ = await serving.sent(1)
    second, _ = await serving.sent(2)
    before = {file: file.read_bytes() for file in blobs.rglob("*") if file.is_file()}
    with only_to_be_read(*folders(blobs)):
        image, ((code, message),) = await serving.sent(3)
        assert (image, code) == (None, "UNAVAILABLE")
        assert message.startswith(f"{ONLY_READ}, so this file was not taken")
        await serving.live.sign_in(CHIEF, PASSWORD)
        assert (await serving.seen()).keys() == {first, second}  # thumbnails that could not be kept too
        await serving.does(LABEL, imageId=first, finding="COVID")
        await serving.does(DELETE, id=second)
        assert (await serving.seen()).keys() == {first}
        assert await serving.ready() == 200
        assert {file: file.read_bytes() for file in blobs.rglob("*") if file.is_file()} == before
        assert f"storage cannot be written: Generic LocalFileSystem error: Unable to open file {blobs}" in (
            serving.log.read_text()
        )
        told = serving.faults()
        assert str(blobs) in told
        assert "make it a folder that you can write" in told
    third, problems = await serving.sent(3)
    assert problems == []
    assert all(node["prediction"] for node in (await serving.seen()).values())
    assert (await serving.seen()).keys() == {first, third}

    async def only_theirs() -> bool:
        async with open_database(serving.live.database):
            keys = {image.key for image in await Image.all()}
        return {file.name for file in blobs.glob("pixels/*")} == keys

    await eventually(only_theirs, 90)


@pytest.mark.timeout(300)
async def test_a_database_whose_file_may_be_written_no_more_is_gone_on_with_while_it_is_open(
    serving: Serving,
) -> None:
    """Modes are asked when a file is opened: the start and `covidxr doctor` tell."""
    folder = serving.data_dir
    first, _ = await serving.sent(1)
    with only_to_be_read(folder, *folder.glob("covid-xr.sqlite*")):
        second, problems = await serving.sent(2)
        assert problems == []
        await serving.live.sign_in(CHIEF, PASSWORD)
        await serving.does(LABEL, imageId=first, finding="COVID")
        assert all(node["prediction"] for node in (await serving.seen()).values())
        assert await serving.ready() == 200
        told = serving.faults()
        assert f"{folder} cannot be written: Permission denied" in told
        assert f"the database sqlite://{folder}/covid-xr.sqlite cannot be used" in told
    assert (await serving.seen()).keys() == {first, second}
    async with open_database(sqlite_url(folder / "covid-xr.sqlite")):
        assert await Label.all().count() == 1
        await sealed()
        assert (await check()).fault is None


# ------------------------------------------------------------------ a database that takes nothing


@pytest.fixture(params=["sqlite", "mysql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with a database of the test's own, up to date."""
    data_dir = tmp_path / "data"
    if request.param == "sqlite":
        data_dir.mkdir()
        databases.sqlite_copy(request.getfixturevalue("sqlite_template"), data_dir)
        return Settings(data_dir=data_dir)
    server: MariaDb = request.getfixturevalue("own_mariadb")
    server.empty()
    with server.connected() as connection:  # root may write whatever is set
        connection.cursor().execute("CREATE OR REPLACE USER covidxr")
        connection.cursor().execute("GRANT ALL ON covidxr.* TO covidxr")
    return Settings(data_dir=data_dir, database_url=server.url.replace("root:", "covidxr:"))


async def set_read_only(place: Settings, request: pytest.FixtureRequest, to: bool) -> None:
    if place.database.startswith("sqlite"):
        await connections.all()[0].execute_script(f"PRAGMA query_only = {to}")
        return
    server: MariaDb = request.getfixturevalue("own_mariadb")
    with server.connected() as connection:
        connection.cursor().execute(f"SET GLOBAL read_only = {to}")


@pytest.fixture
async def platform(place: Settings) -> AsyncIterator[Platform]:
    async with running(place, stand_ins.parts()) as found:
        yield found


@pytest.mark.usefixtures("no_settings")
async def test_a_database_that_can_only_be_read_is_told_of_and_all_goes_on_once_it_takes_something(
    place: Settings, platform: Platform, request: pytest.FixtureRequest
) -> None:
    app = application(platform)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=platform.links.public_url) as client:
        ana = await Asker(client).signed_in(await people.member())
        (first,) = (await ana.upload([("1.png", picture(1))], "id", waitSeconds=30))["results"]
        await set_read_only(place, request, True)
        try:
            (second,) = (await ana.upload([("2.png", picture(2))], "id"))["results"]
            (problem,) = second["errors"]
            assert (second["image"], problem["code"]) == (None, "UNAVAILABLE")
            assert problem["message"].startswith(f"{ONLY_READ}, so this file was not taken")
            given = {"imageId": first["image"]["id"], "finding": "COVID"}
            (error,) = (await ana.ask(LABEL, input=given))["errors"]
            assert error["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 60}
            assert error["message"].startswith(f"{ONLY_READ}, so nothing was stored")
            assert (await ana.data("{ images { totalCount } }")) == {"totalCount": 1}
        finally:
            await set_read_only(place, request, False)
        assert (await ana.ask(LABEL, input=given))["data"]["submitLabel"] == {"errors": []}
        (second,) = (await ana.upload([("2.png", picture(2))], "id", waitSeconds=30))["results"]
        assert second["errors"] == []
        assert len(list((place.data_dir / "blobs" / "pixels").iterdir())) == 2
