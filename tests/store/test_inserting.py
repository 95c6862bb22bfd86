"""Rows that are inserted together are those that their objects would have been."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tortoise.exceptions import IntegrityError, ValidationError

from store.database import atomically
from store.inserting import insert
from store.tables import Finding, JournalEntry, OutboxEvent, Prediction
from tests.people import member
from tests.store_rows import image, model


@pytest.mark.usefixtures("database")
async def test_rows_read_as_objects_would_have_been_stored() -> None:
    one, version = await image(await member(), "one"), await model(1)
    row = {
        "image_id": one.id,
        "model_id": version.id,
        "finding": Finding.COVID,
        "probability": 0.75,
        "margin": 0.25,
    }
    await insert(Prediction, [row])
    (found,) = await Prediction.all()
    assert {name: getattr(found, name) for name in row} == row
    assert (found.abstained, found.place, found.distance) == (None, None, None)
    assert abs(datetime.now(UTC) - found.created_at) < timedelta(minutes=1)
    await found.delete()
    stored = await Prediction.create(**row)
    await stored.refresh_from_db()
    assert stored.created_at.tzinfo == found.created_at.tzinfo


@pytest.mark.usefixtures("database")
async def test_rows_are_inserted_in_order_or_not_at_all() -> None:
    def rows(*uids: str) -> list[dict[str, object]]:
        return [{"uid": uid, "kind": "Kind", "payload": {"é": [uid, None]}} for uid in uids]

    await insert(OutboxEvent, rows())
    await insert(OutboxEvent, rows("c", "a", "b"))
    assert await OutboxEvent.all().order_by("id").values_list("uid", flat=True) == ["c", "a", "b"]
    assert (await OutboxEvent.get(uid="a")).payload == {"é": ["a", None]}
    for wrong, error in ((rows("d", "a"), IntegrityError), (rows("e", "u" * 37), ValidationError)):
        with pytest.raises(error):
            await atomically(lambda some=wrong: insert(OutboxEvent, some))
    assert await OutboxEvent.all().count() == 3
    assert not await JournalEntry.exists()
