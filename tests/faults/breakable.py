"""A platform whose parts break, and what its users see of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.brokers import Broker
from tests.fleet import Fleet
from tests.live import IN_THE_CLEAR, Live
from tests.mariadb import MariaDb
from tests.people import eventually
from tests.stand_ins import picture
from tests.torture.listeners import KINDS, Kind, listen_for_ever, over_socket, over_stream
from tests.torture.story import Heard

EMAIL, PASSWORD = "chief@hospital.example", "a password for broken parts"
SECONDS = 120.0
"""How long anything may take that a fault holds up."""
LABEL = "mutation($input: SubmitLabelInput!) { submitLabel(input: $input) { label { id } errors { code } } }"
RETRAIN = "mutation { requestRetraining { run { id } errors { code message } } }"
RUNS = "{ trainingRuns(first: 5) { nodes { id state error model { id number } } } }"
RUN_FIELDS = "run { id state epoch }"
PROMOTE = """mutation($input: PromoteModelInput!) {
    promoteModel(input: $input) { model { number } errors { code message } } }"""
MODELS = "{ model { number } models(first: 9) { nodes { id number state } } }"


@dataclass
class Breakable:
    """Two servers and workers, their database and their broker."""

    fleet: Fleet
    database: MariaDb
    broker: Broker
    admins: list[Live] = field(default_factory=list)
    _seeds: itertools.count[int] = field(default_factory=itertools.count)

    async def sign_in(self) -> list[Live]:
        """The administrator at each server."""
        servers = self.fleet.servers
        await asyncio.to_thread(servers[0].run, "create-admin", EMAIL, COVIDXR_ADMIN_PASSWORD=PASSWORD)
        first = await servers[0].sign_in(EMAIL, PASSWORD)
        self.admins = [first, *(server.as_user(str(first.token)) for server in servers[1:])]
        return self.admins

    def films(self, count: int, brightness: float = 0.5) -> list[Path]:
        """Files that nobody has sent before."""
        files = [self.fleet.folder / f"{next(self._seeds)}.png" for _ in range(count)]
        for file in files:
            file.write_bytes(picture(int(file.stem), brightness))
        return files

    async def upload(self, count: int, **details: Any) -> list[str]:
        """The ids of images that are sent to the first server."""
        results = await self.admins[0].upload(self.films(count), "id", **details)
        assert all(not result["errors"] for result in results), results
        return [result["image"]["id"] for result in results]

    async def status(self, path: str, server: int = 0) -> int:
        """Of an address of a server."""
        address = self.fleet.servers[server].url.replace("graphql", path)
        async with httpx.AsyncClient(timeout=60, verify=IN_THE_CLEAR) as client:
            return (await client.get(address)).status_code

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database answers."""
        with self.database.connected("covidxr") as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def none_has_ended(self) -> bool:
        """Whether every process lives that was started first."""
        return all(process.poll() is None for process in (*self.fleet.serving, *self.fleet.workers))

    @asynccontextmanager
    async def listening(self, *kinds: Kind) -> AsyncIterator[dict[str, list[Heard]]]:
        """What a socket at one server and a stream at the other hear, made again when they are cut off."""
        heard = {
            kind.field: [list[tuple[int, str]]() for _ in range(2)]
            for kind in kinds or (KINDS["PredictionMade"],)
        }
        tasks = [
            asyncio.create_task(listen_for_ever(admin, kind, events, over, 0))
            for kind in kinds or (KINDS["PredictionMade"],)
            for admin, events, over in zip(
                self.admins, heard[kind.field], (over_socket, over_stream), strict=True
            )
        ]
        try:
            yield heard
        finally:
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(outcome, asyncio.CancelledError), outcome

    async def all_told_once(self, heard: Sequence[Heard], count: int) -> None:
        """Everybody has heard so many events, each once and in order."""
        await until(lambda: all(len(events) >= count for events in heard))
        await asyncio.sleep(2)  # for what comes twice
        for events in heard:
            places = [place for place, _ in events]
            assert places == sorted(set(places))
            assert len({told for _, told in events}) == len(events) == count


async def until(is_so: Callable[[], bool]) -> None:
    """Until it is so, which a fault may hold up."""
    await eventually(lambda: asyncio.sleep(0, is_so()), SECONDS)
