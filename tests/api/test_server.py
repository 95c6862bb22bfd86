"""How a server leaves: behind a balancer nobody notices."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from api.patience import PatientHttp, PatientSocket
from api.serve import SHUTDOWN_SECONDS
from api.server import keep_for_good
from api.sockets import RESTART
from services.models import Models
from services.platform import Platform
from store.tables import ModelVersion
from tests import databases
from tests.listening import NEWS, joined, listen, listening
from tests.live import COVIDXR, ROOT, Live, prepared, wait_until_ready
from tests.people import eventually

DRAIN_SECONDS = 4
COMPLETE = "event: complete\r\ndata: \r\n\r\n"
QUERY = b'{"query": "{ viewer { id } }"}'
HEAD = b"POST /graphql HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """What is told to clients is of no database."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@contextmanager
def started(data_dir: Path, **settings: str) -> Iterator[tuple[Live, subprocess.Popen[bytes]]]:
    """A server that is ready, and its process, which a test ends."""
    live = prepared(data_dir, **settings)
    command = [*COVIDXR, "serve"]
    with subprocess.Popen(command, cwd=ROOT, env=live.environment, stdout=subprocess.PIPE) as process:
        try:
            wait_until_ready(process, live.port)
            yield live, process
        finally:
            process.kill()


def test_what_is_there_at_the_start_is_left_out_of_collections() -> None:
    try:
        keep_for_good()
        frozen = gc.get_freeze_count()
        assert frozen > 10_000  # this process' modules, to begin with
        assert len(gc.get_objects()) < frozen
    finally:
        gc.unfreeze()


def address_of(live: Live) -> str:
    return f"127.0.0.1:{live.port}"


async def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Its status, and the last that it said."""
    said, _ = await asyncio.to_thread(process.communicate, timeout=60)
    return process.returncode, said


@pytest.mark.slow
async def test_it_is_not_ready_while_it_still_answers_and_then_sends_clients_elsewhere(
    tmp_path: Path,
) -> None:
    with started(tmp_path / "data", drain_seconds=str(DRAIN_SECONDS)) as (live, process):
        async with joined(address_of(live)) as client, httpx.AsyncClient() as http:
            await listen(client, NEWS)
            ready = live.url.replace("graphql", "readyz")
            assert (await http.get(ready)).status_code == 200
            process.send_signal(signal.SIGTERM)
            await eventually(lambda: _is(http, ready, 503))

            answer = await http.post(live.url, json={"query": "{ viewer { id } }"})
            assert (answer.status_code, answer.headers["connection"]) == (200, "close")
            async with joined(address_of(live)) as late:
                await listen(late, NEWS)
                assert (await late.closes())[0] == RESTART
            assert await client.closes() == (
                RESTART,
                "The server restarts: connect again, and subscribe with the last cursor as `after`",
            )
        status, said = await ended(process)
    assert status == 0
    assert said.endswith(b"Stopped.\n")


async def _is(http: httpx.AsyncClient, address: str, status: int) -> bool:
    return (await http.get(address)).status_code == status


@pytest.mark.slow
async def test_a_request_under_way_is_answered_though_nothing_more_is_taken(tmp_path: Path) -> None:
    with started(tmp_path / "data") as (live, process):
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writer.write(HEAD % len(QUERY) + QUERY[:10])
        await writer.drain()
        async with httpx.AsyncClient() as client:
            await client.get(live.url.replace("graphql", "healthz"))  # behind which it has been read
        process.send_signal(signal.SIGTERM)
        await eventually(lambda: _refuses(live.port))
        writer.write(QUERY[10:])
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert (await ended(process))[0] == 0


async def _refuses(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


@dataclass
class SlowModel:
    """The model in service, told of when a test wants it."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    times: int = 0


@pytest.fixture
def slow_model(monkeypatch: pytest.MonkeyPatch) -> SlowModel:
    slow, really = SlowModel(), Models.in_service

    async def in_service(self: Models) -> ModelVersion:
        slow.times += 1
        slow.asked.set()
        await slow.answering.wait()
        return await really(self)

    monkeypatch.setattr(Models, "in_service", in_service)
    return slow


MODEL = "{ model { number } }"


async def test_what_is_under_way_on_a_socket_is_answered_before_it_is_closed(
    platform: Platform, slow_model: SlowModel
) -> None:
    async with AsyncExitStack() as server:
        address = await server.enter_async_context(listening(platform, ws=PatientSocket))
        async with joined(address) as client:
            await listen(client, NEWS, "news")
            await client.subscribe(MODEL, "slow")
            await slow_model.asked.wait()
            stopping = asyncio.create_task(server.pop_all().aclose())
            await asyncio.sleep(0.5)
            await client.subscribe(MODEL, "late")
            await asyncio.sleep(0.5)
            slow_model.answering.set()
            assert (await client.of("slow"))["payload"]["data"] == {"model": {"number": 1}}
            assert await client.of("slow") == {"id": "slow", "type": "complete"}
            with pytest.raises(ConnectionClosed):
                await client.of("late")
            assert (await client.closes())[0] == RESTART
            assert slow_model.times == 1  # what came late was not begun
            await stopping


async def test_of_streams_those_without_end_are_ended_and_others_answered(
    platform: Platform, slow_model: SlowModel
) -> None:
    async with AsyncExitStack() as server:
        address = await server.enter_async_context(listening(platform, http=PatientHttp))
        news = asyncio.create_task(streamed(address, NEWS))
        model = asyncio.create_task(streamed(address, MODEL))
        await slow_model.asked.wait()
        await asyncio.sleep(0.5)
        stopping = asyncio.create_task(server.pop_all().aclose())
        assert '"code":"RESTARTING"' in await news
        assert (await news).endswith(COMPLETE)
        assert not model.done()
        slow_model.answering.set()
        assert (await model).endswith(COMPLETE)
        await stopping


async def streamed(address: str, query: str) -> str:
    """What comes as server-sent events."""
    headers = {"Accept": "text/event-stream"}
    async with httpx.AsyncClient(timeout=20) as client:
        return (await client.post(f"http://{address}/graphql", json={"query": query}, headers=headers)).text


@pytest.mark.slow
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
async def test_a_stream_is_whole_to_its_last_chunk_when_its_server_ends(
    told: signal.Signals, tmp_path: Path
) -> None:
    body = b'{"query": "subscription { newsPublished { cursor } }"}'
    head = HEAD.replace(b"Host: here", b"Host: here\r\nAccept: text/event-stream")
    with started(tmp_path / "data") as (live, process):
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writer.write(head % len(body) + body)
        async with asyncio.timeout(20):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(0.5)  # a stream does not say when it stands
            process.send_signal(told)
            began = time.monotonic()
            heard = await reader.read()
        writer.close()
        status, _ = await ended(process)
        took = time.monotonic() - began
    assert b'"code":"RESTARTING"' in heard
    assert heard.endswith(COMPLETE.encode() + b"\r\n0\r\n\r\n"), heard
    assert status == 0
    assert took < SHUTDOWN_SECONDS, "which is when it gives up waiting"
