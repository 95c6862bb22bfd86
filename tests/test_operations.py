"""Backing up and restoring as docs/operations.md says it."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import pytest

from tests.live import Live, prepared, serving
from tests.people import eventually

PASSWORD = "a password to be restored"
EMAIL = "chief@hospital.example"
IMAGES = (
    "{ images(first: 5) { nodes { filename url prediction { finding probability } label { finding } } } }"
)


def films_of(site: Path) -> list[Path]:
    return [file for file in sorted(site.rglob("*")) if file.suffix in (".jpg", ".png")][:3]


async def found(live: Live) -> list[dict[str, object]]:
    nodes: list[dict[str, object]] = (await live.ask(IMAGES))["images"]["nodes"]
    return nodes


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_what_was_backed_up_is_there_when_it_is_restored(tmp_path: Path, site_b: Path) -> None:
    films = films_of(site_b)
    with serving(tmp_path / "first") as live:
        live.run("create-admin", EMAIL, COVIDXR_ADMIN_PASSWORD=PASSWORD)
        admin = await live.sign_in(EMAIL, PASSWORD)
        await admin.upload(films[:2], "id", label="COVID", waitSeconds=60)
        before = await found(admin)
        live.run("backup", str(tmp_path / "backup"))
        await admin.upload(films[2:], "id", waitSeconds=60)
    shutil.rmtree(tmp_path / "first")
    prepared(tmp_path / "second").run("restore", str(tmp_path / "backup"))
    with serving(tmp_path / "second") as live:
        admin = live.as_user(admin.token or "")
        after = await found(admin)
        assert {one["filename"] for one in after} == {film.name for film in films[:2]}
        without_address = [{**one, "url": None} for one in after]
        assert without_address == [{**one, "url": None} for one in before]
        async with httpx.AsyncClient() as client:
            for one in after:
                assert (await client.get(str(one["url"]))).status_code == 200
        (result,) = await admin.upload(films[2:], "id prediction { finding }", waitSeconds=60)
        assert result["image"]["prediction"]
        assert await eventually(lambda: _count(admin, 3))


async def _count(live: Live, wanted: int) -> bool:
    return len(await found(live)) == wanted
