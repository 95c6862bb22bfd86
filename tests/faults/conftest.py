"""Platforms of several processes, each part of which a test may break."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.brokers import Broker
from tests.buckets import S3Server
from tests.faults.breakable import Breakable
from tests.fleet import fleet, shared
from tests.mariadb import MariaDb, mariadb
from tests.stand_in_program import PROGRAM


@pytest.fixture(scope="session")
def own_mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A database server that a test may stop, and has to start again."""
    with mariadb(tmp_path_factory.mktemp("mariadb")) as one:
        yield one


@pytest.fixture
def breakable(
    tmp_path: Path, own_mariadb: MariaDb, mortal: Broker, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Breakable]]:
    """Makes servers and workers, on stand-ins, with what the environment of each has besides."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:

        def make(
            workers: Sequence[dict[str, str]] = ({}, {}), servers: Sequence[dict[str, str]] = ({}, {})
        ) -> Breakable:
            own_mariadb.empty()
            given = shared(own_mariadb.url, s3.make_bucket(), mortal.url("covidxr"))
            given |= {"retrain_threshold": "1000000", "points_per_minute": "0"}
            found = stack.enter_context(fleet(tmp_path, given, 0, 0, PROGRAM))
            for environment in servers:
                found.start_server(**environment)
            for environment in workers:
                found.start_worker(**environment)
            found.wait_until_ready()
            return Breakable(found, own_mariadb, mortal)

        yield make
