"""Ground truth: an append-only ledger, and which of its entries counts."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from events.memory import InProcessLog
from services.errors import Code, Forbidden, Refused, Unauthenticated
from services.journal import DatabaseJournal
from services.labelling import Labelling, counting, enter, in_conflict, tells_more
from services.outbox import Outbox
from store.pages import Window
from store.tables import Evidence, Finding, Image, Label, OutboxEvent
from tests.people import admin, member
from tests.store_rows import image as image_row
from tests.store_rows import model as model_row

T = TypeVar("T")


@pytest.fixture
def labelling(database: str) -> Labelling:
    return Labelling(Outbox(InProcessLog(DatabaseJournal())))


def label(number: int, evidence: Evidence, finding: Finding = Finding.COVID) -> Label:
    """An entry of a ledger, outside of any database."""
    return Label(id=number, evidence=evidence, finding=finding, image_id=1, submitted_by_id=1)


async def refusal(doing: Awaitable[object]) -> tuple[Code, str | None]:
    with pytest.raises(Refused) as refused:
        await doing
    (problem,) = refused.value.problems
    return problem.code, problem.field


STRONGEST_FIRST = [
    Evidence.RT_PCR,
    Evidence.ANTIGEN,
    Evidence.CT,
    Evidence.RADIOLOGIST,
    Evidence.CLINICAL,
    Evidence.UNSTATED,
]


def test_stronger_evidence_counts_whichever_came_later() -> None:
    assert set(STRONGEST_FIRST) == set(Evidence)
    for stronger, weaker in itertools.combinations(STRONGEST_FIRST, 2):
        for first, second in ((stronger, weaker), (weaker, stronger)):
            counts = counting([label(1, first), label(2, second)])
            assert counts is not None
            assert counts.evidence is stronger


@pytest.mark.parametrize("evidence", Evidence)
def test_of_equal_evidence_the_later_counts(evidence: Evidence) -> None:
    entries = [label(number, evidence) for number in (9, 10, 11)]
    assert {counting(order) for order in itertools.permutations(entries)} == {entries[2]}


def test_without_entries_nothing_counts() -> None:
    assert counting([]) is None


# ------------------------------------------------------------------ conflicts

ANA, BEN, CHIEF = 1, 2, 3


def entry(number: int, by: int, finding: str, evidence: str, **others: Any) -> Label:
    """An entry outside of any database; the chief is an administrator."""
    made = label(number, Evidence(evidence), Finding(finding))
    made.submitted_by_id, made.by_admin = by, by == CHIEF
    return made.update_from_dict(others)


COVID_BY_ANA, NONE_BY_BEN = (ANA, "COVID", "CT"), (BEN, "NO_COVID", "CT")


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], False),
        ([COVID_BY_ANA], False),
        ([COVID_BY_ANA, (BEN, "COVID", "CT")], False),
        ([COVID_BY_ANA, NONE_BY_BEN], True),
        ([NONE_BY_BEN, COVID_BY_ANA], True),
        ([COVID_BY_ANA, (ANA, "NO_COVID", "CT")], False),  # a correction
        ([COVID_BY_ANA, NONE_BY_BEN, (ANA, "NO_COVID", "CT")], False),  # they agree in the end
        ([COVID_BY_ANA, (BEN, "NO_COVID", "CLINICAL")], False),  # weaker evidence
        ([COVID_BY_ANA, NONE_BY_BEN, (ANA, "COVID", "RT_PCR")], False),  # stronger evidence settles it
        ([COVID_BY_ANA, NONE_BY_BEN, (ANA, "COVID", "RT_PCR"), (BEN, "NO_COVID", "RT_PCR")], True),
        ([COVID_BY_ANA, NONE_BY_BEN, (ANA, "NO_COVID", "CLINICAL")], True),  # no correction of stronger words
        ([COVID_BY_ANA, NONE_BY_BEN, (CHIEF, "COVID", "CT")], False),  # an administrator settles it
        ([(CHIEF, "COVID", "CT"), COVID_BY_ANA, NONE_BY_BEN], True),  # until somebody contradicts that
        ([COVID_BY_ANA, NONE_BY_BEN, (CHIEF, "COVID", "CLINICAL")], True),
    ],
)
def test_a_conflict_is_between_people_by_the_strongest_evidence(
    entries: list[tuple[int, str, str]], expected: bool
) -> None:
    labels = [entry(number, *one) for number, one in enumerate(entries, 1)]
    assert {in_conflict(order) for order in itertools.permutations(labels)} == {expected}


def test_what_was_withdrawn_neither_counts_nor_contradicts() -> None:
    known = entry(1, ANA, "COVID", "CLINICAL")
    withdrawn = entry(2, BEN, "NO_COVID", "RT_PCR", withdrawn_at=datetime.now(UTC))
    assert counting([known, withdrawn]) is known
    assert counting([withdrawn]) is None
    assert not in_conflict([known, entry(3, BEN, "NO_COVID", "CLINICAL", withdrawn_at=datetime.now(UTC))])


@pytest.mark.usefixtures("database")
async def test_the_database_finds_conflicts_by_the_same_rule() -> None:
    people = [await member(f"{number}@h.example") for number in range(3)]
    generator = random.Random(0)
    expected = []
    for number in range(150):
        image = await image_row(people[0], f"{number}")
        labels = [
            Label(
                image=image,
                submitted_by=generator.choice(people),
                finding=generator.choice([COVID, NO_COVID]),
                evidence=generator.choice([RT_PCR, CT, CLINICAL]),
                by_admin=generator.random() < 0.1,
                withdrawn_at=datetime.now(UTC) if generator.random() < 0.1 else None,
            )
            for _ in range(generator.randrange(6))
        ]
        await Label.bulk_create(labels)
        if in_conflict(await Label.filter(image_id=image.id)):
            expected.append(image.id)
    assert 20 < len(expected) < 130
    assert [image.id for image in await Image.in_conflict().order_by("id")] == expected


async def test_conflicts_are_listed_for_administrators_until_they_are_settled(labelling: Labelling) -> None:
    ana, chief, other = await member(), await admin(), await admin("second@h.example")
    images = [await image_row(ana, f"{number}") for number in range(3)]
    for image in images:
        await labelling.submit(ana, image.id, COVID, CT)
        await Label.create(image=image, finding=NO_COVID, evidence=CT, submitted_by=other)

    async def listed() -> list[int]:
        return [image.id for image in (await labelling.conflicts(chief, Window(9))).rows]

    assert await listed() == [image.id for image in reversed(images)]
    await labelling.submit(chief, images[0].id, NO_COVID, CT)
    await labelling.submit(ana, images[1].id, COVID, RT_PCR)
    assert await listed() == [images[2].id]
    with pytest.raises(Forbidden):
        await labelling.conflicts(ana, Window(9))


# ------------------------------------------------------------------ withdrawing


async def test_all_labels_of_a_user_are_withdrawn_at_once(labelling: Labelling) -> None:
    ana, ben, chief = await member(), await member("ben@h.example"), await admin()
    image, other = [await image_row(ana, f"{number}") for number in range(2)]
    kept = await Label.create(image=image, finding=NO_COVID, evidence=CLINICAL, submitted_by=ben)
    for row in (image, other):
        await labelling.submit(ana, row.id, COVID, RT_PCR)
    await OutboxEvent.all().delete()
    assert await labelling.withdraw(chief, ana.id, " made up ") == (ana, 2)
    found = await labelling.of_images([image.id, other.id])
    assert {image_id: label.id for image_id, label in found.items()} == {image.id: kept.id}
    marks = await Label.filter(submitted_by=ana).values_list("withdrawn_by_id", "withdrawal_reason")
    assert marks == [(chief.id, "made up")] * 2, "the entries stay"
    assert [label.id for label in await Label.unclaimed()] == [kept.id]
    (event,) = await OutboxEvent.all()
    assert (event.kind, event.payload) == ("LabelsWithdrawn", {"user_id": ana.id, "count": 2})


async def test_withdrawing_again_changes_no_mark_and_later_labels_stand(labelling: Labelling) -> None:
    ana, chief = await member(), await admin()
    image = await image_row(ana)
    await labelling.submit(ana, image.id, COVID, CT)
    await labelling.withdraw(chief, ana.id, "first")
    assert (await labelling.withdraw(chief, ana.id, "second"))[1] == 0
    assert await Label.filter(withdrawal_reason="first").count() == 1
    later = await labelling.submit(ana, image.id, NO_COVID, CLINICAL)
    assert (await labelling.of_images([image.id]))[image.id].id == later.id


async def test_withdrawals_that_are_refused(labelling: Labelling) -> None:
    ana, chief = await member(), await admin()
    assert await refusal(labelling.withdraw(chief, 10**17, "r")) == (Code.NOT_FOUND, "userId")
    assert await refusal(labelling.withdraw(chief, ana.id, " ")) == (Code.REQUIRED, "reason")
    assert await refusal(labelling.withdraw(chief, ana.id, "r" * 501)) == (Code.TOO_LARGE, "reason")
    with pytest.raises(Forbidden):
        await labelling.withdraw(ana, ana.id, "r")


CT, RT_PCR, CLINICAL = Evidence.CT, Evidence.RT_PCR, Evidence.CLINICAL
COVID, NO_COVID = Finding.COVID, Finding.NO_COVID


@pytest.mark.parametrize(
    ("known", "new", "more"),
    [
        ([], (COVID, CT), True),
        ([(COVID, CT)], (COVID, CT), False),
        ([(COVID, CT)], (COVID, CLINICAL), False),
        ([(COVID, CT)], (COVID, RT_PCR), True),
        ([(COVID, CT)], (NO_COVID, CLINICAL), True),
        ([(COVID, CT), (NO_COVID, CLINICAL)], (NO_COVID, CLINICAL), False),
        ([(COVID, CT), (NO_COVID, CT)], (COVID, CT), True),
        ([(COVID, CT)], ("COVID", "CT"), False),
        ([(COVID, CT)], ("COVID", "RT_PCR"), True),
    ],
)
def test_tells_what_is_new_from_what_is_known(
    known: list[tuple[Finding, Evidence]], new: tuple[Finding, Evidence], more: bool
) -> None:
    entries = [label(number, evidence, finding) for number, (finding, evidence) in enumerate(known)]
    assert tells_more(entries, *new) is more


@pytest.mark.parametrize(("finding", "evidence"), [("MAYBE", "CT"), ("COVID", "GUESS")])
async def test_enters_no_finding_or_evidence_that_there_is_not(
    labelling: Labelling, finding: str, evidence: str
) -> None:
    ana = await member()
    image = await image_row(ana)
    entry = await enter(image.id, ana, "COVID", "CT")  # type: ignore[arg-type]
    assert (entry.finding, entry.evidence) == (COVID, CT)
    assert isinstance(entry.finding, Finding)
    with pytest.raises(ValueError, match="is not a valid"):
        await enter(image.id, ana, finding, evidence)  # type: ignore[arg-type]


async def test_a_correction_is_a_new_entry_and_the_old_one_stays(labelling: Labelling) -> None:
    ana = await member()
    image = await image_row(ana)
    first = await labelling.submit(ana, image.id, Finding.COVID, Evidence.CT)
    before = await Label.get(id=first.id).values()
    second = await labelling.submit(ana, image.id, Finding.NO_COVID, Evidence.CT)
    assert await Label.get(id=first.id).values() == before
    entries = await Label.filter(image_id=image.id).order_by("id")
    assert [entry.id for entry in entries] == [first.id, second.id]
    assert (await labelling.of_images([image.id]))[image.id].id == second.id


async def test_the_same_again_is_another_entry(labelling: Labelling) -> None:
    ana = await member()
    image = await image_row(ana)
    submitting = [labelling.submit(ana, image.id, Finding.COVID, None) for _ in range(5)]
    entries = await asyncio.gather(*submitting)
    assert len({entry.id for entry in entries}) == 5
    assert await Label.filter(evidence=Evidence.UNSTATED).count() == 5


async def test_tells_of_every_entry_as_it_commits(labelling: Labelling) -> None:
    ana = await member()
    image = await image_row(ana)
    entry = await labelling.submit(ana, image.id, Finding.COVID, Evidence.RT_PCR)
    (event,) = await OutboxEvent.all()
    assert (event.kind, event.payload) == ("LabelSubmitted", {"label_id": entry.id, "image_id": image.id})


async def test_an_administrator_labels_everyones_images(labelling: Labelling) -> None:
    chief = await admin()
    image = await image_row(await member())
    entry = await labelling.submit(chief, image.id, Finding.COVID, None)
    assert (await Label.get(id=entry.id)).submitted_by_id == chief.id


async def test_foreign_and_unknown_images_are_not_there(labelling: Labelling) -> None:
    eva = await member("eva@h.example")
    image = await image_row(await member())
    for image_id in (image.id, image.id + 1, 0, 10**17):
        submitting = labelling.submit(eva, image_id, Finding.COVID, None)
        assert await refusal(submitting) == (Code.NOT_FOUND, "imageId")
    with pytest.raises(Unauthenticated):
        await labelling.submit(None, image.id, Finding.COVID, None)
    assert not await Label.exists()
    assert not await OutboxEvent.exists()


class Late(Outbox):
    """Commits when the image has just been deleted."""

    async def commit(self, body: Callable[[], Awaitable[T]]) -> T:
        await Image.all().delete()
        return await super().commit(body)


@pytest.mark.usefixtures("database")
async def test_an_image_deleted_meanwhile_is_not_there() -> None:
    ana = await member()
    image = await image_row(ana)
    labelling = Labelling(Late(InProcessLog(DatabaseJournal())))
    assert await refusal(labelling.submit(ana, image.id, Finding.COVID, None)) == (Code.NOT_FOUND, "imageId")
    assert not await OutboxEvent.exists()


async def test_tells_which_label_counts_of_many_images(labelling: Labelling) -> None:
    ana = await member()
    one, other, bare = [await image_row(ana, f"{number}") for number in range(3)]
    await labelling.submit(ana, one.id, Finding.COVID, Evidence.RT_PCR)
    await labelling.submit(ana, one.id, Finding.NO_COVID, Evidence.CLINICAL)
    await labelling.submit(ana, other.id, Finding.NO_COVID, None)
    found = await labelling.of_images([one.id, other.id, bare.id, 10**17])
    assert {image_id: entry.finding for image_id, entry in found.items()} == {
        one.id: Finding.COVID,
        other.id: Finding.NO_COVID,
    }


async def test_tells_the_models_that_learnt_from_a_label_in_their_order(labelling: Labelling) -> None:
    ana = await member()
    image = await image_row(ana)
    used, unused = [await labelling.submit(ana, image.id, Finding.COVID, None) for _ in range(2)]
    for number in (3, 1, 2):
        await (await model_row(number)).labels.add(used)
    found = await labelling.used_in([used.id, unused.id])
    assert {key: [model.number for model in models] for key, models in found.items()} == {
        used.id: [1, 2, 3],
        unused.id: [],
    }
