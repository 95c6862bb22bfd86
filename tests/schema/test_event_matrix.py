"""Who hears which field of what happens: every kind of event, with everybody listening.

`test_permissions` has who may listen to what, and `test_field_matrix` looks for fields without an entry.

329 cells.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from graphql import get_named_type

from api.settings import Settings
from events.log import encode_cursor
from events.messages import DriftWarned
from ml.drift import Difference, Signal
from schema import ids
from services.outbox import record
from services.platform import Platform
from store.tables import DriftSignal, DriftWarning, FindingChange, User
from tests import databases
from tests.asking import VIEWERS, Asker
from tests.listening import Socket, joined, nothing_waits, publish
from tests.people import eventually
from tests.schema.test_permissions import FINE, SUBSCRIPTIONS, told_to, turned_away
from tests.stand_ins import picture
from tests.ways import SCHEMA
from tests.wholes import places, told, whole

# What each tells beside its cursor.
EVENTS = {
    "predictionMade": "prediction",
    "findingChanged": "change",
    "labelSubmitted": "label retraining",
    "labelsWithdrawn": "user withdrawn retraining",
    "trainingProgress": "run",
    "modelPromoted": "model previous",
    "driftWarned": "warning",
    "newsPublished": "post",
}
ABOUT_IMAGES = {"predictionMade", "findingChanged"}
"""Other members may listen, and hear of their own."""
SILENCE = "silence"
NOT_TOLD = {"RetrainingStatus.run"}
"""No run is under way here; `test_field_matrix` has one."""


def kind_of(name: str) -> Any:
    """The type of a subscription's events."""
    assert SCHEMA.subscription_type
    return get_named_type(SCHEMA.subscription_type.fields[name].type)


def expected(name: str, viewer: str) -> str:
    """Whether the viewer hears of what happens around Ana's image, or the code of the refusal."""
    code = told_to(viewer, SUBSCRIPTIONS[name])
    is_others = name in ABOUT_IMAGES and viewer not in ("owner", "admin")
    return SILENCE if code == FINE and is_others else code


def test_the_cells_are_counted_right() -> None:
    fields = sum(len(list(places(kind_of(name)))) for name in EVENTS)
    assert f"\n{fields * len(VIEWERS)} cells.\n" in (__doc__ or "")


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """`test_permissions` has the rules on every engine."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Administrators need a second factor; a budget that is spent would hide what would be told."""
    return settings.model_copy(update={"admin_second_factor": True, "points_per_minute": 0})


async def warn() -> None:
    """Of a difference that has gone since, within the transaction under way."""
    signal = Signal("DISTANCE", 0.0, 2.0, 100, Difference(2.0, 1.9, 2.1))
    figures: dict[str, Any] = {"sentence": "s", "figures": asdict(signal), "ended_at": datetime.now(UTC)}
    row = await DriftWarning.create(model_id=1, signal=DriftSignal.DISTANCE, **figures)
    await record(DriftWarned(row.id))


@pytest.fixture
async def begin(platform: Platform, everybody: dict[str, Asker], ana: User) -> str:
    """The cursor behind which each kind of event has happened, around Ana's image where it is about one."""
    owner, admin = everybody["owner"], everybody["admin"]
    cursor = encode_cursor(await platform.log.head())
    await owner.upload([("1.png", picture(1, 0.4))], "id", label="COVID", waitSeconds=10)
    await admin.data("mutation { requestRetraining { errors { code } } }")
    await eventually(FindingChange.exists)  # the new model finds COVID in it
    await platform.retraining.outbox.commit(warn)
    await admin.mutate("withdrawLabels", "withdrawn", userId=ids.encode("User", ana.id), reason="r")
    await publish(admin, "t")
    await eventually(nothing_waits)
    return cursor


async def listen(client: Socket, after: str) -> None:
    """To everything."""
    for name in EVENTS:
        query = f"subscription($after: Cursor) {{ {name}(after: $after) {{ {whole(kind_of(name))} }} }}"
        await client.subscribe(query, name, after=after)


async def test_everybody_hears_what_is_theirs_to_hear(
    address: str, everybody: dict[str, Asker], begin: str
) -> None:
    """And whoever hears of something hears of it what an administrator does."""
    heard: dict[str, Any] = {}
    for viewer in sorted(VIEWERS, key="admin".__ne__):
        if viewer in ("blocked", "unverified"):
            assert await turned_away(address, everybody[viewer]) == (4403, "Forbidden"), viewer
            continue
        async with joined(address, everybody[viewer].token) as client:
            await listen(client, begin)
            for name in EVENTS:
                if (code := expected(name, viewer)) == FINE:
                    event = await client.event(name)
                    assert event == heard.setdefault(name, event), (name, viewer)
                elif code != SILENCE:
                    assert await client.ends(name) == ("error", code), (name, viewer)
            await client.settle()
            silent = {name for name in EVENTS if expected(name, viewer) == SILENCE}
            assert not [message for message in client._kept if message.get("id") in silent], viewer
    fields = {one for name in EVENTS for one in places(kind_of(name))}
    assert {one for name, event in heard.items() for one in told(kind_of(name), event)} == fields - NOT_TOLD
