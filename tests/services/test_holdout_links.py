"""Sides of many images: as a comparison of every pair has them, in little memory."""

from __future__ import annotations

import hashlib
import random
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from ml.fingerprint import ALIKE
from services.holdout import Holdout, Sides, sides
from store.database import atomically
from store.inserting import insert
from store.tables import DeletedFilm, Finding, Image, Label, ModelVersion, User
from tests.people import member
from tests.store_rows import model

ROUNDS = 60
FILES = [hashlib.sha256(bytes([number])).hexdigest() for number in range(16)]
PATIENTS = [*"pqrstuvwxyz", "", *[None] * 9, FILES[0]]
"""One may be called as a file is: that makes its images no copies of it."""
MOST_BYTES = 400
"""That an image more may add to the peak."""


class Known(NamedTuple):
    """What sides are told by; ``id`` is 0 of images that are no more and of the base set's."""

    id: int
    held: bool
    taught: bool
    file: str
    patient: str | None
    film: str | None


def drawn(chance: random.Random, first_id: int) -> list[Known]:
    """Up to 24 images, and some that are no more, of few files, patients and films."""
    films: list[str | None] = [f"{chance.getrandbits(256):064x}" for _ in range(12)]
    films += [
        turned(film, chance.choice([ALIKE - 1, ALIKE, ALIKE + 1]), chance) for film in films * 2 if film
    ]
    images = [
        (first_id + number, chance.random() < 0.15, chance.random() < 0.1, file, chance.choice(PATIENTS))
        for number, file in enumerate(chance.choices(FILES, k=chance.randint(0, 24)))
    ]
    absent = [
        (0, held, not held, file, None)
        for file in chance.sample(FILES, chance.randint(0, 2))
        for held in [chance.random() < 0.5]
    ]
    return [Known(*one, chance.choice([*films, None])) for one in images + absent]


def turned(film: str, bits: int, chance: random.Random) -> str:
    """A fingerprint that differs in so many bits."""
    return f"{int(film, 16) ^ sum(1 << place for place in chance.sample(range(256), bits)):064x}"


def reached(seeds: Iterable[Known], among: Sequence[Known], by_patient: bool = True) -> list[Known]:
    """All that is reached from some by whatever chain, one pair after the other."""
    found = list(seeds)
    for one in found:
        found += [other for other in among if other not in found and are_linked(one, other, by_patient)]
    return found


def are_linked(one: Known, other: Known, by_patient: bool) -> bool:
    if one.film and other.film and (int(one.film, 16) ^ int(other.film, 16)).bit_count() <= ALIKE:
        return True
    patients = one.patient or one.file, other.patient or other.file
    return one.file == other.file or (by_patient and patients[0] == patients[1])


def by_pairs(known: Sequence[Known]) -> Sides:
    """The sides, as the docstring of `sides` has them."""
    linked = reached([one for one in known if one.held], known)
    mixed = reached([one for one in linked if one.taught], linked)
    copies = reached([one for one in mixed if one.taught], mixed, by_patient=False)
    judging = [one for one in linked if one not in mixed or (one.held and one not in copies)]
    ids = {one.id for one in judging if one.id}
    return Sides(ids, {one.id for one in linked if one.id} - ids)


async def keep(known: Sequence[Known], teacher: ModelVersion, owners: Sequence[User]) -> Holdout:
    """Write the rows. Of what is no more, the first is the base set's and the rest was deleted."""
    given = Counter[str]()
    for one in known:
        if one.id:
            owner, picture = owners[given[one.file]], (one.file, one.patient, one.film, one.held)
            given[one.file] += 1
            await Image.create(**row(owner.id, *picture), id=one.id)
            if one.taught:
                label = await Label.create(image_id=one.id, finding=Finding.COVID, submitted_by=owner)
                await label.used_in.add(teacher)
    base, deleted = [one for one in known if not one.id][:1], [one for one in known if not one.id][1:]
    for one in deleted:
        await DeletedFilm.create(sha256=one.file, fingerprint=one.film, taught=one.taught)
    return Holdout({one.file: one.held for one in base}, {one.file: one.film for one in base if one.film})


def row(
    owner_id: int, file: str, patient: str | None = None, film: str | None = None, held: bool = False
) -> dict[str, Any]:
    picture = {"filename": "chest.png", "media_type": "image/png", "size": 1, "width": 64, "height": 64}
    marks = {"sha256": file, "patient_ref": patient, "fingerprint": film, "holdout": held}
    return {"owner_id": owner_id, "key": uuid4().hex, **picture, **marks}


async def test_sides_are_as_a_comparison_of_every_pair_has_them(database: str) -> None:
    chance, teacher = random.Random(7), await model()
    owners = [await member(f"{number}@hospital.example") for number in range(24)]
    new = straddling = free = 0
    for number in range(ROUNDS):
        known = drawn(chance, 1000 * (number + 1))
        holdout = await keep(known, teacher, owners)
        found = await sides(holdout)
        assert found == by_pairs(known)
        held = {one.id for one in known if one.id and one.held}
        assert set(await Image.filter(holdout=True).values_list("id", flat=True)) == held | found.judging
        new, straddling = new + len(found.judging - held), straddling + len(found.straddling)
        free += len({one.id for one in known if one.id} - found.judging - found.straddling)
        await Image.all().delete()
        await DeletedFilm.all().delete()
    assert new > ROUNDS / 2
    assert straddling > ROUNDS / 2
    assert free > ROUNDS / 2


async def test_an_image_more_takes_a_few_hundred_bytes_for_a_moment(database: str) -> None:
    owner, chance, peaks = await member(), random.Random(7), []
    for _ in range(2):
        await add(owner, 4000, chance)
        tracemalloc.start()
        await sides(Holdout({}))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 4000 < MOST_BYTES


async def add(owner: User, count: int, chance: random.Random) -> None:
    """Images of patients of two each, a quarter of whom is held out."""

    def drawn_row(number: int) -> dict[str, Any]:
        file, film = (chance.randbytes(32).hex() for _ in range(2))
        return {
            "fault": False,
            "deaths": 0,
            **row(owner.id, file, f"{file[:2]}{number // 2}", film, number % 8 < 2),
        }

    await atomically(lambda: insert(Image, map(drawn_row, range(count))))
