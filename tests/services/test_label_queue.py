"""The label queue: who sees what in it, its order, its reasons, and pages that stand while people label."""

import base64
from datetime import UTC, datetime

import numpy as np
import pytest

from services import label_queue
from services.errors import Unauthenticated
from store.pages import Window
from store.tables import AbstainReason, Deployment, Finding, Image, Label, ModelVersion, Prediction, User
from tests.people import admin, member
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
    await judged(ana, model, "other", 0.15, place(9))
    await judged(ana, model, "third", 0.16, place(0, 9))
    assert await names(ana) == ["alike 0", "other", "third", "alike 1", "alike 2"]
    reasons = (await label_queue.read(ana, ALL)).reasons
    assert reasons[0] == (
        "The model is undecided (probability 0.50, 0.00 from its threshold), "
        "and no image that is labelled or further ahead here is like it."
    )
    assert reasons[1].startswith("The model is rather sure (probability 0.50, 0.15 from")
    assert reasons[3].endswith("though an image that is labelled or further ahead here is like it.")
    await label(await judged(ana, model, "labelled", 0.3, place(0, 9)), ana)
    assert (await names(ana))[-1] == "third"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("from_end", [False, True])
@pytest.mark.parametrize("front", [1, 4, 7, 8, 300])
async def test_pages_meet_wherever_the_front_ends(
    monkeypatch: pytest.MonkeyPatch, front: int, from_end: bool
) -> None:
    monkeypatch.setattr(label_queue, "FRONT", front)
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
    monkeypatch.setattr(label_queue, "FRONT", front)
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
