"""What a run learns from, what it leaves out, and how much of it may be one user's."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from ml.splits import in_holdout
from services.examples import Example, Selection, capped, select
from services.holdout import Holdout
from services.platform import Platform
from store.tables import Finding, Image, Label, LeftOutCause, User
from tests import store_rows
from tests.people import member

EXTRACTOR = "an extractor"
ROUNDS = 300


async def labelled(by: User, *names: str, holdout: bool = False) -> list[str]:
    for name in names:
        image = await store_rows.image(by, name, features=EXTRACTOR, holdout=holdout)
        await Label.create(image=image, finding=Finding.COVID, submitted_by=by)
    return list(names)


async def selected(share: float = 1.0, base: Sequence[str] = ()) -> Selection:
    return await select(EXTRACTOR, share, Holdout(dict.fromkeys(base, False)))


def names(found: Sequence[Example]) -> list[str]:
    return [example.image.filename for example in found]


async def test_without_a_cap_everything_teaches(platform: Platform) -> None:
    ana = await member("ana@hospital.example")
    given = await labelled(ana, "a1", "a2", "a3")
    selection = await selected()
    assert names(selection.examples) == given
    assert selection.left_out(selection.examples) == {}


async def test_of_whoever_gave_more_than_the_share_the_newest_labels_teach(platform: Platform) -> None:
    ana, ben = await member("ana@hospital.example"), await member("ben@hospital.example")
    await labelled(ana, "a1", "a2", "a3", "a4", "a5")
    await labelled(ben, "b1", "b2")
    again = await Image.get(filename="a1")
    await Label.create(image=again, finding=Finding.NO_COVID, submitted_by=ana)
    selection = await selected(0.5)
    assert names(selection.examples) == ["a1", "a5", "b1", "b2"]
    assert selection.left_out(selection.examples) == {"OVER_SHARE": 3}
    assert names((await selected(0.5, ["an image of the base set"])).examples) == [
        "a1",
        "a4",
        "a5",
        "b1",
        "b2",
    ]


async def test_everybody_may_have_one_and_the_holdout_is_left_whole(platform: Platform) -> None:
    ana = await member("ana@hospital.example")
    await labelled(ana, "a1", "a2")
    held = await labelled(ana, "h1", "h2", "h3", holdout=True)
    assert names((await selected(0.01)).examples) == ["a2", *held]


async def test_images_on_which_people_contradict_one_another_neither_teach_nor_judge(
    platform: Platform,
) -> None:
    ana, ben = await member("ana@hospital.example"), await member("ben@hospital.example")
    await labelled(ana, "agreed", "taught")
    await labelled(ana, "judging", holdout=True)
    for name in ("taught", "judging"):
        await Label.create(image=await Image.get(filename=name), finding=Finding.NO_COVID, submitted_by=ben)
    assert names((await selected()).examples) == ["agreed"]
    await Label.filter(submitted_by=ben).update(withdrawn_at=datetime.now(UTC))
    assert names((await selected()).examples) == ["agreed", "taught", "judging"]


async def test_what_was_withdrawn_teaches_nothing(platform: Platform) -> None:
    ana = await member("ana@hospital.example")
    await labelled(ana, "one")
    await Label.all().update(withdrawn_at=datetime.now(UTC))
    assert (await selected()).examples == []


async def test_each_image_that_is_left_out_is_counted_under_one_cause(platform: Platform) -> None:
    ana, ben = await member("ana@hospital.example"), await member("ben@hospital.example")
    await store_rows.image(ana, "without a label", features=EXTRACTOR)
    await labelled(ben, "withdrawn", "withdrawn too")
    await Label.all().update(withdrawn_at=datetime.now(UTC))
    await labelled(ana, "kept", "beyond the share", "damaged")
    await labelled(ana, "judging", "in conflict", "damaged too", holdout=True)
    for name in ("kept", "in conflict"):
        entry = {"finding": Finding.NO_COVID, "submitted_by": ben}
        await Label.create(image=await Image.get(filename=name), **entry)
    await Label.create(
        image=await Image.get(filename="kept"), finding=Finding.COVID, submitted_by=ana, by_admin=True
    )
    await labelled(ana, "taught")
    await (await Label.get(image__filename="taught")).used_in.add(await store_rows.model(9))
    patient = next(name for name in map(str, range(100)) if in_holdout(name))
    await platform.images.update(ana, (await Image.get(filename="taught")).id, patient_ref=patient)
    without = await store_rows.image(ana, "without features", holdout=True)
    await Label.create(image=without, finding=Finding.COVID, submitted_by=ana)

    selection = await selected(0.01)
    assert names(selection.examples) == ["kept", "judging", "damaged too"]
    readable = [example for example in selection.examples if "damaged" not in example.image.filename]
    assert selection.left_out(readable) == {
        "HELD_OUT": 1,
        "STRADDLES": 1,
        "IN_CONFLICT": 1,
        "OVER_SHARE": 2,
        "WITHDRAWN": 2,
        "UNREADABLE": 2,
    }
    assert list(selection.left_out(readable)) == list(LeftOutCause)


# ------------------------------------------------------------------ the cap, by its properties

Given = tuple[list[Example], float, set[str]]


def drawn(seed: int) -> Given:
    """Labels of a few users, some held out, some of images that the base set holds as well."""
    chance = random.Random(seed)
    users = chance.choices(range(chance.randint(1, 6)), k=chance.randint(0, 60))
    base = {f"file {number}" for number in range(chance.choice([0, 1, 5, 40, 200]))}
    found = [
        Example(
            Image(id=number, sha256=f"file {chance.randint(0, 400)}"),
            Label(id=number, submitted_by_id=min(user, chance.randint(0, 5))),
            chance.random() < 0.2,
        )
        for number, user in enumerate(users, 1)
    ]
    return found, chance.choice([0.01, 0.05, 0.1, 0.29, 1 / 3, 0.5, 0.9, 1.0]), base


@pytest.fixture
def draws(database: str) -> Iterator[Given]:
    """Made with the tables known, which rows need."""
    return (drawn(seed) for seed in range(ROUNDS))


def by_user(found: Sequence[Example]) -> Mapping[int, int]:
    return Counter(example.label.submitted_by_id for example in found if not example.holdout)


def learned(kept: Sequence[Example], base: set[str]) -> int:
    """How many images a run learns from."""
    teaching = [example.image.sha256 for example in kept if not example.holdout]
    return len(base - set(teaching)) + len(teaching)


async def test_after_the_cap_nobody_has_more_than_the_share(draws: Iterator[Given]) -> None:
    bit = 0
    for found, share, base in draws:
        kept = capped(found, share, base)
        most = max(by_user(kept).values(), default=0)
        assert most <= max(1, share * learned(kept, base) + 1e-6)
        bit += len(kept) < len(found)
    assert bit > ROUNDS / 4


async def test_nothing_is_left_out_without_need(draws: Iterator[Given]) -> None:
    """Nobody is under the cap that another reached, and one label more for everybody would break it."""
    for found, share, base in draws:
        kept, given = capped(found, share, base), by_user(found)
        most = max(by_user(kept).values(), default=0)
        assert by_user(kept) == {user: min(count, most) for user, count in given.items()}
        if most < max(given.values(), default=0):
            more = newest(found, most + 1)
            assert most + 1 > share * learned(more, base) + 1e-6


def newest(found: Sequence[Example], most: int) -> list[Example]:
    """The newest of each user's, so many."""
    given, kept = Counter[int](), []
    for example in reversed(found):
        given[example.label.submitted_by_id] += not example.holdout
        if not example.holdout and given[example.label.submitted_by_id] <= most:
            kept.append(example)
    return kept


async def test_the_newest_are_kept_in_their_order_and_the_holdout_whole(draws: Iterator[Given]) -> None:
    for found, share, base in draws:
        kept = capped(found, share, base)
        assert [one for one in kept if one.holdout] == [one for one in found if one.holdout]
        most = max(by_user(kept).values(), default=0)
        assert [one for one in kept if not one.holdout] == newest(found, most)[::-1]


async def test_more_share_and_more_labels_of_others_never_leave_more_out(draws: Iterator[Given]) -> None:
    for found, share, base in draws:
        kept = capped(found, share, base)
        assert len(capped(found, min(1, 2 * share), base)) >= len(kept)
        assert capped(found, 1.0, base) == found
        other = Example(Image(id=999, sha256="another"), Label(id=999, submitted_by_id=99), False)
        assert set(map(id, kept)) <= set(map(id, capped([*found, other], share, base)))


@pytest.mark.parametrize(("share", "kept"), [(0.5, 100), (0.2, 25), (0.1, 11), (0.01, 1), (0.99, 300)])
async def test_a_single_user_is_held_against_the_base_set(database: str, share: float, kept: int) -> None:
    """Of the m + 100 images that the run learns from m are theirs: m = share / (1 - share) * 100."""
    found = [
        Example(Image(id=number, sha256=str(number)), Label(id=number, submitted_by_id=1), False)
        for number in range(300)
    ]
    assert len(capped(found, share, {f"base {number}" for number in range(100)})) == kept
