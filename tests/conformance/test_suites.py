"""The suites and clients of others, against a real server."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance import fuzzing, suites
from tests.conformance.people import People, furnish, people_of, pictures
from tests.live import serving

FUZZING_SECONDS = 30

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server keeps its data, and the tests their pictures."""
    return tmp_path_factory.mktemp("conformance")


@pytest.fixture(scope="module")
def people(folder: Path) -> Iterator[People]:
    """A member and an administrator of one server for all these tests."""
    with serving(folder / "data", points_per_minute="0") as server:
        yield asyncio.run(people_of(server))


@pytest.fixture(scope="module")
def environment(npm: None, people: People, folder: Path) -> dict[str, str]:
    """What the suites are told of the server."""
    (folder / "pictures").mkdir()
    pictures(folder / "pictures", range(30))
    return {
        "COVIDXR_URL": people.anybody.url,
        "MEMBER_TOKEN": people.member.token or "",
        "ADMIN_TOKEN": people.admin.token or "",
        "MAILS": str(people.anybody.data_dir / "mail"),
        "PICTURES": str(folder / "pictures"),
    }


@pytest.mark.parametrize(
    "suite", ["graphql-http", "graphql-ws", "graphql-sse", "multipart", "apollo", "persisted", "urql"]
)
def test_suite(suite: str, environment: dict[str, str]) -> None:
    suites.run(suite, **environment)


def test_schemathesis_finds_no_fault(people: People, folder: Path) -> None:
    asyncio.run(furnish(people, folder))
    found = fuzzing.fuzz_everybody(people, FUZZING_SECONDS, folder)
    for who, fuzzed in found.items():
        assert fuzzed.is_clean, f"{who}: {fuzzed.report}"
    assert "data" in found["admin"].outcomes, "something of what was sent has to be understood"
    assert "UNAUTHENTICATED" in found["anybody"].outcomes
