"""The reverse proxy's configuration, before two small servers of the test's own."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from api.request_ids import WELL_FORMED
from tests.live import free_port
from tests.people import eventually
from tests.proxies import CONFIGURATION, Proxy, certified, haproxy, proxy

BODY = bytes(1 << 20)


@dataclass
class Small:
    """A server that tells who it is and what it was asked, and that says whether it is ready."""

    name: str
    port: int = field(default_factory=free_port)
    ready: bool = True
    server: uvicorn.Server = field(init=False)

    def __post_init__(self) -> None:
        routes = [
            Route("/readyz", self._readyz),
            Route("/", self._tell, methods=["GET", "POST"]),
            WebSocketRoute("/", self._socket),
        ]
        config = uvicorn.Config(Starlette(routes=routes), port=self.port, log_level="critical")
        self.server = uvicorn.Server(config)

    async def _readyz(self, request: Request) -> Response:
        return PlainTextResponse("", 200 if self.ready else 503)

    async def _tell(self, request: Request) -> Response:
        body = await request.body()
        return JSONResponse({"name": self.name, "bytes": len(body), "headers": dict(request.headers)})

    async def _socket(self, socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(self.name)
        await socket.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.server._serve())
        while not self.server.started:
            await asyncio.sleep(0.01)
        try:
            yield
        finally:
            self.server.should_exit = True
            await task


@asynccontextmanager
async def client(front: Proxy, trusted: ssl.SSLContext | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """One that asks once the proxy answers; by TLS, where it knows whom to trust."""
    url = front.url.replace("http:", "https:") if trusted else front.url
    async with httpx.AsyncClient(base_url=url, timeout=30, verify=trusted or True) as one:
        while True:
            try:
                await one.get("/readyz")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.05)
        yield one


async def names(client: httpx.AsyncClient, count: int = 20) -> set[str]:
    return {(await client.post("/")).json()["name"] for _ in range(count)}


@pytest.mark.parametrize("more", [{}, {"STATUS": "127.0.0.1:8404"}, {"CERTIFICATE": ""}])
def test_haproxy_finds_nothing_to_say(more: dict[str, str]) -> None:
    environment = {"LISTEN": ":8000", "SERVER_A": "127.0.0.1:8001", "SERVER_B": "127.0.0.1:8002", **more}
    command = [haproxy(), "-dW", "-c", "-f", str(CONFIGURATION)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


async def test_what_a_client_says_of_its_address_is_not_passed_on() -> None:
    a, b = Small("a"), Small("b")
    async with a.serving(), b.serving():
        with proxy(a, b) as front:
            async with client(front) as one:
                lies = {"X-Forwarded-For": "203.0.113.1", "X-Forwarded-Proto": "https"}
                headers = (await one.get("/", headers=lies)).json()["headers"]
    assert (headers["x-forwarded-for"], headers["x-forwarded-proto"]) == ("127.0.0.1", "http")


async def test_each_request_has_an_id_that_no_client_chooses() -> None:
    a, b = Small("a"), Small("b")
    async with a.serving(), b.serving():
        with proxy(a, b) as front:
            async with client(front) as one:
                asked = [await one.get("/", headers={"X-Request-Id": "made-up"}) for _ in range(2)]
    first, second = (answer.json()["headers"]["x-request-id"] for answer in asked)
    assert first != second
    assert all(WELL_FORMED.fullmatch(given) and given != "made-up" for given in (first, second))


async def test_with_a_certificate_it_speaks_tls(tmp_path: Path) -> None:
    both = await asyncio.to_thread(certified, tmp_path)
    a, b = Small("a"), Small("b")
    trusted = ssl.create_default_context(cafile=str(tmp_path / "certificate"))
    async with a.serving(), b.serving():
        with proxy(a, b, CERTIFICATE=str(both)) as front:
            async with client(front, trusted) as one:
                answer = await one.get("/")
                a.server.should_exit = b.server.should_exit = True
                while (its_own := await one.get("/")).status_code == 200:
                    await asyncio.sleep(0.05)
    assert answer.json()["headers"]["x-forwarded-proto"] == "https"
    assert its_own.status_code == 503
    for told in (answer, its_own):
        assert told.headers.get_list("strict-transport-security") == ["max-age=31536000"]


async def test_bodies_long_addresses_and_sockets_pass() -> None:
    a, b = Small("a"), Small("b")
    async with a.serving(), b.serving():
        with proxy(a, b) as front:
            async with client(front) as one:
                assert (await one.post("/", content=BODY)).json()["bytes"] == len(BODY)
                assert (await one.get("/", params={"query": "x" * 40_000})).status_code == 200
                async with connect(front.url.replace("http", "ws")) as socket:
                    assert await socket.recv() in {"a", "b"}


async def test_a_server_that_drains_and_stops_loses_nothing() -> None:
    a, b = Small("a"), Small("b")
    counted: Counter[Any] = Counter()

    async def ask(one: httpx.AsyncClient, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            counted[(await one.post("/")).status_code] += 1

    async with b.serving():
        stopped = asyncio.Event()
        with proxy(a, b) as front:
            async with client(front) as one, asyncio.TaskGroup() as tasks:
                async with a.serving():
                    while await names(one) != {"a", "b"}:
                        await asyncio.sleep(0.1)
                    for _ in range(8):
                        tasks.create_task(ask(one, stopped))
                    a.ready = False
                    while await names(one) != {"b"}:
                        await asyncio.sleep(0.1)
                await asyncio.sleep(1)
                stopped.set()
    assert set(counted) == {200}


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_only_what_changes_nothing_is_sent_again(method: str) -> None:
    heard: list[bytes] = []

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        heard.append(line)
        if b"readyz" in line:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    a, b = Small("a"), Small("b")
    servers = [await asyncio.start_server(break_off, "127.0.0.1", one.port) for one in (a, b)]
    with proxy(a, b) as front:
        async with client(front), httpx.AsyncClient(base_url=front.url) as first:
            answer = await first.request(method, "/")
    for server in servers:
        server.close()
        await server.wait_closed()
    assert answer.status_code == 502
    assert answer.json()["errors"][0]["extensions"] == {"code": "BROKEN_OFF"}
    times = len([line for line in heard if b"readyz" not in line])
    assert times > 1 if method == "GET" else times == 1


async def test_its_log_has_the_network_of_a_client_and_not_the_address(tmp_path: Path) -> None:
    """Of a request that no server answers, and of one that does not trust the certificate."""
    a, b, plain, secured = Small("a"), Small("b"), tmp_path / "plain", tmp_path / "secured"
    with plain.open("wb") as log, proxy(a, b, log) as front:
        async with client(front) as one:
            assert (await one.get("/")).status_code == 503
        await eventually(lambda: asyncio.sleep(0, requests_told(plain, " 503 ")))
    both = await asyncio.to_thread(certified, tmp_path)
    trusted = ssl.create_default_context(cafile=str(tmp_path / "certificate"))
    with secured.open("wb") as log, proxy(a, b, log, CERTIFICATE=str(both)) as front:
        async with client(front, trusted):
            pass
        async with httpx.AsyncClient(base_url=front.url.replace("http:", "https:")) as one:
            with pytest.raises(httpx.ConnectError):
                await one.get("/")
        await eventually(lambda: asyncio.sleep(0, requests_told(secured, "SSL handshake")))
    for log_file, words in ((plain, " 503 "), (secured, "SSL handshake")):
        (line,) = requests_told(log_file, words)
        assert line.startswith("127.0.0.0 ")
        assert "127.0.0.1" not in log_file.read_text()


def requests_told(log: Path, words: str) -> set[str]:
    """Lines of a log with these words, but for the proxy's own questions whether servers are ready."""
    return {line for line in log.read_text().splitlines() if words in line and "/readyz" not in line}


async def test_servers_that_are_not_ready_answer_themselves_and_dead_ones_have_it_said() -> None:
    a, b = Small("a", ready=False), Small("b", ready=False)
    with proxy(a, b) as front:
        async with client(front) as one:
            async with a.serving(), b.serving():
                assert await names(one) == {"a", "b"}
                assert (await one.get("/readyz")).status_code == 503
            answer = await one.post("/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert json.loads(answer.text)["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
