"""The platform as docker-compose.yml tells its processes to be, on loopback in place of containers.

The addresses of engines and the user of the database are others, and another S3 server stands for Garage.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.settings import PREFIX
from tests.brokers import shipped_broker
from tests.buckets import S3Server
from tests.composing import project_of, secrets_in
from tests.fleet import fleet
from tests.live import COVIDXR, ROOT, Live, prepared
from tests.proxies import proxy

EMAIL, PASSWORD = "chief@hospital.example", "a password for a rehearsal"
MADE = "subscription { predictionMade { prediction { probability image { id } } } }"


@pytest.fixture
def behind_the_proxy(
    tmp_path: Path, own_database: str, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Live]:
    """Two servers and a worker that were told what the file tells them, asked by the administrator."""
    services = project_of(secrets_in(tmp_path))["services"]
    told = services["server-a"]["environment"]
    s3.make_bucket(told["COVIDXR_BLOBS_URL"].removeprefix("s3://"))
    with shipped_broker(tmp_path, services["events"]["environment"]["NATS_PASSWORD"]) as (port, _):
        here = {
            **told,
            "COVIDXR_DATABASE_URL": own_database,
            "COVIDXR_EVENTS_URL": told["COVIDXR_EVENTS_URL"].replace("events:4222", f"127.0.0.1:{port}"),
            "COVIDXR_TRUSTED_PROXIES": "127.0.0.1",
            "AWS_ENDPOINT_URL": s3.environment["AWS_ENDPOINT_URL"],
        }
        assert services["worker"]["environment"] == told
        for name in [name for name in here if name.startswith("AWS_")]:
            monkeypatch.setenv(name, here[name])
        ours = {
            key.removeprefix(PREFIX).lower(): value or "" for key, value in here.items() if key[:3] != "AWS"
        }
        migrate(tmp_path, services["migrations"]["command"], own_database)
        with fleet(tmp_path, ours, 2, 1) as found, proxy(*found.servers) as front:
            found.servers[0].run("create-admin", EMAIL, COVIDXR_ADMIN_PASSWORD=PASSWORD)
            yield replace(found.servers[0], port=front.port)


def migrate(folder: Path, command: list[str], database: str) -> None:
    """As the job does, which knows the database alone."""
    job = prepared(folder / "job", database_url=database)
    subprocess.run([*COVIDXR, *command], cwd=ROOT, env=job.environment, check=True, timeout=120)


@pytest.mark.slow
async def test_an_image_is_judged_and_told_of_through_the_proxy(behind_the_proxy: Live, site_b: Path) -> None:
    chief = await behind_the_proxy.sign_in(EMAIL, PASSWORD)
    film = next((site_b / "covid").iterdir())
    async with chief.subscribe(MADE) as events:
        (sent,) = await chief.upload([film], "id")
        told = (await events.get())["predictionMade"]["prediction"]
    assert told["image"] == sent["image"]
    assert 0 <= told["probability"] <= 1
