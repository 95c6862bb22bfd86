"""Blobs: bytes in, the same bytes out, by key."""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from store import blobs as blobs_module
from store.blobs import BlobMissing, Blobs
from tests.buckets import S3Server

KEYS = [
    "plain",
    "pixels/0a1b",
    "features/vgg16-0a1b+grey-stretch-224/0a1b",
    "a/b c/100%/é#?&=",
    "features/pixels:test/1",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "not yet" / "there %41"


@pytest.fixture(params=["folder", "bucket"])
def url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where blobs lie: none yet."""
    if request.param == "folder":
        return f"file://{request.getfixturevalue('folder')}"
    server: S3Server = request.getfixturevalue("s3")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server.make_bucket()


@pytest.fixture
def blobs(url: str) -> Blobs:
    return Blobs(url)


@pytest.fixture
def in_folder(folder: Path) -> Blobs:
    return Blobs(f"file://{folder}")


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_says_that_it_answers_before_there_is_any(blobs: Blobs) -> None:
    await blobs.check()


async def test_says_that_its_folder_is_gone(in_folder: Blobs, folder: Path) -> None:
    await asyncio.to_thread(folder.rmdir)
    with pytest.raises(NotADirectoryError, match="there %41"):
        await in_folder.check()


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("data", [b"", b"\x00\xff", os.urandom(300_000)], ids=["none", "few", "many"])
async def test_gives_back_what_was_put(blobs: Blobs, key: str, data: bytes) -> None:
    await blobs.put(key, data)
    assert await blobs.get(key) == data


async def test_outlives_the_process_that_put_it(blobs: Blobs, url: str) -> None:
    await blobs.put("a/b", b"kept")
    assert await Blobs(url).get("a/b") == b"kept"


async def test_replaces_what_was_there(in_folder: Blobs, folder: Path) -> None:
    await in_folder.put("key", b"the old one, longer")
    await in_folder.put("key", b"the new one")
    assert await in_folder.get("key") == b"the new one"
    assert len(files_in(folder)) == 1


async def test_a_reader_never_sees_half_a_blob(blobs: Blobs) -> None:
    versions = [bytes([n]) * 2_000_000 for n in range(4)]
    await blobs.put("key", versions[0])

    async def write() -> None:
        for version in versions[1:]:
            await blobs.put("key", version)

    writing = asyncio.create_task(write())
    while not writing.done():
        assert await blobs.get("key") in versions
    await writing


@pytest.mark.parametrize("key", ["nothing", "a/b/nothing", "a/b"])
async def test_what_is_not_there_is_missing(blobs: Blobs, key: str) -> None:
    await blobs.put("a/b/c", b"something")
    with pytest.raises(BlobMissing):
        await blobs.get(key)


async def test_gives_many_at_once_in_their_order(blobs: Blobs) -> None:
    for key in ("a/b", "c"):
        await blobs.put(key, key.encode())
    assert await blobs.get_all(["c", "never was", "a", "a/b", "c"]) == [b"c", None, None, b"a/b", b"c"]


async def test_removes_those_that_are_there(in_folder: Blobs, folder: Path) -> None:
    for key in KEYS:
        await in_folder.put(key, b"x")
    await in_folder.delete([KEYS[0], "never was", "no/folder", *KEYS[1:3]])
    with pytest.raises(BlobMissing):
        await in_folder.get(KEYS[0])
    assert await in_folder.get(KEYS[3]) == b"x"
    assert len(files_in(folder)) == len(KEYS) - 3
    await in_folder.delete([])


async def test_lists_what_lies_in_a_folder(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.blobs.LISTED_AT_ONCE", 2)
    keys = {"features/pixels:test/1", "features/a b+é#?/2", "features/a/b/3"}
    for key in (*keys, "pixels/4", "features2/5"):
        await blobs.put(key, b"x")
    found = [listed async for some in blobs.list("features") for listed in some]
    assert len(found) == 3
    assert {listed.key for listed in found} == keys
    assert all(abs(datetime.now(UTC) - listed.modified) < timedelta(minutes=1) for listed in found)
    assert [some async for some in blobs.list("nothing")] == []


DYING = """
import asyncio, os, sys, threading, time
from pathlib import Path
from store.blobs import Blobs
folder = Path(sys.argv[1])

def die():
    while not [path for path in folder.rglob("*") if path.is_file()]:
        time.sleep(0.0001)
    os._exit(9)

threading.Thread(target=die).start()
asyncio.run(Blobs(f"file://{folder}").put("pixels/1", bytes(300_000_000)))
time.sleep(10)
"""


async def test_removes_what_a_process_left_that_died_while_it_put(in_folder: Blobs, folder: Path) -> None:
    await in_folder.put("pixels/with#sign1", b"x")
    kept = files_in(folder)
    dying = folder.parent / "dying"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", DYING, str(dying))
    assert await process.wait() == 9
    assert files_in(dying)
    other = Blobs(f"file://{dying}")
    assert [some async for some in other.list("pixels")] == []
    await other.remove_unfinished(datetime.now(UTC) - timedelta(hours=1))
    assert files_in(dying)
    await other.remove_unfinished(datetime.now(UTC) + timedelta(hours=1))
    await in_folder.remove_unfinished(datetime.now(UTC) + timedelta(hours=1))
    assert not files_in(dying)
    assert files_in(folder) == kept


async def test_many_at_once_do_not_mix(blobs: Blobs) -> None:
    await asyncio.gather(*(blobs.put(f"many/{n % 7}/{n}", str(n).encode()) for n in range(100)))
    assert await asyncio.gather(*(blobs.get(f"many/{n % 7}/{n}") for n in range(100))) == [
        str(n).encode() for n in range(100)
    ]


@pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="the system does not tell what a descriptor is of"
)
async def test_syncs_the_file_and_every_folder_on_the_way(
    in_folder: Blobs, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    await in_folder.put("features/one/1", b"x")
    assert synced == [folder / "features/one/1", folder / "features/one", folder / "features", folder]
    synced.clear()
    await in_folder.put("features/one/2", b"x")
    assert synced == [folder / "features/one/2", folder / "features/one"], "the folder is no new entry"
    synced.clear()
    await in_folder.put("features/two/1", b"x")
    assert synced == [folder / "features/two/1", folder / "features/two", folder / "features", folder]


async def test_what_is_deleted_before_it_has_reached_the_disk_is_no_fault(
    in_folder: Blobs, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = blobs_module.settle

    def deleted_first(path: Path) -> None:
        path.unlink() if path.is_file() else None
        settle(path)

    monkeypatch.setattr(blobs_module, "settle", deleted_first)
    await in_folder.put("pixels/1", b"film")
    with pytest.raises(BlobMissing):
        await in_folder.get("pixels/1")


async def test_a_relative_folder_is_taken_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    await Blobs("file://blobs").put("a/b", b"x")
    assert (tmp_path / "blobs" / "a" / "b").read_bytes() == b"x"
