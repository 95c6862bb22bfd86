"""A live server of its own process for tests, and a small GraphQL client of it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect

from store.database import sqlite_url

ROOT = Path(__file__).parents[1]
COVIDXR = [sys.executable, "-m", "api.cli"]
START_SECONDS = 180


FREE_PORTS = range(12_000, 32_000)
"""Below those that systems give to connections on their way out, one of which would take it meanwhile."""
COMPILED = "JAX_COMPILATION_CACHE_DIR"
"""Names the folder of what all processes of a run of tests have compiled."""
WORTH_KEEPING = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
IN_THE_CLEAR = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak no TLS, each of which reads the certificates of all authorities else, for 27 ms."""


def free_port() -> int:
    while True:
        port = secrets.choice(FREE_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass(frozen=True)
class Live:
    """A server's address and data folder, and who asks."""

    port: int
    data_dir: Path
    environment: dict[str, str]
    token: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @property
    def database(self) -> str:
        """The URL of its database."""
        return self.environment.get("COVIDXR_DATABASE_URL") or sqlite_url(self.data_dir / "covid-xr.sqlite")

    def as_user(self, token: str) -> Live:
        return replace(self, token=token)

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        async with httpx.AsyncClient(timeout=120, verify=IN_THE_CLEAR) as client:
            body = {"query": query, "variables": variables}
            answer = (await client.post(self.url, json=body, headers=self.headers)).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def upload(self, files: Sequence[Path], fields: str, **details: Any) -> list[dict[str, Any]]:
        """The results of one upload, each with the fields asked for of its image."""
        query = (
            "mutation($input: UploadImagesInput!) { uploadImages(input: $input) { errors { code message } "
            f"results {{ filename errors {{ code message }} image {{ {fields} }} }} }} }}"
        )
        variables = {"input": {"files": [None] * len(files), **details}}
        operations = {"query": query, "variables": variables}
        slots = {str(n): [f"variables.input.files.{n}"] for n in range(len(files))}
        form = {"operations": json.dumps(operations), "map": json.dumps(slots)}
        parts = {str(n): (file.name, file.read_bytes()) for n, file in enumerate(files)}
        async with httpx.AsyncClient(timeout=300, verify=IN_THE_CLEAR) as client:
            answer = (await client.post(self.url, data=form, files=parts, headers=self.headers)).json()
        assert "errors" not in answer, answer
        assert answer["data"]["uploadImages"]["errors"] == []
        results: list[dict[str, Any]] = answer["data"]["uploadImages"]["results"]
        return results

    @asynccontextmanager
    async def subscribe(self, query: str) -> AsyncIterator[asyncio.Queue[dict[str, Any]]]:
        """What a subscription over graphql-transport-ws brings, as it comes."""
        events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        async with connect(self.url.replace("http", "ws"), subprotocols=["graphql-transport-ws"]) as socket:
            payload = {"authorization": f"Bearer {self.token}"} if self.token else {}
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}}))

            async def listen() -> None:
                async for text in socket:
                    message = json.loads(text)
                    if message["type"] == "next":
                        events.put_nowait(message["payload"]["data"])
                    elif message["type"] != "ping":
                        raise AssertionError(message)

            listener = asyncio.create_task(listen())
            await asyncio.sleep(0.3)  # the protocol does not say when a subscription stands
            yield events
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)

    def run(self, *command: str, **environment: str) -> str:
        """The output of a `covidxr` command on this server's data."""
        done = subprocess.run(
            [*COVIDXR, *command],
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout

    def mails(self) -> list[str]:
        """The texts of the mails written so far, oldest first."""
        files = sorted((self.data_dir / "mail").glob("*.eml"))
        mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
        return [mail.get_content() for mail in mails]

    async def mailed_token(self) -> str:
        """The token of the newest mail, once one has come."""
        async with asyncio.timeout(20):
            while not (mails := self.mails()):
                await asyncio.sleep(0.05)
        found = re.search(r"token=(\S+)", mails[-1])
        assert found
        return found.group(1)

    async def sign_in(self, email: str, password: str) -> Live:
        """This server, asked by that user."""
        query = "mutation($input: SignInInput!) { signIn(input: $input) { token errors { code } } }"
        answer = (await self.ask(query, input={"email": email, "password": password}))["signIn"]
        assert answer["errors"] == []
        return self.as_user(answer["token"])


@contextmanager
def serving(data_dir: Path, root: Path = ROOT, **settings: str) -> Iterator[Live]:
    """A server with these `COVIDXR_…` settings, ready to be asked; ``root`` holds its code."""
    live = prepared(data_dir, **settings)
    with subprocess.Popen([*COVIDXR, "serve"], cwd=root, env=live.environment) as process:
        try:
            wait_until_ready(process, live.port)
            yield live
        finally:
            process.terminate()
            process.wait(30)


def prepared(data_dir: Path, **settings: str) -> Live:
    """A server with these settings that has yet to be started, at a free port unless they name one."""
    port = int(settings.pop("port", free_port()))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COVIDXR_")}
    environment = {
        COMPILED: str(data_dir.parent / "jax"),
        WORTH_KEEPING: "0",
        **clean,
        "JAX_PLATFORMS": "cpu",
        "COVIDXR_DATA_DIR": str(data_dir),
        "COVIDXR_PORT": str(port),
        **{f"COVIDXR_{name.upper()}": value for name, value in settings.items()},
    }
    return Live(port, data_dir, environment)


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with status {process.returncode}"
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5, verify=IN_THE_CLEAR)
            if answer.status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the server was not ready within {START_SECONDS} s")
