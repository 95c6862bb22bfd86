"""What the clients of others make of a server that is restarted."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from tests.conformance import suites
from tests.conformance.people import people_of
from tests.live import ROOT, Live, prepared, wait_until_ready
from tests.stand_in_program import PROGRAM


def start(live: Live) -> subprocess.Popen[bytes]:
    server = subprocess.Popen([*PROGRAM, "serve"], cwd=ROOT, env=live.environment)
    wait_until_ready(server, live.port)
    return server


@pytest.mark.usefixtures("npm")
async def test_the_client_of_graphql_ws_goes_on_at_the_server_that_comes_after(tmp_path: Path) -> None:
    live = prepared(tmp_path / "data")
    servers = [start(live)]

    async def start_again() -> None:
        assert await asyncio.to_thread(servers[0].wait, 60) == 0
        servers.append(await asyncio.to_thread(start, live))

    try:
        people = await people_of(live)
        environment = {
            "COVIDXR_URL": live.url,
            "ADMIN_TOKEN": people.admin.token or "",
            "SERVER": str(servers[0].pid),
        }
        again = asyncio.create_task(start_again())
        await asyncio.to_thread(suites.run, "restart", **environment)
        await again
    finally:
        for server in servers:
            server.kill()
            server.wait()
