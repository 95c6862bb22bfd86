"""How long resolvers take: told by field of a sample of the operations, while the others carry no hook."""

import asyncio
from typing import Any

import pytest

from schema import timing
from schema.errors import INTERNAL
from schema.schema import Schema
from schema.timing import EVERY, FIRST, Sample
from services import measurements
from services.images import Images
from services.links import Links
from tests.asking import Asker
from tests.stand_ins import picture

SLOW = 0.1


class Told:
    """What has been told of a field's resolver since this was made."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._before = self._now()

    def _now(self) -> tuple[float, float]:
        told = [
            measurements.REGISTRY.get_sample_value(f"covidxr_resolver_seconds_{what}", {"field": self._field})
            for what in ("count", "sum")
        ]
        return told[0] or 0.0, told[1] or 0.0

    @property
    def count(self) -> float:
        return self._now()[0] - self._before[0]

    @property
    def seconds(self) -> float:
        return self._now()[1] - self._before[1]


@pytest.fixture
def all_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "EVERY", 1)


@pytest.fixture
def none_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sample, "next", lambda self: None)


@pytest.mark.usefixtures("all_are_timed")
async def test_a_slow_resolver_shows(member: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Images.page

    async def slowly(self: Images, *args: Any) -> Any:
        await asyncio.sleep(SLOW)
        return await page(self, *args)

    monkeypatch.setattr(Images, "page", slowly)
    slow, quick = Told("Query.images"), Told("Query.viewer")
    await member.data("{ images(first: 1) { nodes { id } } }")
    await member.data("{ viewer { id } }")
    assert (slow.count, quick.count) == (1, 1)
    assert slow.seconds >= SLOW > quick.seconds


@pytest.mark.usefixtures("all_are_timed")
async def test_a_list_tells_of_each_entry_and_of_no_plain_attribute(member: Asker) -> None:
    names = ("Image.url", "Image.filename", "Query.__typename", "__Schema.types")
    told = [Told(name) for name in names]
    await member.upload([("chest.png", picture(1)), ("chest.png", picture(2))], "id url filename")
    await member.ask("{ __typename __schema { types { name } } }")
    assert [one.count for one in told] == [2, 0, 0, 0]


@pytest.mark.usefixtures("all_are_timed")
async def test_names_are_the_schema_s_whatever_somebody_calls_them(member: Asker) -> None:
    told = Told("Query.images"), Told("Query.secret"), Told("secret")
    await member.data("query secret { secret: images(first: 1) { secret: totalCount } }")
    assert [one.count for one in told] == [1, 0, 0]


@pytest.mark.usefixtures("all_are_timed")
async def test_what_fails_is_told_of_too(anybody: Asker) -> None:
    told = Told("Query.users")
    await anybody.ask("{ users(first: 1) { nodes { id } } }")
    assert told.count == 1


@pytest.mark.usefixtures("all_are_timed")
async def test_what_fails_at_once_is_told_of_too(member: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    await member.upload([("chest.png", picture(1))], "id")
    monkeypatch.setattr(Links, "image", None)
    told = Told("Image.url")
    assert await member.code("{ images(first: 1) { nodes { url } } }") == INTERNAL
    assert told.count == 1


@pytest.mark.usefixtures("none_is_timed")
async def test_the_others_carry_no_hook(member: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a manager that would be asked about each field and have nothing to say."""
    given = []
    execute = Schema._get_execute_function

    def seen(self: Schema) -> Any:
        def executed(*args: Any, **options: Any) -> Any:
            given.append(options["middleware"])
            return execute(self)(*args, **options)

        return executed

    monkeypatch.setattr(Schema, "_get_execute_function", seen)
    told = Told("Query.images")
    await member.data("{ images(first: 1) { nodes { id } } }")
    assert given == [None]
    assert told.count == 0


def test_the_first_are_timed_and_then_one_in_many() -> None:
    sample = Sample()
    timed = [number for number in range(FIRST + 3 * EVERY) if sample.next()]
    assert timed[:FIRST] == list(range(FIRST))
    assert timed[FIRST:] == [number for number in range(FIRST, FIRST + 3 * EVERY) if number % EVERY == 0]
    assert 3 <= len(timed) - FIRST <= 4
