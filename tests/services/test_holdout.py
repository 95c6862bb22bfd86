"""Which images judge models: by patient, by file and by film, and what was held once is held for good."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ml.splits import in_holdout
from services.holdout import Holdout, Sides, sides
from services.platform import Platform
from store.tables import DeletedFilm, Finding, Image, Label, RunState, RunTrigger, TrainingRun, User
from tests.people import member
from tests.statements import counted
from tests.store_rows import image, model

EVEN, FILM, OTHER = "0" * 64, "a" * 64, "5" * 64
COPY = "b" + FILM[1:]
FAR = datetime(2100, 1, 1, tzinfo=UTC)
HELD, TEACHES = "f" * 64, "e" * 64
NO_BASE = Holdout({})


def named(held: bool) -> str:
    """A patient whose images are held out, or teach."""
    return next(name for name in map(str, range(100)) if in_holdout(name) is held)


def test_a_copy_of_the_base_sets_film_is_on_the_films_side() -> None:
    holdout = Holdout({HELD: True, TEACHES: False}, {HELD: FILM, TEACHES: OTHER})
    for patient in (named(held=True), named(held=False), None):
        assert holdout.keeps("another file", patient, COPY)
        assert not holdout.keeps("another file", patient, "4" + OTHER[1:])
        assert not holdout.keeps(TEACHES, patient, FILM), "the same file is known by its hash"


def test_other_films_go_by_their_patients() -> None:
    holdout = Holdout({HELD: True}, {HELD: FILM})
    for fingerprint in (EVEN, OTHER, None):
        assert holdout.keeps("file", named(held=True), fingerprint)
        assert not holdout.keeps("file", named(held=False), fingerprint)


@pytest.fixture
async def ana(database: str) -> User:
    return await member()


async def test_whatever_is_linked_to_the_holdout_is_held(ana: User) -> None:
    held = await image(ana, "held", holdout=True, fingerprint=FILM)
    copy = await image(ana, "copy", fingerprint=COPY, patient_ref="p")
    same_patient = await image(ana, "same patient", patient_ref="p", fingerprint=OTHER)
    copy_of_that = await image(ana, "copy of that", fingerprint="4" + OTHER[1:])
    other_owner = await member("eva@hospital.example")
    same_file = await image(other_owner, "copy of that", fingerprint=None)
    await image(ana, "free", fingerprint=EVEN)
    await image(ana, "unread", fingerprint=None)
    linked = {held.id, copy.id, same_patient.id, copy_of_that.id, same_file.id}
    assert await sides(NO_BASE) == Sides(linked, set())


async def test_what_was_held_once_is_held_for_good(ana: User) -> None:
    held = await image(ana, "held", holdout=True, fingerprint=FILM)
    copy = await image(ana, "copy", fingerprint=COPY)
    await sides(NO_BASE)
    await held.delete()
    assert (await sides(NO_BASE)).judging == {copy.id}
    assert (await Image.get(id=copy.id)).holdout


async def has_taught(one: Image) -> Image:
    """The image, with a label that a model learned from."""
    label = await Label.create(image=one, finding=Finding.COVID, submitted_by_id=one.owner_id)
    await label.used_in.add(await model(100 + one.id))
    return one


async def test_what_has_taught_never_judges_when_its_patient_turns_out_to_be_held(ana: User) -> None:
    judged = await image(ana, "judged", holdout=True, patient_ref="p")
    taught = await has_taught(await image(ana, "taught", patient_ref="p"))
    new = await image(ana, "new", patient_ref="p", fingerprint=FILM)
    copy_of_new = await image(ana, "copy", fingerprint=COPY)
    other = await image(ana, "other", holdout=True, patient_ref="q")
    same_patient = await image(ana, "same patient", patient_ref="q")
    await has_taught(await image(ana, "teaches on", patient_ref="r"))
    found = await sides(NO_BASE)
    assert found.judging == {judged.id, other.id, same_patient.id}
    assert found.straddling == {taught.id, new.id, copy_of_new.id}
    assert await sides(NO_BASE) == found
    assert set(await Image.filter(holdout=True).values_list("id", flat=True)) == found.judging


async def test_what_has_taught_never_judges_even_where_it_was_marked_later(ana: User) -> None:
    taught = await has_taught(await image(ana, "taught", holdout=True))
    copy = await image(ana, "copy", holdout=True, fingerprint=COPY)
    await has_taught(await image(ana, "the film", fingerprint=FILM))
    eva = await member("eva@hospital.example")
    same_file = await image(eva, "taught", holdout=True)
    assert (await sides(NO_BASE)).judging == set()
    assert (await sides(NO_BASE)).straddling >= {taught.id, copy.id, same_file.id}


async def test_a_copy_of_what_teaches_every_run_judges_nothing_whatever_its_patient(ana: User) -> None:
    holdout = Holdout({HELD: True, TEACHES: False}, {HELD: OTHER, TEACHES: FILM})
    copy = await image(ana, "copy", fingerprint=COPY, patient_ref="p")
    held = await image(ana, "held", holdout=True, patient_ref="p")
    free = await image(ana, "another copy", fingerprint=COPY)
    assert await sides(holdout) == Sides({held.id}, {copy.id, free.id})
    assert not (await Image.get(id=copy.id)).holdout
    await held.delete()
    await image(ana, "copy of one that judges", fingerprint="4" + OTHER[1:])
    found = await sides(holdout)
    assert len(found.judging) == 1
    assert found.straddling == set(), "with nobody held beside it a copy teaches again"


async def test_what_was_held_is_held_again_after_a_deletion(platform: Platform) -> None:
    eva, ana = await member("eva@hospital.example"), await member()
    held = await image(eva, "held", holdout=True, fingerprint=FILM)
    await platform.images.delete(eva, held.id)
    again = await image(ana, "held")
    copy = await image(ana, "copy", fingerprint=COPY)
    other = await image(ana, "other", fingerprint=OTHER)
    assert await sides(NO_BASE) == Sides({again.id, copy.id}, set())
    for one in (again, copy, other):
        await platform.images.delete(ana, one.id)
    assert {film.sha256 for film in await DeletedFilm.all()} == {held.sha256, copy.sha256}


async def test_what_has_taught_judges_nothing_after_a_deletion(platform: Platform) -> None:
    ana = await member()
    taught = await has_taught(await image(ana, "taught", fingerprint=FILM))
    both = await has_taught(await image(ana, "both", holdout=True, fingerprint=OTHER))
    for one in (taught, both):
        await platform.images.delete(ana, one.id)
    copy = await image(ana, "copy", holdout=True, fingerprint=COPY)
    both = await image(ana, "both")
    again = await image(ana, "taught")
    teaching = await image(ana, "teaching", fingerprint=EVEN)
    assert await sides(NO_BASE) == Sides(set(), {copy.id, both.id, again.id})
    await copy.delete()
    assert again.id not in (await sides(NO_BASE)).straddling, "it may teach again"
    assert teaching.id not in (await sides(NO_BASE)).judging


async def test_what_a_run_may_be_learning_counts_as_taught_when_it_is_deleted(platform: Platform) -> None:
    ana = await member()
    await TrainingRun.create(
        slot=1, state=RunState.TRAINING, trigger=RunTrigger.ADMIN, epochs=1, lease_until=FAR
    )
    for name, labels in (("labelled", 1), ("without a label", 0)):
        one = await image(ana, name)
        for _ in range(labels):
            await Label.create(image=one, finding=Finding.COVID, submitted_by=ana)
        await platform.images.delete(ana, one.id)
    assert [film.taught for film in await DeletedFilm.all()] == [True]


async def test_it_takes_as_many_statements_for_few_images_as_for_many(ana: User) -> None:
    taken = []
    for count in (2, 30):
        await image(ana, f"held {count}", holdout=True, fingerprint=f"{count:02d}" * 32)
        for number in range(count):
            await image(ana, f"{count} {number}", fingerprint=f"{count:02d}" * 32)
        with counted() as statements:
            found = await sides(NO_BASE)
        taken.append(len(statements))
    assert len(found.judging) == 34
    assert taken == [4, 4]


async def test_without_images_nothing_is_held(database: str) -> None:
    assert await sides(NO_BASE) == Sides(set(), set())
