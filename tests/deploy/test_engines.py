"""What the engines of docker-compose.yml are told, the broker's on a broker."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.brokers import shipped_broker
from tests.live import ROOT

PASSWORD = "1" * 48
"""What is no text to the broker, unless it is in quotes: a hexadecimal secret may look like that."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[tuple[int, int]]:
    with shipped_broker(tmp_path, f'"{PASSWORD}"') as ports:  # as docker-compose.yml quotes it
        yield ports


async def test_the_broker_admits_whoever_knows_the_password_and_writes_before_it_acknowledges(
    broker: tuple[int, int],
) -> None:
    port, monitoring = broker
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{monitoring}") as client:
        while True:
            try:
                assert (await client.get("/healthz")).json() == {"status": "ok"}
                break
            except httpx.TransportError:
                await asyncio.sleep(0.05)
        config = (await client.get("/jsz")).json()["config"]
    assert config["sync_always"] is True
    assert await answer(port, PASSWORD) == b"PONG\r\n"
    assert await answer(port, "wrong") == b"-ERR 'Authorization Violation'\r\n"


async def answer(port: int, password: str) -> bytes:
    """What the broker says to a client with this password."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert (await reader.readline()).startswith(b"INFO ")
    login = {"user": "covidxr", "pass": password, "verbose": False}
    writer.write(f"CONNECT {json.dumps(login)}\r\nPING\r\n".encode())
    said = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return said


def test_the_storage_is_told_to_write_before_it_acknowledges() -> None:
    told = tomllib.loads((ROOT / "deploy" / "garage.toml").read_text())
    assert (told["data_fsync"], told["metadata_fsync"]) == (True, True)
    assert "rpc_secret" not in told, "it comes from the environment"
