"""What tests of several rooms need: real images, the real network, databases, a platform."""

import copy
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import jax
import pytest
from argon2 import PasswordHasher

from api import graphql
from api.settings import Settings
from api.wiring import Parts, running
from ml.classifier import FeatureExtractor
from ml.weights import Weights
from ml.weights import load as load_weights
from schema.schema import Schema
from services import passwords
from services.platform import Platform
from store.database import open_database
from tests import databases, stand_ins
from tests.brokers import Broker, broker
from tests.buckets import S3Server, s3_server
from tests.live import COMPILED, WORTH_KEEPING
from tests.missing import missing

HASHER, NOBODY = passwords._HASHER, passwords._NOBODY
IMAGES = Path(os.environ.get("COVIDXR_TEST_IMAGES", Path(__file__).parents[2] / "shared"))


def pytest_configure(config: pytest.Config) -> None:
    """What is compiled is kept for all tests, all workers and what they start, by way of the environment."""
    if COMPILED not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="covidxr-compiled-")
        os.environ[COMPILED] = folder.name
        config.add_cleanup(folder.cleanup)
    seconds = os.environ.setdefault(WORTH_KEEPING, "0")
    jax.config.update("jax_compilation_cache_dir", os.environ[COMPILED])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", float(seconds))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of workers side by side, files with slow tests come first: else one ends long after the others."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


def images_of(site: str) -> Path:
    """The folder of one site's development images; skips by name, or fails under CI, where it is absent."""
    folder = IMAGES / site
    if not (folder / "manifest.csv").is_file():
        missing(f"no images of {site!r} at {IMAGES}: set COVIDXR_TEST_IMAGES to the folder that holds them")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _one_schema() -> Iterator[None]:
    """The types are put together once for all endpoints, each of which keeps what was asked of it alone."""
    types = graphql.build_schema()

    def build() -> Schema:
        schema = copy.copy(types)
        for own in ("documents", "sample"):
            vars(schema).pop(own, None)
        return schema

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graphql, "build_schema", build)
        yield


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Argon2id by small parameters, for all but the tests that ask for `real_passwords`."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_NOBODY", hasher.hash("nobody's"))
        patch.setattr(passwords, "_HASHER", hasher)
        yield


@pytest.fixture
def real_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords as the platform hashes and verifies them."""
    monkeypatch.setattr(passwords, "_NOBODY", NOBODY)
    monkeypatch.setattr(passwords, "_HASHER", HASHER)


@pytest.fixture(scope="session")
def site_a() -> Path:
    """Site A: 890 images, two sources, ``manifest.csv``."""
    return images_of("cxr")


@pytest.fixture(scope="session")
def site_b() -> Path:
    """Site B: 417 images of other hospitals, ``manifest.csv``."""
    return images_of("cxr-b")


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """The real ImageNet weights, converted once for all tests."""
    return load_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def extractor(weights: Weights) -> FeatureExtractor:
    """VGG16 with the real weights, ready."""
    return FeatureExtractor(weights)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file whose tables are up to date."""
    return databases.sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def mysql_url() -> Iterator[str]:
    """A database made for this run on the MariaDB or MySQL server."""
    with databases.own_mysql() as url:
        yield url


@pytest.fixture
def own_database() -> Iterator[str]:
    """A database on that server without tables, which no other test uses."""
    with databases.empty_mysql() as url:
        yield url


@pytest.fixture(params=["sqlite", "mysql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database with its tables: each test that asks for it runs on both engines."""
    return databases.ready(request.param, request, tmp_path)


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the environment in which the tests happen to run."""
    for name in [name for name in os.environ if name.startswith("COVIDXR_") and "TEST" not in name]:
        monkeypatch.delenv(name)


@pytest.fixture
def settings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for one test, whatever the environment says."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"COVIDXR_{name.upper()}", raising=False)
    return Settings(data_dir=tmp_path / "data", database_url=database_url, retrain_threshold=3)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[str]:
    """An open database."""
    async with open_database(database_url):
        yield database_url


@pytest.fixture
async def parts() -> Parts:
    """The stand-ins; a test changes them before it asks for the platform."""
    return stand_ins.parts()


@pytest.fixture
async def platform(settings: Settings, parts: Parts) -> AsyncIterator[Platform]:
    """The platform at work on stand-ins."""
    async with running(settings, parts) as running_platform:
        yield running_platform


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A NATS server with JetStream for all tests, each of which has a stream of its own."""
    with broker(tmp_path_factory.mktemp("nats")) as one:
        yield one


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that no other test uses."""
    with broker(tmp_path_factory.mktemp("nats")) as one:
        yield one


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server for all tests, each of which makes buckets of its own."""
    with s3_server() as server:
        yield server
