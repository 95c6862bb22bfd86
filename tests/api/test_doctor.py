"""`covidxr doctor`: what is wrong with an installation is told, and how to mend it."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api import doctor_parts
from api.doctor import _of_store
from api.doctor_parts import (
    of_address,
    of_classifier,
    of_events,
    of_folder,
    of_key,
    of_mail,
    of_way_to_database,
)
from api.settings import Settings
from events import jetstream
from services.checkup import Level
from store.database import migrate
from tests.api.test_mail import Mailbox, check_password, smtp_server
from tests.backups import Place
from tests.brokers import NATS_SERVER, Broker
from tests.live import free_port


def place(folder: Path) -> Place:
    return Place(folder, "", "")


def faults(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What is wrong by part, of what was printed with --json."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["part"]: line["words"] for line in lines if line["level"] == "fault"}


# ------------------------------------------------------------------ the command


def test_a_new_place_has_no_faults_and_is_left_without_a_database(tmp_path: Path) -> None:
    done = place(tmp_path).run("doctor")
    assert done.returncode == 0, done.stdout
    assert f"sqlite://{tmp_path}/covid-xr.sqlite is not there" in done.stdout
    assert "→ start the server" in done.stdout
    assert "ok       default model D-" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Faults: 0. ")
    assert not (tmp_path / "covid-xr.sqlite").exists()


def test_a_place_at_work_has_none(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "blobs").mkdir()
    asyncio.run(migrate(f"sqlite://{tmp_path}/covid-xr.sqlite"))
    one = place(tmp_path)
    one.does("create-admin", "chief@hospital.example", COVIDXR_ADMIN_PASSWORD="a password of a test")
    done = one.run("doctor", "--all", "--json")
    assert (done.returncode, faults(done)) == (0, {})
    told = {json.loads(line)["part"] for line in done.stdout.splitlines()}
    assert told >= {"database", "tables", "clock", "people", "trail", "events", "training", "model", "images"}


def test_where_nothing_is_nothing_is_made(tmp_path: Path) -> None:
    done = place(tmp_path / "data").run("doctor", "--json")
    assert (done.returncode, faults(done)) == (0, {})
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_made_is_no_matter_of_starting_the_server(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = place(tmp_path / "file" / "data").run("doctor", "--json")
    told = faults(done)
    assert (done.returncode, told.keys()) == (1, {"data folder", "blobs", "database"})
    assert all(f"cannot be made: {tmp_path}/file is no folder" in words for words in told.values())
    assert "start the server" not in done.stdout


def test_all_that_is_wrong_with_settings_is_told_at_once(tmp_path: Path) -> None:
    wrong = {"COVIDXR_PORT": "x", "COVIDXR_SMTP_URL": "http://mail", "COVIDXR_DATABASE_ULR": "sqlite:///x"}
    done = place(tmp_path).run("doctor", **wrong)
    assert done.returncode == 1
    for name in wrong:
        assert (done.stdout + done.stderr).count(name) == 1
    assert done.stdout.splitlines()[-1] == "Faults: 2. Warnings: 1."


def test_several_faults_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "blobs").touch()
    (tmp_path / "secret.key").write_bytes(b"s" * 32)
    (tmp_path / "secret.key").chmod(0o644)
    url = f"mysql://root:secret@127.0.0.1:{free_port()}/covidxr"
    done = place(tmp_path).run(
        "doctor", "--json", COVIDXR_DATABASE_URL=url, COVIDXR_DEFAULT_MODEL=str(tmp_path)
    )
    assert done.returncode == 1
    found = faults(done)
    assert found.keys() == {"blobs", "key", "database", "classifier"}
    assert "File exists" in found["blobs"]
    assert "secret" not in found["database"].replace("secret.key", "")
    assert "no such file" in found["classifier"].lower()


# ------------------------------------------------------------------ folder, key, address


@pytest.mark.parametrize("folder", ["/proc", "/dev/null"])
def test_a_folder_that_cannot_be_written_is_told(folder: str) -> None:
    (line,) = of_folder(Settings(data_dir=Path(folder)))
    assert line.level is Level.FAULT
    assert "cannot be written" in line.words


def test_a_folder_that_is_missing_full_or_open_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = of_folder(Settings(data_dir=tmp_path / "not"))
    assert (line.level, line.words) == (Level.WARNING, f"{tmp_path}/not is not there")
    tmp_path.chmod(0o700)
    (line,) = of_folder(Settings(data_dir=tmp_path))
    assert line.level is Level.OK
    tmp_path.chmod(0o750)
    *_, line = of_folder(Settings(data_dir=tmp_path))
    assert line.remedy == f"chmod 700 {tmp_path}"
    monkeypatch.setattr(doctor_parts, "TOO_LITTLE", 1 << 60)
    room, _ = of_folder(Settings(data_dir=tmp_path))
    assert (room.level, room.remedy) == (Level.FAULT, "make room on its disk")


def test_a_key_that_others_may_read_is_told(tmp_path: Path) -> None:
    settings, file = Settings(data_dir=tmp_path), tmp_path / "secret.key"
    assert of_key(settings).level is Level.OK
    file.touch(mode=0o600)
    assert of_key(settings).level is Level.WARNING
    file.write_bytes(b"s" * 32)
    assert of_key(settings).level is Level.OK
    file.chmod(0o640)
    assert of_key(settings).level is Level.FAULT
    assert of_key(Settings(data_dir=tmp_path, secret_key="k" * 32)).level is Level.OK


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, None),
        ({"host": "0.0.0.0"}, "no address to go to"),
        ({"public_url": "http://xr.hospital.example"}, "shows passwords and films"),
        ({"public_url": "https://xr.hospital.example"}, "take all people behind the proxy for one"),
        ({"public_url": "https://xr.hospital.example", "trusted_proxies": "10.0.0.1"}, None),
        ({"public_url": "http://localhost:8000"}, None),
    ],
)
def test_an_address_that_is_not_for_people_is_told(settings: dict[str, Any], told: str | None) -> None:
    (line,) = of_address(Settings(**settings))
    assert line.level is (Level.WARNING if told else Level.OK)
    assert told is None or told in line.words


# ------------------------------------------------------------------ database, mail and broker


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "mysql://u:s3cret@db.hospital.example/n",
            ["what goes to db.hospital.example and back is in the clear"],
        ),
        ("mysql://u:s3cret@10.0.0.7/n", ["what goes to 10.0.0.7 and back is in the clear"]),
        (
            "mysql://u:s3cret@10.0.0.7/n?ssl_ca=/ca.pem",
            ["is spoken to by TLS, as /ca.pem vouches for, or not at all"],
        ),
        ("mysql://u:s3cret@127.0.0.1/n", []),
        ("mysql://u:s3cret@db/n?unix_socket=/run/mysqld/mysqld.sock", []),
        ("sqlite:///srv/covid-xr.sqlite", []),
    ],
)
def test_a_database_that_is_reached_in_the_clear_is_told(url: str, told: list[str]) -> None:
    lines = list(of_way_to_database(url))
    assert [line.words for line in lines] == told
    assert all((line.level is Level.WARNING) == line.words.endswith("in the clear") for line in lines)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_mail_server_is_greeted_and_gets_no_mail() -> None:
    mailbox = Mailbox()
    options = {"authenticator": check_password, "auth_required": True, "auth_require_tls": False}
    async with smtp_server(mailbox, **options) as server:
        for user, level in (("covid%40xr:p%2Fw%3A%3F%23%25", Level.OK), ("covid%40xr:wrong", Level.FAULT)):
            line = await of_mail(Settings(smtp_url=f"smtp://{user}@{server}"))
            assert line.level is level, line
            assert "wrong" not in line.words
    assert mailbox.envelopes == []
    line = await of_mail(Settings(smtp_url=f"smtp://{server}"))
    assert line.level is Level.FAULT
    assert (await of_mail(Settings())).level is Level.WARNING


def sharing(url: str, **others: Any) -> Settings:
    return Settings(
        events_url=url,
        database_url="mysql://root@127.0.0.1/covidxr",
        blobs_url="file:///shared",
        secret_key="k" * 32,
        **others,
    )


async def test_a_broker_is_asked_for_its_stream(nats_server: Broker) -> None:
    settings = sharing(nats_server.url())
    first, second = await of_events(settings)
    assert first.words.endswith("with JetStream answers")
    assert "there is no stream" in second.words
    async with jetstream.connected(settings.events_url, timedelta(days=90)):
        assert [line.level for line in await of_events(settings)] == [Level.OK]
        _, line = await of_events(sharing(settings.events_url, events_kept_days=7))
        assert line.words == "events are kept for 90 days, 7 are set here"
        _, line = await of_events(sharing(settings.events_url + "?replicas=3"))
        assert line.words == "the stream is on 1 servers, 3 are set here"


async def test_a_broker_that_is_away_is_told(free_tcp_port: int) -> None:
    (line,) = await of_events(sharing(f"nats://127.0.0.1:{free_tcp_port}"))
    assert line.level is Level.FAULT
    assert line.words.startswith("does not answer: ")


@contextmanager
def without_jetstream(port: int) -> Iterator[None]:
    with subprocess.Popen(
        [str(NATS_SERVER), "-a", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL
    ) as one:
        try:
            yield
        finally:
            one.kill()


async def test_a_broker_that_keeps_nothing_is_told(free_tcp_port: int) -> None:
    with without_jetstream(free_tcp_port):
        async with asyncio.timeout(20):
            while (
                line := (await of_events(sharing(f"nats://127.0.0.1:{free_tcp_port}")))[0]
            ).words.startswith("does"):
                await asyncio.sleep(0.05)
    assert line.level is Level.FAULT
    assert line.words.endswith("without JetStream")


# ------------------------------------------------------------------ blobs and classifier


async def test_blobs_that_cannot_be_kept_are_told(
    tmp_path: Path, free_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path)
    assert (await _of_store(settings))[0].words.endswith("is not there")
    (tmp_path / "blobs").mkdir()
    assert (await _of_store(settings))[0].level is Level.OK
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_tcp_port}",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("api.doctor.BLOBS_SECONDS", 0.5)
    settings = Settings(data_dir=tmp_path, blobs_url="s3://bucket")
    line, blobs = await _of_store(settings)
    assert blobs is None
    assert line.level is Level.FAULT
    assert line.remedy
    assert "AWS_ENDPOINT_URL" in line.remedy


def test_a_default_model_that_is_damaged_is_told(tmp_path: Path) -> None:
    lines, network = of_classifier(Settings(data_dir=tmp_path, default_model=tmp_path))
    assert network is None
    assert lines[-1].level is Level.FAULT
    assert lines[-1].remedy
