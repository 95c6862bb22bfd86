"""Who is shown what by which root field: all of it that has no id of its own, by everybody.

`test_field_matrix` has the entries, and what has an id; `test_permissions` which of them there are for whom.

1610 cells.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.settings import Settings
from api.wiring import Parts
from services.platform import Platform
from store.tables import Token, User
from tests import databases
from tests.around import filled, recorded
from tests.asking import VIEWERS, Asker
from tests.drifting import judged, labelled, uploaded
from tests.listening import nothing_waits
from tests.people import eventually
from tests.schema.test_permissions import FINE, QUERIES, head_of, name_in, told_to
from tests.ways import SCHEMA
from tests.wholes import places_in, selection, told

QUERY = SCHEMA.query_type.fields if SCHEMA.query_type else {}
OWN = {"viewer", "sessions"}
"""Who asks, for whoever is signed in."""
OWN_IMAGES = {"images", "predictions", "labelQueue"}
"""Those of others are for administrators."""
NOT_TOLD = {"DriftWarning.until"}
"""Of what stands still; `test_event_matrix` has one that has ended."""


def root_fields() -> dict[str, str]:
    """As each is asked for in `test_permissions`, but those by an id."""
    heads = {head_of(text): name_in(text) for text in QUERIES}
    return {head: name for head, name in heads.items() if name not in ("node", "nodes")}


def test_the_cells_are_counted_right() -> None:
    fields = sum(1 + len(list(places_in(QUERY[name]))) for name in root_fields().values())
    assert f"\n{fields * len(VIEWERS)} cells.\n" in (__doc__ or "")


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """`test_permissions` has the rules on every engine."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Administrators need a second factor; a budget that is spent would hide what would be told."""
    return settings.model_copy(update={"admin_second_factor": True, "points_per_minute": 0})


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    return replace(parts, default_model=recorded(parts.default_model))


@pytest.fixture
async def everything(platform: Platform, everybody: dict[str, Asker], ana: User) -> None:
    """Something of each kind, and of Ana's images a hundred that lie far from known chests."""
    await filled(platform, ana)
    images, model = await uploaded(ana, 100), await platform.models.in_service()
    await judged(images, model.id, distance=3)
    await labelled(images[:80], model.id, ana)
    await platform.drift_watch.look()
    await Token.all().update(client="c")
    await eventually(nothing_waits)


def code_of(answer: dict[str, Any]) -> str:
    """That all went well, or the one code of what did not, beside which nothing is told."""
    if "errors" not in answer:
        return FINE
    assert not any((answer.get("data") or {}).values())
    (error,) = answer["errors"]
    return str(error["extensions"]["code"])


def is_theirs(name: str, viewer: str, shown: Any, by_admin: Any) -> bool:
    """Whether that is what a viewer is to be shown, by what an administrator is shown."""
    if name in OWN:
        return bool(shown) == (viewer in ("owner", "other", "admin", "held-back"))
    if name in OWN_IMAGES and viewer not in ("owner", "admin"):
        return (shown["edges"], shown["nodes"], shown["totalCount"]) == ([], [], 0)
    return bool(shown == by_admin)


async def test_a_root_field_shows_all_or_nothing(everybody: dict[str, Asker], everything: None) -> None:
    """And to everybody the same, but for what is their own."""
    found: set[str] = set()
    for text, entry in QUERIES.items():
        head, name = head_of(text), name_in(text)
        if head not in root_fields():
            continue
        query = f"{{ {head}{selection(QUERY[name])} }}"
        by_admin = await everybody["admin"].data(query)
        found.update(told(SCHEMA.query_type, {name: by_admin}))
        for viewer, asker in everybody.items():
            answer = await asker.ask(query)
            assert code_of(answer) == told_to(viewer, entry), (head, viewer)
            if code_of(answer) == FINE:
                shown = answer["data"][name]
                assert is_theirs(name, viewer, shown, by_admin), (head, viewer, shown)
    wanted = {f"Query.{name}" for name in root_fields().values()}
    wanted |= {one for name in root_fields().values() for one in places_in(QUERY[name])}
    assert found == wanted - NOT_TOLD
