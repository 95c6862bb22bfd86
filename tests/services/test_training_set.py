"""What a run learns from."""

from __future__ import annotations

from datetime import UTC, datetime

from services.platform import Platform
from services.training_set import Example, capped, examples
from store.tables import Finding, Image, Label, User
from tests import store_rows
from tests.people import member

EXTRACTOR = "an extractor"


async def labelled(by: User, *names: str, holdout: bool = False) -> list[str]:
    for name in names:
        image = await store_rows.image(by, name, features=EXTRACTOR, holdout=holdout)
        await Label.create(image=image, finding=Finding.COVID, submitted_by=by)
    return list(names)


def names(found: list[Example]) -> list[str]:
    return [example.image.filename for example in found]


async def test_without_a_cap_everything_teaches(platform: Platform) -> None:
    ana = await member("ana@hospital.example")
    given = await labelled(ana, "a1", "a2", "a3")
    assert names(capped(await examples(EXTRACTOR), 1.0)) == given


async def test_of_whoever_gave_more_than_the_share_the_newest_labels_teach(platform: Platform) -> None:
    ana, ben = await member("ana@hospital.example"), await member("ben@hospital.example")
    await labelled(ana, "a1", "a2", "a3", "a4", "a5")
    await labelled(ben, "b1")
    again = await Image.get(filename="a1")
    await Label.create(image=again, finding=Finding.NO_COVID, submitted_by=ana)
    assert names(capped(await examples(EXTRACTOR), 0.5)) == ["a1", "a4", "a5", "b1"]


async def test_everybody_may_have_one_and_the_holdout_is_left_whole(platform: Platform) -> None:
    ana = await member("ana@hospital.example")
    await labelled(ana, "a1", "a2")
    held = await labelled(ana, "h1", "h2", "h3", holdout=True)
    assert names(capped(await examples(EXTRACTOR), 0.01)) == ["a2", *held]


async def test_images_on_which_people_contradict_one_another_neither_teach_nor_judge(
    platform: Platform,
) -> None:
    ana, ben = await member("ana@hospital.example"), await member("ben@hospital.example")
    await labelled(ana, "agreed", "taught")
    await labelled(ana, "judging", holdout=True)
    for name in ("taught", "judging"):
        await Label.create(image=await Image.get(filename=name), finding=Finding.NO_COVID, submitted_by=ben)
    assert names(await examples(EXTRACTOR)) == ["agreed"]
    await Label.filter(submitted_by=ben).update(withdrawn_at=datetime.now(UTC))
    assert names(await examples(EXTRACTOR)) == ["agreed", "taught", "judging"]


async def test_what_was_withdrawn_teaches_nothing(platform: Platform) -> None:
    ana = await member("ana@hospital.example")
    await labelled(ana, "one")
    await Label.all().update(withdrawn_at=datetime.now(UTC))
    assert await examples(EXTRACTOR) == []
