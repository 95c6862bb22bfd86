"""Conflicts, blocked users and withdrawn labels through GraphQL."""

from __future__ import annotations

import pytest

from schema import ids, streams
from services.links import Asked
from services.model_card import as_markdown
from services.platform import Platform
from store.tables import Finding, Label, User
from tests import people
from tests.asking import Asker, codes
from tests.listening import NEWS, joined, listen
from tests.stand_ins import picture
from tests.statements import counted
from tests.store_rows import image, model

WITHDRAWN = """subscription { labelsWithdrawn {
  cursor user { name } withdrawn retraining { newLabels } } }"""


def id_of(user: User) -> str:
    return ids.encode("User", user.id)


async def contested(by: User, and_by: User, *names: str) -> None:
    for name in names:
        row = await image(by, name)
        await Label.create(image=row, finding=Finding.COVID, submitted_by=by)
        await Label.create(image=row, finding=Finding.NO_COVID, submitted_by=and_by)


async def test_conflicts_come_in_pages_and_say_so_at_the_image(
    admin: Asker, member: Asker, ana: User
) -> None:
    await contested(ana, await people.member("ben@h.example"), "1.png", "2.png", "3.png")
    await image(ana, "4.png")
    query = """query($after: String) { labelConflicts(first: 2, after: $after) {
      totalCount pageInfo { hasNextPage endCursor } nodes { filename labelConflict } } }"""
    first = await admin.data(query)
    assert first["totalCount"] == 3
    assert [node["filename"] for node in first["nodes"]] == ["3.png", "2.png"]
    second = await admin.data(query, after=first["pageInfo"]["endCursor"])
    assert second["nodes"] == [{"filename": "1.png", "labelConflict": True}]
    assert not second["pageInfo"]["hasNextPage"]
    own = await member.data("{ images(first: 1) { nodes { filename labelConflict } } }")
    assert own["nodes"] == [{"filename": "4.png", "labelConflict": False}]


async def test_an_administrators_label_settles_a_conflict(admin: Asker, ana: User) -> None:
    await contested(ana, await people.member("ben@h.example"), "1.png")
    (found,) = (await admin.data("{ labelConflicts { nodes { id } } }"))["nodes"]
    fields = "label { image { labelConflict label { finding } } }"
    said = await admin.mutate("submitLabel", fields, imageId=found["id"], finding="COVID")
    assert said["label"]["image"] == {"labelConflict": False, "label": {"finding": "COVID"}}
    assert (await admin.data("{ labelConflicts { totalCount } }"))["totalCount"] == 0


async def test_conflicts_take_as_many_statements_for_one_image_as_for_many(admin: Asker, ana: User) -> None:
    ben, taken = await people.member("ben@h.example"), []
    for count in (1, 9):
        await contested(ana, ben, *(f"{count}-{number}" for number in range(count)))
        with counted() as statements:
            await admin.data("{ labelConflicts { nodes { labelConflict labels { nodes { finding } } } } }")
        taken.append(len(statements))
    assert taken == [3, 3]  # the session, the images, their labels


async def test_a_blocked_user_is_out_and_others_are_not_told_why(
    admin: Asker, member: Asker, other: Asker, ana: User
) -> None:
    fields = "user { name blockedAt blockReason }"
    blocked = await admin.mutate("blockUser", fields, id=id_of(ana), reason="spam")
    assert blocked["user"]["blockReason"] == "spam"
    assert blocked["user"]["blockedAt"]
    assert await member.data("{ viewer { id } }") is None
    own = await admin.data("{ viewer { id } }")
    payload = await admin.mutate("blockUser", fields, id=own["id"], reason="r")
    assert codes(payload) == [("CONFLICT", ["input", "id"])]

    back = await admin.mutate("unblockUser", fields, id=id_of(ana))
    assert back["user"] == {"name": ana.name, "blockedAt": None, "blockReason": None}


async def test_the_reason_of_a_block_is_for_administrators(
    admin: Asker, other: Asker, anybody: Asker, platform: Platform
) -> None:
    author = await people.admin("author@hospital.example")
    await platform.newsroom.publish(author, "t", "b")
    await admin.mutate("blockUser", "user { id }", id=id_of(author), reason="spam")
    query = "{ news { nodes { author { name blockedAt blockReason } } } }"
    hidden = {"name": author.name, "blockedAt": None, "blockReason": None}
    for asker in (anybody, other):
        assert (await asker.data(query))["nodes"] == [{"author": hidden}]
    assert (await admin.data(query))["nodes"][0]["author"]["blockReason"] == "spam"


async def test_sockets_of_a_blocked_user_close(
    address: str, admin: Asker, member: Asker, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SILENT_SECONDS", 0.2)
    async with joined(address, member.token) as busy, joined(address, member.token) as idle:
        await listen(busy, NEWS)
        await admin.mutate("blockUser", "user { id }", id=id_of(ana), reason="spam")
        assert (await busy.ends())[1] == "UNAUTHENTICATED"
        for client in (busy, idle):
            assert await client.closes() == (4403, "The session has ended: sign in again")


async def test_sockets_of_nobody_and_of_others_stay_open(
    address: str, admin: Asker, other: Asker, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SILENT_SECONDS", 0.1)
    async with joined(address) as nobody, joined(address, other.token) as eva:
        await admin.mutate("blockUser", "user { id }", id=id_of(ana), reason="spam")
        for _ in range(10):
            await nobody.settle()
            await eva.settle()


async def test_withdrawn_labels_are_told_of_by_every_model_that_used_them(
    admin: Asker, member: Asker, ana: User
) -> None:
    ben = await people.member("ben@h.example")
    row, taught, other = await image(ana), await model(2), await model(3)
    for by in (ana, ben, ben):
        await taught.labels.add(await Label.create(image=row, finding=Finding.COVID, submitted_by=by))
    payload = await admin.mutate(
        "withdrawLabels", "withdrawn user { name }", userId=id_of(ben), reason="made up"
    )
    assert payload == {"withdrawn": 2, "user": {"name": ben.name}, "errors": []}
    with counted() as statements:
        models = await admin.data("{ models { nodes { number withdrawnLabels } } }")
    told = {one["number"]: one["withdrawnLabels"] for one in models["nodes"]}
    assert told == {1: 0, taught.number: 2, other.number: 0}
    assert len(statements) == 3  # the session, the models, their withdrawn labels

    query = """{ images { nodes { label { submittedBy { name } }
      labels { nodes { withdrawnAt withdrawalReason withdrawnBy { name } } } } } }"""
    for asker, reason in ((admin, "made up"), (member, None)):
        (seen,) = (await asker.data(query))["nodes"]
        assert seen["label"]["submittedBy"]["name"] == ana.name
        marks = [(bool(one["withdrawnAt"]), one["withdrawalReason"]) for one in seen["labels"]["nodes"]]
        assert marks == [(True, reason), (True, reason), (False, None)]
        assert [bool(one["withdrawnBy"]) for one in seen["labels"]["nodes"]] == [bool(reason)] * 2 + [False]


async def test_withdrawn_labels_count_neither_in_the_queue_nor_towards_the_threshold(
    admin: Asker, platform: Platform
) -> None:
    ben = await people.member("ben@h.example")
    asker = await admin.signed_in(ben)
    await asker.upload([("1.png", picture(1))], "id", label="COVID", waitSeconds=10)
    query = """{ retraining { newLabels } labelQueue { totalCount nodes { id } }
      images(filter: {labelled: true}) { totalCount } }"""
    for withdrawn in (False, True):
        if withdrawn:
            await admin.mutate("withdrawLabels", "withdrawn", userId=id_of(ben), reason="r")
        answer = (await asker.ask(query))["data"]
        assert answer["retraining"]["newLabels"] == (0 if withdrawn else 1)
        assert answer["labelQueue"]["totalCount"] == (1 if withdrawn else 0)
        assert answer["images"]["totalCount"] == (0 if withdrawn else 1)


async def test_administrators_hear_of_withdrawals(
    address: str, admin: Asker, member: Asker, ana: User
) -> None:
    await Label.create(image=await image(ana), finding=Finding.COVID, submitted_by=ana)
    async with joined(address, admin.token) as client:
        await listen(client, WITHDRAWN)
        await admin.mutate("withdrawLabels", "withdrawn", userId=id_of(ana), reason="r")
        event = await client.event()
        assert event.pop("cursor")
        assert event == {"user": {"name": ana.name}, "withdrawn": 1, "retraining": {"newLabels": 0}}
    async with joined(address, member.token) as client:
        await client.subscribe(WITHDRAWN)
        assert await client.ends() == ("error", "FORBIDDEN")


async def test_the_card_says_that_labels_were_withdrawn(platform: Platform, ana: User) -> None:
    version, row = await platform.models.in_service(), await image(ana)
    await version.labels.add(await Label.create(image=row, finding=Finding.COVID, submitted_by=ana))
    for sentence in (None, "One label that taught it has been withdrawn"):
        if sentence:
            await platform.labelling.withdraw(await people.admin(), ana.id, "r")
        found = await platform.cards.find(None, Asked.of(version.number, {}))
        assert found
        assert ("withdrawn" in as_markdown(found.card)) == bool(sentence)
        assert (sentence or "") in as_markdown(found.card)
