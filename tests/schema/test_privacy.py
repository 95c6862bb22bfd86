"""No way through the schema, and no cursor, leads anybody to what only others may see."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from api.settings import Settings
from schema import ids
from schema.nodes import NODES
from services.platform import Platform
from store import tables
from store.tables import Deployment, Image, Label, ModelVersion, NewsPost, Prediction, Token, User
from tests import databases
from tests.asking import Asker
from tests.crowded import NEVER, crowd
from tests.listening import PREDICTIONS, joined, upload
from tests.ways import ways


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """`test_permissions` has the rules on every engine."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A budget that is spent would hide what would be told."""
    return settings.model_copy(update={"points_per_minute": 0, "retrain_threshold": NEVER})


async def test_no_way_leads_to_what_is_not_ones_own(
    anybody: Asker, other: Asker, ana: User, platform: Platform
) -> None:
    await Deployment.all().update(number=2)  # it goes on to serve, whatever served before
    await crowd(ana, range(2))
    owner, eva = [await User.get(email__startswith=name) for name in ("0@", "eva@")]
    hers = await anybody.signed_in(owner)
    for asker, viewer in ((anybody, None), (other, eva), (hers, owner)):
        assert await reached(asker) == await visible_to(viewer)


async def reached(asker: Asker) -> set[str]:
    """The ids of all that is found on any way through the schema."""
    rows = {kind: await getattr(tables, kind).all() for kind in NODES}
    found: set[str] = set()
    for way, query in ways(without={"modelAt"}, everything=False):
        kind = re.match(r"nodes\((\w+)\)", way)
        given = {"ids": [ids.encode(kind[1], row.id) for row in rows[kind[1]]]} if kind else {}
        found.update(re.findall(r'"id": "([^"]+)"', json.dumps(await asker.ask(query, **given))))
    return found


async def visible_to(viewer: User | None) -> set[str]:
    """The ids of what everybody may see, and of the rows around the images of somebody who is no admin."""
    posts, images = await NewsPost.all(), await Image.filter(owner_id=viewer.id if viewer else 0)
    around = {"image_id__in": [row.id for row in images] or [0]}
    predictions, labels = await Prediction.filter(**around), await Label.filter(**around)
    serving = await ModelVersion.get(number=1)
    models = {serving.id, *(prediction.model_id for prediction in predictions)}
    users = {post.author_id for post in posts} | {label.submitted_by_id for label in labels}
    rows = {"NewsPost": posts, "Image": images, "Prediction": predictions, "Label": labels}
    found = {(kind, row.id) for kind, listed in rows.items() for row in listed}
    found |= {("ModelVersion", key) for key in models}
    found |= {("User", key) for key in (users | {viewer.id} if viewer else users)}
    found |= {("AccountSession", row.id) for row in await Token.filter(user_id=viewer.id if viewer else 0)}
    return {ids.encode(*one) for one in found}


async def test_the_cursor_of_somebody_else_brings_nothing_of_theirs(
    address: str, member: Asker, other: Asker
) -> None:
    begin = await member.data("{ lastCursor }")
    await upload(member, 1)
    async with joined(address, member.token) as client:
        await client.subscribe(PREDICTIONS, after=begin)
        hers = (await client.event())["cursor"]
    await upload(other, 2)
    async with joined(address, other.token) as client:
        for operation, after in (("begin", begin), ("hers", hers)):
            await client.subscribe(PREDICTIONS, operation, after=after)
            assert (await client.event(operation))["prediction"]["image"]["filename"] == "2.png"
