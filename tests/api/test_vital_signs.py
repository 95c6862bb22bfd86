"""What a worker tells of itself, on a port of its own."""

import subprocess
from pathlib import Path

import httpx
import pytest

from api.preparation import bound
from api.vital_signs import told
from services.platform import Platform
from tests.brokers import Broker
from tests.live import COVIDXR, ROOT, Live, free_port, prepared, wait_until_ready


async def test_answers_as_a_server_does_as_long_as_it_works(platform: Platform) -> None:
    listener = bound("127.0.0.1", 0, "COVIDXR_HEALTH_PORT")
    port = listener.getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        async with told(listener, platform, "a token of a test"):
            assert (await client.get("/healthz")).text == "alive\n"
            ready = {"ready": True, "database": True, "storage": True, "events": True, "model": 1}
            assert (await client.get("/readyz")).json() == ready
            assert (await client.get("/metrics")).status_code == 401
            measured = await client.get("/metrics", headers={"Authorization": "Bearer a token of a test"})
            assert "covidxr_inference_queue" in measured.text
            assert (await client.get("/graphql")).status_code == 404
        with pytest.raises(httpx.TransportError):
            await client.get("/healthz")


def a_worker(tmp_path: Path, database: str, broker: Broker, port: int) -> Live:
    return prepared(
        tmp_path / "data",
        database_url=database,
        events_url=broker.url(),
        blobs_url=f"file://{tmp_path / 'blobs'}",
        secret_key="of a test, and long enough for that",
        health_port=str(port),
    )


def test_a_worker_is_ready_once_it_works_and_ends_well(
    tmp_path: Path, own_database: str, nats_server: Broker
) -> None:
    port = free_port()
    live = a_worker(tmp_path, own_database, nats_server, port)
    with subprocess.Popen([*COVIDXR, "worker"], cwd=ROOT, env=live.environment) as worker:
        wait_until_ready(worker, port)
        worker.terminate()
        assert worker.wait(30) == 0


def test_a_port_that_is_taken_is_named(tmp_path: Path, own_database: str, nats_server: Broker) -> None:
    with bound("127.0.0.1", 0, "COVIDXR_HEALTH_PORT") as taken:
        taken.listen()
        live = a_worker(tmp_path, own_database, nats_server, taken.getsockname()[1])
        command = [*COVIDXR, "worker"]
        done = subprocess.run(command, cwd=ROOT, env=live.environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "set COVIDXR_HEALTH_PORT to another port" in done.stderr
