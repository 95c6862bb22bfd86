"""TLS to the database, with whom its URL names or not at all; certificates are made as the guide says."""

from __future__ import annotations

import asyncio
import re
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from pymysql.constants import CLIENT
from tortoise.transactions import in_transaction

from store.database import MYSQL_POOL_SIZE, configuration, migrate, open_database
from store.database_faults import DatabaseUnusable
from store.tls import trusting
from tests.backups import Place
from tests.live import ROOT, serving
from tests.mariadb import MariaDb, mariadb

HOST = "db.your-hospital.example"
USER, PASSWORD = "covid", "s3cret"
CIPHER = "SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_cipher', 'Ssl_version')"

pytestmark = pytest.mark.slow


def certified(folder: Path) -> Path:
    """The authority of the guide, and its certificate for localhost, made in a folder as the guide says."""
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"(?:^    .+\n)*^    openssl req -x509 .+\n(?:^    .+\n)+", guide, re.M)
    assert HOST in block
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["bash", "-euc", block.replace(HOST, "localhost")], cwd=folder, check=True, capture_output=True
    )
    return folder


class Servers(NamedTuple):
    """One that has a certificate, and one that has none."""

    secured: MariaDb
    plain: MariaDb
    authority: Path

    def url(self, host: str = "localhost", authority: Path | None = None) -> str:
        """The URL of the first, for a user whom it lets in by TLS alone."""
        place = f"{USER}:{PASSWORD}@{host}:{self.secured.port}/covidxr"
        return f"mysql://{place}?ssl_ca={authority or self.authority}"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = certified(tmp_path_factory.mktemp("certificates"))
    places = [tmp_path_factory.mktemp(name) for name in ("secured", "plain")]
    certificate = [f"--ssl-cert={folder}/server.pem", f"--ssl-key={folder}/server.key"]
    with mariadb(places[0], *certificate) as secured, mariadb(places[1], "--skip-ssl") as plain:
        for server, required in ((secured, "REQUIRE SSL"), (plain, "")):
            with server.connected() as connection:
                cursor = connection.cursor()
                cursor.execute(f"CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}' {required}")
                cursor.execute(f"GRANT ALL ON covidxr.* TO {USER}@'%'")
        yield Servers(secured, plain, folder / "database.pem")


async def opened(url: str) -> None:
    async with open_database(url):
        pass


Use = Callable[[str], Awaitable[None]]


@pytest.fixture(params=[opened, migrate], ids=["open", "migrate"])
def use(request: pytest.FixtureRequest) -> Use:
    used: Use = request.param
    return used


async def refusal(use: Use, url: str) -> str:
    """What is said of a server that is not spoken to."""
    with pytest.raises(DatabaseUnusable) as refused:
        await use(url)
    assert PASSWORD not in str(refused.value)
    return str(refused.value)


async def test_every_connection_of_the_pool_is_encrypted(servers: Servers) -> None:
    await migrate(servers.url())
    all_are_there = asyncio.Barrier(MYSQL_POOL_SIZE)

    async def ask() -> tuple[str, str]:
        async with in_transaction() as one:
            await all_are_there.wait()
            found = {row["Variable_name"]: row["Value"] for row in await one.execute_query_dict(CIPHER)}
            return found["Ssl_version"], found["Ssl_cipher"]

    async with open_database(servers.url()), asyncio.timeout(60):
        connections = await asyncio.gather(*(ask() for _ in range(MYSQL_POOL_SIZE)))
    assert {version for version, _ in connections} <= {"TLSv1.2", "TLSv1.3"}
    assert all(cipher for _, cipher in connections)


async def test_without_an_authority_nothing_is_encrypted(servers: Servers) -> None:
    """Which is why this user is let in by the others alone."""
    assert "Access denied" in await refusal(opened, servers.url().partition("?")[0])


async def test_a_server_of_another_authority_is_not_spoken_to(
    servers: Servers, use: Use, tmp_path: Path
) -> None:
    other = certified(tmp_path) / "database.pem"
    message = await refusal(use, servers.url(authority=other))
    assert "CERTIFICATE_VERIFY_FAILED" in message
    assert "Remedy: let ssl_ca name who signed its certificate" in message


async def test_a_server_whose_certificate_is_for_another_host_is_not_spoken_to(
    servers: Servers, use: Use
) -> None:
    assert "not valid for '127.0.0.1'" in await refusal(use, servers.url(host="127.0.0.1"))


async def test_a_server_without_a_certificate_is_not_spoken_to(servers: Servers, use: Use) -> None:
    url = servers.url().replace(str(servers.secured.port), str(servers.plain.port))
    await opened(url.partition("?")[0])
    message = await refusal(use, url)
    assert "the server offers no TLS" in message
    assert "Remedy: give it a certificate" in message


def greeting() -> bytes:
    """That of a server which offers no TLS and wants the password as it is."""
    offered = CLIENT.PROTOCOL_41 | CLIENT.SECURE_CONNECTION | CLIENT.PLUGIN_AUTH | CLIENT.CONNECT_WITH_DB
    low, high = offered & 0xFFFF, offered >> 16
    about = struct.pack("<I8sxHBHHB10x", 1, b"8 octets", low, 45, 2, high, 21)
    packet = b"\x0a10.11.0-MariaDB\0" + about + b"twelve octet\0" + b"mysql_clear_password\0"
    return len(packet).to_bytes(3, "little") + b"\0" + packet


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, bytearray]]:
    """A port of somebody who stands between, and what is heard there."""
    heard = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting())
        heard.extend(await reader.read(10_000))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


async def test_who_takes_the_offer_of_tls_away_hears_nothing(servers: Servers, use: Use) -> None:
    async with listening() as (port, heard):
        url = servers.url().replace(str(servers.secured.port), str(port))
        assert "the server offers no TLS" in await refusal(use, url)
        assert heard == b""
        await refusal(use, url.partition("?")[0])
        assert PASSWORD.encode() in heard  # it would have heard all


def test_older_tls_is_not_spoken(servers: Servers) -> None:
    assert trusting(str(servers.authority)).minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    "query", ["ssl=true", "ssl-ca=/x", "sslmode=require", "tls=1", "ssl_ca=", "SSL_CA=/x"]
)
def test_tls_that_is_asked_for_in_other_words_is_not_left_out(query: str) -> None:
    with pytest.raises(ValueError, match=r"alone: \?ssl_ca=/path/to/ca.pem"):
        configuration(f"mysql://u:p@h/n?{query}")


async def test_an_authority_that_has_gone_is_told(tmp_path: Path, use: Use) -> None:
    assert "/ca.pem cannot be read" in await refusal(use, f"mysql://u:p@h/n?ssl_ca={tmp_path}/ca.pem")


def test_server_and_commands_go_by_it(servers: Servers, tmp_path: Path) -> None:
    """The user is let in by TLS alone."""
    servers.secured.empty()
    place = Place(tmp_path / "data", servers.url(), "")
    with serving(tmp_path / "data", database_url=servers.url()) as live:
        assert "is an administrator" in live.run(
            "create-admin", "chief@hospital.example", COVIDXR_ADMIN_PASSWORD="correct horse battery"
        )
        done = place.run("doctor", "--json")
        assert f"spoken to by TLS, as {servers.authority} vouches for, or not at all" in done.stdout
        place.does("backup", str(tmp_path / "backup"))
        place.does("audit", "verify")
    servers.secured.empty()
    second = Place(tmp_path / "second", servers.url(), "")
    second.does("restore", str(tmp_path / "backup"))
    assert "Faults: 0." in second.run("doctor").stdout
