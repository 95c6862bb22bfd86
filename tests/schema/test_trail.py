"""The trail through GraphQL: what an administrator does shows there, and can be looked for."""

import json

from schema import ids
from store.tables import TrailEntry, TrailKind, TrailNote, User
from tests.asking import Asker, codes
from tests.people import eventually
from tests.trails import noted, sealed

FIELDS = "id position at kind actorId actor { name } user { name } subjects value reason previous sha256"
ASK = f"""query($filter: TrailFilter, $first: Int, $after: String) {{
  trail(filter: $filter, first: $first, after: $after) {{
    totalCount nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}"""


async def places(admin: Asker, **wanted: object) -> list[int]:
    found = await admin.data(ASK, filter=wanted)
    return [node["position"] for node in found["nodes"]]


async def test_what_was_done_shows_with_who_did_it_and_to_whom(admin: Asker, ana: User) -> None:
    chief, hers = await User.get(email="chief@hospital.example"), ids.encode("User", ana.id)
    refused = await admin.mutate("blockUser", "user { id }", id=hers, reason="")
    assert codes(refused) == [("REQUIRED", ["input", "reason"])]
    await admin.mutate("blockUser", "user { id }", id=hers, reason="misuse")
    first, block = await sealed()
    found = await admin.data(ASK)
    assert found["totalCount"] == 2
    shown = found["nodes"][0]
    assert shown.pop("at")
    assert shown == {
        "id": ids.encode("TrailEntry", block.id),
        "position": 2,
        "kind": "USER_BLOCKED",
        "actorId": ids.encode("User", chief.id),
        "actor": {"name": "Chief"},
        "user": {"name": "Ana"},
        "subjects": [hers],
        "value": None,
        "reason": "misuse",
        "previous": first.sha256,
        "sha256": block.sha256,
    }
    assert found["nodes"][1]["kind"] == "MODEL_PROMOTED"
    assert found["nodes"][1]["actor"] is found["nodes"][1]["actorId"] is None
    assert "@" not in json.dumps(found)


async def test_pages_and_filters(admin: Asker, ana: User) -> None:
    await sealed()
    await noted(4, ana)
    page = await admin.data(ASK, first=2)
    assert [node["position"] for node in page["nodes"]] == [5, 4]
    page = await admin.data(ASK, first=9, after=page["pageInfo"]["endCursor"])
    assert [node["position"] for node in page["nodes"]] == [3, 2, 1]
    third = await TrailEntry.get(position=3)
    assert await places(admin, actorId=ids.encode("User", ana.id), kinds=["LABEL_SUBMITTED"]) == [5, 4, 3, 2]
    assert await places(admin, actorId=ids.encode("Image", ana.id)) == []
    assert await places(admin, kinds=["MODEL_PROMOTED", "SIGNED_IN"]) == [1]
    assert await places(admin, since=third.at.isoformat()) == [5, 4, 3]
    assert await places(admin, before=third.at.isoformat()) == [2, 1]


async def test_an_entry_outlives_whom_and_what_it_names(admin: Asker, ana: User) -> None:
    await sealed()
    await noted(1, User(id=ana.id + 1000))
    (entry, _) = (await admin.data(ASK))["nodes"]
    assert (entry["actorId"], entry["actor"]) == (ids.encode("User", ana.id + 1000), None)
    assert entry["subjects"] == [ids.encode("Image", 1), ids.encode("Label", 1)]


async def test_what_a_newer_version_tells_of_is_shown_without_its_kind(admin: Asker) -> None:
    first = (await sealed())[0]
    await TrailNote.create(at=first.at, kind="MOON_LANDED", subjects={"User": 1})
    assert (await sealed())[-1].kind == "MOON_LANDED"
    assert (await admin.data(ASK))["nodes"][0]["kind"] is None


async def test_every_kind_is_shown(admin: Asker) -> None:
    at = (await sealed())[0].at
    for kind in TrailKind:
        await TrailNote.create(at=at, kind=kind, subjects={})
    await sealed()
    shown = [node["kind"] for node in (await admin.data(ASK, first=100))["nodes"]]
    assert shown[:-1] == list(reversed(TrailKind))


async def test_is_sealed_by_the_server_itself(admin: Asker, ana: User) -> None:
    await admin.mutate("setUserRole", "user { id }", id=ids.encode("User", ana.id), role="ADMIN")
    assert await eventually(lambda: TrailEntry.filter(kind=TrailKind.ROLE_CHANGED).exists())
