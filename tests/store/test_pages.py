"""Keyset pages: put together they are the whole order, both ways, while rows come and go."""

import random
from collections.abc import Iterable

import pytest
from tortoise.queryset import QuerySet

from store.pages import Key, Page, Window, page
from store.tables import ContactMessage, Prediction
from tests.people import member
from tests.store_rows import image, model

pytestmark = pytest.mark.usefixtures("database")

BY_MARGIN = ("margin", "id")
MIXED = ("-margin", "id")


async def messages(count: int) -> list[int]:
    """So many rows; their ids, newest first."""
    rows = [
        await ContactMessage.create(name="Ana", email="a@b.example", subject=str(n), body="")
        for n in range(count)
    ]
    return [row.id for row in reversed(rows)]


async def predictions(margins: Iterable[float]) -> None:
    """A prediction for each margin, of an image of its own."""
    owner, by = await member(), await model()
    for number, margin in enumerate(margins):
        judged = await image(owner, f"{number}")
        await Prediction.create(image=judged, model=by, probability=0.5, margin=margin)


def ids(found: Page[ContactMessage] | Page[Prediction]) -> list[int]:
    return [row.id for row in found.rows]


async def forward(query: QuerySet, order: tuple[str, ...], size: int) -> list[int]:
    """All ids, page by page from the start."""
    seen: list[int] = []
    after: Key | None = None
    while True:
        found = await page(query, Window(size, after=after), order)
        assert found.has_previous == (after is not None)
        seen += ids(found)
        if not found.has_next:
            return seen
        after = found.keys[-1]


async def backward(query: QuerySet, order: tuple[str, ...], size: int) -> list[int]:
    """All ids, page by page from the end."""
    seen: list[int] = []
    before: Key | None = None
    while True:
        found = await page(query, Window(size, before=before, from_end=True), order)
        assert found.has_next == (before is not None)
        seen = ids(found) + seen
        if not found.has_previous:
            return seen
        before = found.keys[0]


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8])
async def test_pages_both_ways_are_the_whole_order(count: int) -> None:
    expected = await messages(count)
    for size in (1, 2, 3, 7, 8, 9):
        assert await forward(ContactMessage.all(), ("-id",), size) == expected
        assert await backward(ContactMessage.all(), ("-id",), size) == expected


@pytest.mark.parametrize("order", [BY_MARGIN, MIXED])
async def test_pages_over_two_columns_are_the_whole_order(order: tuple[str, ...]) -> None:
    """Margins repeat, are zero, tiny, and have as many digits as a double takes."""
    chance = random.Random(3)
    choices = [0.0, 0.1, 1 / 3, 0.30000000000000004, 5e-324, 1e-9, 0.5, *(chance.random() for _ in range(8))]
    await predictions(chance.choice(choices) for _ in range(40))
    rows = await Prediction.all()
    sign = -1 if order == MIXED else 1
    expected = [row.id for row in sorted(rows, key=lambda row: (sign * row.margin, row.id))]
    for size in (1, 3, 13, 40):
        assert await forward(Prediction.all(), order, size) == expected
        assert await backward(Prediction.all(), order, size) == expected


async def test_any_window_is_a_slice_of_the_order() -> None:
    chance = random.Random(4)
    expected = await messages(30)
    for _ in range(60):
        first, last = sorted(chance.sample(range(30), 2))
        size, from_end = chance.randint(1, 31), chance.random() < 0.5
        window = Window(size, (expected[first],), (expected[last],), from_end)
        between = expected[first + 1 : last]
        wanted = between[-size:] if from_end else between[:size]
        found = await page(ContactMessage.all(), window)
        assert ids(found) == wanted
        assert found.keys == [(number,) for number in wanted]
        assert found.has_next == (from_end or len(between) > size)
        assert found.has_previous == (not from_end or len(between) > size)


async def test_rows_that_come_and_go_neither_repeat_nor_hide_others() -> None:
    """Whoever pages sees every row that was there all along, once, in order."""
    chance = random.Random(5)
    there = await messages(40)
    gone: set[int] = set()
    seen: list[int] = []
    after: Key | None = None
    while True:
        found = await page(ContactMessage.all(), Window(3, after=after))
        seen += ids(found)
        if not found.has_next:
            break
        after = found.keys[-1]
        victims = set(chance.sample(there, 2)) | {found.keys[-1][0]}  # the cursor's own row, too
        await ContactMessage.filter(id__in=victims).delete()
        gone |= victims
        await messages(2)
    assert seen == sorted(set(seen), reverse=True)
    assert set(there) - gone <= set(seen) <= set(there)


async def test_counts_the_whole_whatever_the_window() -> None:
    expected = await messages(5)
    query = ContactMessage.filter(id__lt=expected[0])
    found = await page(query, Window(2, after=(expected[2],)))
    assert await found.count() == 4
    assert ids(found) == expected[3:5]


async def test_a_window_of_nothing_tells_whether_there_is_more() -> None:
    await messages(2)
    found = await page(ContactMessage.all(), Window(0))
    assert (found.rows, found.has_next) == ([], True)
    assert not (await page(ContactMessage.filter(id=0), Window(0))).has_next


async def test_a_key_of_a_row_that_never_was_is_a_place_all_the_same() -> None:
    expected = await messages(3)
    assert ids(await page(ContactMessage.all(), Window(9, after=(expected[0] + 100,)))) == expected
    assert ids(await page(ContactMessage.all(), Window(9, after=(0,)))) == []
