"""The label queue: who sees what in it, its order, its reasons, and pages that stand while people label."""

import base64
import hashlib
import random
from datetime import UTC, datetime

import numpy as np
import pytest

from services import label_queue, teaching_queue
from services.errors import Unauthenticated
from store.pages import Window
from store.tables import AbstainReason, Deployment, Finding, Image, Label, ModelVersion, Prediction, User
from tests.people import admin, member
from tests.statements import counted
from tests.store_rows import image as image_row
from tests.store_rows import model as model_row

ALL = Window(100)


async def deployed(number: int) -> ModelVersion:
    version = await model_row(number)
    await Deployment.create(number=number, model=version, reason="", since=datetime.now(UTC))
    return version


def place(*first: float) -> str:
    """A place of 32 directions that begins with these numbers."""
    return base64.b64encode(np.array([*first, *[0] * (32 - len(first))], "<f2").tobytes()).decode()


async def judged(
    owner: User, by: ModelVersion, name: str, margin: float, at: str | None = None, **others: object
) -> Image:
    image = await image_row(owner, name)
    await Prediction.create(image=image, model=by, probability=0.5, margin=margin, place=at, **others)
    return image


async def label(image: Image, by: User) -> None:
    await Label.create(image=image, finding=Finding.COVID, submitted_by=by)


async def names(viewer: User, window: Window = ALL) -> list[str]:
    queued = await label_queue.read(viewer, window)
    return [(await Image.get(id=row.image_id)).filename for row in queued.page.rows]


async def walk(viewer: User, size: int, *, from_end: bool = False) -> list[str]:
    """All files, so many at a time, from either end."""
    seen: list[str] = []
    key = None
    while True:
        window = Window(size, None if from_end else key, key if from_end else None, from_end)
        queued = await label_queue.read(viewer, window)
        part = [(await Image.get(id=row.image_id)).filename for row in queued.page.rows]
        seen = part + seen if from_end else seen + part
        if not (queued.page.has_previous if from_end else queued.page.has_next):
            return seen
        key = queued.page.keys[0 if from_end else -1]


@pytest.mark.usefixtures("database")
async def test_has_the_viewers_images_that_the_model_in_service_judged_and_nobody_labelled() -> None:
    ana, eva, chief = await member(), await member("eva@h.example"), await admin()
    old, new = await deployed(1), await deployed(2)
    await judged(ana, old, "judged before", 0.0)
    await judged(ana, new, "sure", 0.4)
    await judged(ana, new, "unsure", 0.01)
    await label(await judged(ana, new, "labelled", 0.0), ana)
    await judged(ana, new, "cat", 0.0, abstained=AbstainReason.NOT_A_CHEST_XRAY)
    await judged(eva, new, "another's", 0.2, abstained=AbstainReason.UNCERTAIN)
    assert await names(ana) == ["unsure", "sure"]
    assert await names(chief) == ["unsure", "another's", "sure"]
    assert await (await label_queue.read(ana, Window(1))).page.count() == 2
    with pytest.raises(Unauthenticated):
        await label_queue.read(None, ALL)


@pytest.mark.usefixtures("database")
async def test_near_alike_images_do_not_fill_the_front_and_reasons_say_so() -> None:
    ana, model = await member(), await deployed(1)
    for number in range(3):
        await judged(ana, model, f"alike {number}", 0.01 * number, place(0))
    await judged(ana, model, "other", 0.03, place(9))
    await judged(ana, model, "third", 0.04, place(0, 9))
    assert await names(ana) == ["alike 0", "other", "third", "alike 1", "alike 2"]
    reasons = (await label_queue.read(ana, ALL)).reasons
    assert reasons[0] == (
        "The model is undecided (probability 0.50, 0.00 from its threshold), "
        "and no image that is labelled or further ahead here is like it."
    )
    assert reasons[1].startswith("The model is undecided (probability 0.50, 0.03 from")
    assert reasons[3].endswith("though an image that is labelled or further ahead here is like it.")
    await label(await judged(ana, model, "labelled", 0.3, place(0, 9)), ana)
    assert (await names(ana))[-1] == "third"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("from_end", [False, True])
@pytest.mark.parametrize("front", [1, 4, 7, 8, 300])
async def test_pages_meet_wherever_the_front_ends(
    monkeypatch: pytest.MonkeyPatch, front: int, from_end: bool
) -> None:
    monkeypatch.setattr(teaching_queue, "FRONT", front)
    ana, model = await member(), await deployed(1)
    for number in range(8):
        await judged(ana, model, str(number), number % 4 / 10, place(number % 2))
    expected = await names(ana)
    assert sorted(expected) == [str(number) for number in range(8)]
    for size in (1, 2, 3, 5, 8):
        assert await walk(ana, size, from_end=from_end) == expected


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("front", [3, 300])
async def test_a_walk_keeps_its_order_while_images_are_labelled_and_come_in(
    monkeypatch: pytest.MonkeyPatch, front: int
) -> None:
    monkeypatch.setattr(teaching_queue, "FRONT", front)
    ana, model = await member(), await deployed(1)
    images = {str(n): await judged(ana, model, str(n), n / 20, place(n % 3, n)) for n in range(8)}
    expected = await names(ana)
    seen: list[str] = []
    key = None
    for _ in range(4):
        queued = await label_queue.read(ana, Window(2, after=key))
        part = [(await Image.get(id=row.image_id)).filename for row in queued.page.rows]
        await label(images[part[0]], ana)
        await judged(ana, model, f"new after {part}", 0.0, place(5))
        seen, key = seen + part, queued.page.keys[-1]
    assert seen == expected


@pytest.mark.usefixtures("database")
async def test_a_walk_goes_on_with_the_model_that_it_began_with() -> None:
    ana, old = await member(), await deployed(1)
    images = [await judged(ana, old, str(number), number / 10) for number in range(4)]
    first = await label_queue.read(ana, Window(2))
    new = await deployed(2)
    for image in images:
        await Prediction.create(image=image, model=new, probability=0.5, margin=0.1)
    assert await names(ana, Window(2, after=first.page.keys[-1])) == ["2", "3"]


@pytest.mark.usefixtures("database")
async def test_an_empty_queue_is_an_empty_page() -> None:
    queued = await label_queue.read(await member(), ALL)
    assert (queued.page.rows, queued.reasons, queued.page.has_next) == ([], [], False)


# ------------------------------------------------------------------ those that judge


async def mixed(owner: User, model: ModelVersion, teaching: int, judging: int) -> tuple[list[str], list[str]]:
    """So many that teach, in the order of their margins, and that judge, in the order of their hashes."""
    for number in range(teaching):
        await judged(owner, model, f"t{number}", number / 100)
    for number in range(judging):
        row = await image_row(owner, f"j{number}", holdout=True)
        await Prediction.create(image=row, model=model, probability=0.5, margin=number % 3 / 10)
    by_hash = sorted(range(judging), key=lambda number: hashlib.sha256(f"j{number}".encode()).hexdigest())
    return [f"t{number}" for number in range(teaching)], [f"j{number}" for number in by_hash]


def dealt(teaching: list[str], judging: list[str]) -> list[str]:
    """Three of one and one of the other, and the rest of either."""
    left, right, found = list(teaching), list(judging), []
    while left or right:
        found += [*left[:3], *right[:1]]
        left, right = left[3:], right[1:]
    return found


@pytest.mark.usefixtures("database")
async def test_every_fourth_place_is_for_those_that_judge_in_an_order_by_chance() -> None:
    ana, old = await member(), await deployed(1)
    teaching, judging = await mixed(ana, old, 7, 3)
    queued = await label_queue.read(ana, ALL)
    expected = dealt(teaching, judging)
    assert await names(ana) == expected
    told = dict(zip(expected, queued.reasons, strict=True))
    assert {told[name] for name in judging} == {
        "Its label judges the next model and teaches none, so it was picked by chance, whatever the model "
        "says of it."
    }
    assert all(told[name].startswith("The model is ") for name in teaching)
    new = await deployed(2)
    for number, row in enumerate(await Image.all().order_by("-id")):
        await Prediction.create(image=row, model=new, probability=0.5, margin=number / 30)
    assert [name for name in await names(ana) if name in judging] == judging, "whatever model serves"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("front", [3, 300])
@pytest.mark.parametrize("counts", [(0, 0), (0, 5), (5, 0), (2, 5), (11, 2), (9, 3), (7, 4)])
async def test_pages_meet_whatever_there_is_of_either_kind(
    monkeypatch: pytest.MonkeyPatch, front: int, counts: tuple[int, int]
) -> None:
    monkeypatch.setattr(teaching_queue, "FRONT", front)
    ana, model = await member(), await deployed(1)
    expected = dealt(*await mixed(ana, model, *counts))
    assert await names(ana) == expected
    for size in (1, 2, 3, 4, 7):
        for from_end in (False, True):
            assert await walk(ana, size, from_end=from_end) == expected, (size, from_end)
    assert await (await label_queue.read(ana, Window(2))).page.count() == sum(counts)


@pytest.mark.usefixtures("database")
async def test_between_any_two_cursors_lies_what_lies_between_their_rows() -> None:
    ana, model = await member(), await deployed(1)
    expected = dealt(*await mixed(ana, model, 8, 4))
    keys = (await label_queue.read(ana, ALL)).page.keys
    for first, after in enumerate(keys):
        for last, before in enumerate(keys):
            inside = expected[first + 1 : last]
            assert await names(ana, Window(20, after, before)) == inside
            assert await names(ana, Window(2, after, before, from_end=True)) == inside[-2:]
            assert await names(ana, Window(2, after, before)) == inside[:2]
            onwards = (await label_queue.read(ana, Window(20, after, before, from_end=True))).page.keys
            assert onwards == keys[first + 1 : last]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("from_end", [False, True])
@pytest.mark.parametrize("front", [3, 300])
async def test_a_walk_shows_everything_once_while_others_label(
    monkeypatch: pytest.MonkeyPatch, front: int, from_end: bool
) -> None:
    """What somebody labels on the way is shown or not, and nothing else is missed or comes twice."""
    monkeypatch.setattr(teaching_queue, "FRONT", front)
    ana, model, chance = await member(), await deployed(1), random.Random(front)
    everything = dealt(*await mixed(ana, model, 15, 6))
    seen: list[str] = []
    done: set[str] = set()
    key, more = None, True
    while more:
        window = Window(3, None if from_end else key, key if from_end else None, from_end)
        queued = await label_queue.read(ana, window)
        part = [(await Image.get(id=row.image_id)).filename for row in queued.page.rows]
        seen += part[::-1] if from_end else part
        key = queued.page.keys[0 if from_end else -1]
        more = queued.page.has_previous if from_end else queued.page.has_next
        for name in {chance.choice(everything), part[0]} - done:
            await label(await Image.get(filename=name), ana)
            done.add(name)
    assert len(seen) == len(set(seen))
    assert set(everything) - done <= set(seen)
    order = {name: place for place, name in enumerate(everything)}
    for kind in ("t", "j"):
        places = [order[name] for name in seen if name.startswith(kind)]
        assert places == sorted(places, reverse=from_end)


@pytest.mark.usefixtures("database")
async def test_a_copy_in_another_s_folder_has_its_own_place() -> None:
    ana, eva, chief, model = await member(), await member("eva@h.example"), await admin(), await deployed(1)
    for owner in (ana, eva):
        row = await image_row(owner, "one film", holdout=True)
        await Prediction.create(image=row, model=model, probability=0.5, margin=0.1)
    assert await walk(chief, 1) == await walk(chief, 1, from_end=True) == ["one film"] * 2


@pytest.mark.usefixtures("database")
async def test_takes_no_more_statements_where_it_is_longer() -> None:
    ana, eva, chief, model = await member(), await member("eva@h.example"), await admin(), await deployed(1)
    needed = []
    for owner, count in ((ana, 2), (eva, 40)):
        await mixed(owner, model, count, count)
        with counted() as statements:
            queued = await label_queue.read(chief, Window(1))
            await label_queue.read(chief, Window(2, after=queued.page.keys[0]))
            await label_queue.read(chief, Window(2, from_end=True))
        needed.append(len(statements))
    assert needed[1] <= needed[0]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("number", [-(2**62), -7, 0, 10**6, 2**63 - 1])
async def test_made_up_cursors_break_nothing(number: int) -> None:
    ana, model = await member(), await deployed(1)
    await mixed(ana, model, 5, 2)
    (key, *_) = (await label_queue.read(ana, Window(1))).page.keys
    for place in range(3, len(key)):
        made_up = (*key[:place], type(key[place])(number), *key[place + 1 :])
        for window in (Window(9, after=made_up), Window(9, before=made_up, from_end=True)):
            await label_queue.read(ana, window)


@pytest.mark.usefixtures("database")
async def test_what_is_like_a_labelled_image_that_only_judges_is_not_put_behind() -> None:
    ana, model = await member(), await deployed(1)
    await judged(ana, model, "one", 0.0, place(0))
    await judged(ana, model, "two", 0.1, place(9))
    held = await judged(ana, model, "held out", 0.3, place(0))
    await Image.filter(id=held.id).update(holdout=True)
    await label(held, ana)
    assert await names(ana) == ["one", "two"]
