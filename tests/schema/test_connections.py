"""Pages: forward, backward, stable while rows come and go, counted only where asked for."""

import base64
import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from graphql import GraphQLError

from schema.connections import cut, encode_cursor, window_of
from services.platform import Platform
from store.pages import Window, page
from store.tables import Image, Label, ModelVersion, NewsPost, Prediction, User
from tests.asking import Asker
from tests.statements import counted
from tests.store_rows import image, model

NEWS = """query($first: Int, $after: String, $last: Int, $before: String) {
  news(first: $first, after: $after, last: $last, before: $before) {
    nodes { title } edges { cursor node { title } } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


def opaque(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


# ------------------------------------------------------------------ arguments


def test_twenty_where_nothing_is_said() -> None:
    assert window_of(None, None, None, None) == Window(20)


@pytest.mark.parametrize("size", [0, 1, 100])
def test_as_many_as_are_asked_for(size: int) -> None:
    assert window_of(size, None, None, None) == Window(size)
    assert window_of(None, None, size, None) == Window(size, from_end=True)


@pytest.mark.parametrize(
    ("first", "last"), [(-1, None), (101, None), (None, -1), (None, 101), (5, 5), (0, 0), (2**31 - 1, None)]
)
def test_refuses_sizes_out_of_range_and_both_at_once(first: int | None, last: int | None) -> None:
    with pytest.raises(GraphQLError) as refused:
        window_of(first, None, last, None)
    assert refused.value.extensions == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize("key", [(7,), (-7,), (2**63 - 1,)])
def test_cursors_come_back_as_they_went(key: tuple[int, ...]) -> None:
    assert window_of(1, encode_cursor(key), None, None).after == key
    assert window_of(None, None, 1, encode_cursor(key)).before == key


@pytest.mark.parametrize("margin", [0.0, 0.1, 1 / 3, 1e-300, 0.49999999999999994])
def test_cursors_keep_every_bit_of_a_fraction(margin: float) -> None:
    assert window_of(1, encode_cursor((margin, 7)), None, None, (float, int)).after == (margin, 7)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "7",
        "%%%",
        "ÿ",
        opaque(7),
        opaque([]),
        opaque(["7"]),
        opaque([7.0]),
        opaque([True]),
        opaque([None]),
        opaque([[7]]),
        opaque([7, 7]),
        opaque([2**63]),
        opaque({"id": 7}),
        opaque([0.5, 7]),
        base64.urlsafe_b64encode(b"[" * 10_000).decode(),
    ],
)
def test_nothing_else_is_a_cursor(cursor: str) -> None:
    with pytest.raises(GraphQLError, match="no cursor of this list") as refused:
        window_of(1, cursor, None, None)
    assert refused.value.extensions == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize("name", ["\0", "\ud800"])
def test_a_cursor_holds_text_that_databases_can_hold(name: str) -> None:
    assert window_of(1, encode_cursor(("ñandú", 7)), None, None, (str, int)).after == ("ñandú", 7)
    with pytest.raises(GraphQLError, match="no cursor of this list"):
        window_of(1, encode_cursor((name, 7)), None, None, (str, int))


@pytest.mark.parametrize("margin", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_cursor_holds_real_numbers(margin: str) -> None:
    cursor = base64.urlsafe_b64encode(f"[{margin}, 7]".encode()).decode()
    with pytest.raises(GraphQLError, match="no cursor of this list"):
        window_of(1, cursor, None, None, (float, int))


async def test_the_endpoint_says_so(anybody: Asker) -> None:
    assert await anybody.code(NEWS, first=-1) == "BAD_USER_INPUT"
    assert await anybody.code(NEWS, first=1, last=1) == "BAD_USER_INPUT"
    assert await anybody.code(NEWS, first=1, after="nonsense") == "BAD_USER_INPUT"
    assert await anybody.code(NEWS, first=2**31) == "BAD_USER_INPUT"


# ------------------------------------------------------------------ pages


async def posts(author: User, count: int) -> list[NewsPost]:
    return [await NewsPost.create(title=f"{n}", body="…", author=author) for n in range(count)]


def titles(connection: Any) -> list[str]:
    assert [edge["node"] for edge in connection["edges"]] == connection["nodes"]
    return [node["title"] for node in connection["nodes"]]


async def test_forward_to_the_end(anybody: Asker, ana: User) -> None:
    await posts(ana, 5)
    seen, after = [], None
    for expected in (["4", "3"], ["2", "1"], ["0"]):
        connection = await anybody.data(NEWS, first=2, after=after)
        assert titles(connection) == expected
        seen.append((connection["pageInfo"]["hasPreviousPage"], connection["pageInfo"]["hasNextPage"]))
        after = connection["pageInfo"]["endCursor"]
        assert after == connection["edges"][-1]["cursor"]
    assert seen == [(False, True), (True, True), (True, False)]


async def test_backward_to_the_beginning(anybody: Asker, ana: User) -> None:
    await posts(ana, 5)
    seen, before = [], None
    for expected in (["1", "0"], ["3", "2"], ["4"]):
        connection = await anybody.data(NEWS, last=2, before=before)
        assert titles(connection) == expected
        seen.append((connection["pageInfo"]["hasPreviousPage"], connection["pageInfo"]["hasNextPage"]))
        before = connection["pageInfo"]["startCursor"]
        assert before == connection["edges"][0]["cursor"]
    assert seen == [(True, False), (True, True), (False, True)]


async def test_between_two_cursors(anybody: Asker, ana: User) -> None:
    await posts(ana, 5)
    edges = (await anybody.data(NEWS))["edges"]
    between = {"after": edges[0]["cursor"], "before": edges[4]["cursor"]}
    assert titles(await anybody.data(NEWS, **between)) == ["3", "2", "1"]
    assert titles(await anybody.data(NEWS, **between, last=1)) == ["1"]


async def test_rows_that_come_and_go_do_not_shift_a_page(anybody: Asker, ana: User) -> None:
    rows = await posts(ana, 6)
    first = await anybody.data(NEWS, first=2)
    assert titles(first) == ["5", "4"]
    await posts(ana, 3)
    await rows[5].delete()
    await rows[4].delete()  # the very row of the cursor
    second = await anybody.data(NEWS, first=2, after=first["pageInfo"]["endCursor"])
    assert titles(second) == ["3", "2"]
    back = await anybody.data(NEWS, last=10, before=second["pageInfo"]["startCursor"])
    assert titles(back) == ["2", "1", "0"]


async def test_an_empty_list_and_an_empty_page(anybody: Asker, ana: User) -> None:
    nothing = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    empty = {"nodes": [], "edges": [], "totalCount": 0, "pageInfo": nothing}
    assert await anybody.data(NEWS) == empty
    await posts(ana, 1)
    assert (await anybody.data(NEWS, first=0)) == {
        **empty,
        "totalCount": 1,
        "pageInfo": {**nothing, "hasNextPage": True},
    }


async def test_counts_the_whole_list_and_only_where_asked(anybody: Asker, ana: User) -> None:
    await posts(ana, 3)
    assert (await anybody.data(NEWS, first=1))["totalCount"] == 3
    with counted() as statements:
        await anybody.data("{ news(first: 1) { nodes { title } } }")
    assert len(statements) == 1
    assert not any("COUNT" in statement.upper() for statement in statements)


# ------------------------------------------------------------------ by certainty


QUEUE = """query($first: Int, $after: String, $last: Int, $before: String) {
  labelQueue(first: $first, after: $after, last: $last, before: $before) {
    nodes { filename } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
MARGINS = [0.3, 0.1, 1 / 3, 0.1, 0.0, 0.1, 0.49999999999999994]


@pytest.fixture
async def queue(platform: Platform, ana: User) -> list[str]:
    """The files of Ana's unlabelled images as the queue should have them."""
    serving = await platform.models.in_service()
    for n, margin in enumerate(MARGINS):
        row = await image(ana, f"{n}.png")
        await Prediction.create(image=row, model=serving, probability=0.5, margin=margin)
    return [f"{n}.png" for _, n in sorted((margin, n) for n, margin in enumerate(MARGINS))]


@pytest.mark.parametrize(
    ("size", "end", "place"), [("first", "endCursor", "after"), ("last", "startCursor", "before")]
)
async def test_the_label_queue_pages_by_certainty(
    member: Asker, queue: list[str], size: str, end: str, place: str
) -> None:
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        connection = await member.data(QUEUE, **{size: 2, place: cursor})
        files = [node["filename"] for node in connection["nodes"]]
        seen = seen + files if size == "first" else files + seen
        cursor = connection["pageInfo"][end]
    assert seen == queue
    assert connection["totalCount"] == len(MARGINS)
    assert connection["pageInfo"]["hasNextPage"] is (size == "last")


async def test_the_label_queue_refuses_cursors_of_other_lists(member: Asker, queue: list[str]) -> None:
    cursor = (await member.data("{ images { pageInfo { endCursor } } }"))["pageInfo"]["endCursor"]
    assert await member.code(QUEUE, first=1, after=cursor) == "BAD_USER_INPUT"


# ------------------------------------------------------------------ rows at hand


def windows(ids: list[int]) -> Iterator[Window]:
    keys = [None, *((place,) for place in [ids[0] - 1, *ids, ids[-1] + 1])]
    for size, after, before, from_end in product((0, 1, 2, 9), keys, keys, (False, True)):
        yield Window(size, after, before, from_end)


async def test_a_page_of_rows_at_hand_is_the_page_of_the_query(database: str) -> None:
    owner = await User.create(email="ana@hospital.example", name="Ana", password_hash="none")
    row = await image(owner, "a.png")
    labels = [await Label.create(image=row, finding="COVID", submitted_by=owner) for _ in range(4)]
    await labels.pop(1).delete()
    newest_first = await Label.filter(image=row).order_by("-id")
    for window in windows([label.id for label in labels]):
        expected, actual = await page(Label.filter(image=row), window), cut(newest_first, window)
        assert [label.id for label in actual.rows] == [label.id for label in expected.rows], window
        assert actual.keys == expected.keys
        assert (actual.has_next, actual.has_previous) == (expected.has_next, expected.has_previous), window
        assert await actual.count() == await expected.count()


async def test_an_image_pages_its_predictions_and_labels(
    member: Asker, ana: User, platform: Platform
) -> None:
    row = await image(ana, "a.png")
    for n in range(3):
        version: ModelVersion = await model(n + 2)
        await Prediction.create(image=row, model=version, probability=n / 10, margin=0.1)
        await Label.create(image=row, finding="COVID", submitted_by=ana)
    assert await Image.all().count() == 1
    query = """query($after: String) { images { nodes {
      predictions(first: 2, after: $after) {
        totalCount nodes { probability } pageInfo { endCursor hasNextPage } }
      labels(last: 1) { totalCount nodes { finding } pageInfo { hasPreviousPage } } } } }"""
    (node,) = (await member.data(query))["nodes"]
    assert [each["probability"] for each in node["predictions"]["nodes"]] == [0.2, 0.1]
    assert node["predictions"]["totalCount"] == node["labels"]["totalCount"] == 3
    assert node["labels"]["nodes"] == [{"finding": "COVID"}]
    assert node["labels"]["pageInfo"] == {"hasPreviousPage": True}
    (node,) = (await member.data(query, after=node["predictions"]["pageInfo"]["endCursor"]))["nodes"]
    assert [each["probability"] for each in node["predictions"]["nodes"]] == [0.0]
    assert node["predictions"]["pageInfo"]["hasNextPage"] is False
