"""Who is told which field of what is seen: every field of every type, made from the schema.

A field of any type without an entry fails. Here are objects by their ids, with all their parts;
`test_query_matrix` has what root fields show, `test_payload_matrix` what mutations answer,
`test_event_matrix` what subscribers hear, and `test_permissions` root fields, and who sees which object.

4109 cells.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType

from api.settings import Settings
from api.wiring import Parts
from schema.nodes import NODES
from services.platform import Platform
from store.tables import User
from tests import databases
from tests.around import filled, recorded
from tests.asking import VIEWERS, Asker
from tests.schema import test_event_matrix as events
from tests.schema import test_payload_matrix as payloads
from tests.schema import test_query_matrix as queries
from tests.schema.test_permissions import BY_ID, FORBIDDEN, NEEDED, SIGN_IN
from tests.ways import SCHEMA
from tests.wholes import asked, places, places_in, told

FINE, NULL = "fine", "null"

# Told to whoever sees the object, in the order of the schema.
FREE = {
    "User": "id name role emailVerified createdAt deletedAt",
    "Image": "id filename sha256 width height patientRef uploadedAt failure labelReason uploadedBy url "
    "thumbnailUrl predictionState prediction predictions findingChange label labelConflict labels",
    "Prediction": "id finding probability abstained distance createdAt heatmapUrl view image model",
    "Label": "id finding evidence createdAt withdrawnAt image submittedBy usedIn",
    "ModelVersion": "id number state backbone head trainedOn evaluation verdict createdAt threshold band "
    "curves gate elsewhere audit cardUrl withdrawnLabels",
    "TrainingRun": "id state trigger labels epoch epochs loss losses secondsLeft leftOut error queuedAt "
    "finishedAt requestedBy reason model",
    "RetrainingPolicy": "id threshold minutesBetween labelsPerClass sensitivityMargin specificityMargin "
    "aucMargin sharePerUser changedAt changedBy",
    "NewsPost": "id title body publishedAt author",
    "ContactMessage": "id name email subject body receivedAt delivered",
    "TrailEntry": "id position at kind actorId subjects value reason previous sha256 actor user",
}
ADMINS = (NULL, NULL, NULL, FINE, NULL, NULL, NULL)
# Told to some of those who see the object, by `VIEWERS`.
GUARDED = {
    "User.email": (SIGN_IN, FINE, FORBIDDEN, FINE, SIGN_IN, SIGN_IN, FORBIDDEN),
    "User.secondFactorSince": (NULL, FINE, NULL, FINE, NULL, NULL, NULL),
    "User.blockedAt": ADMINS,
    "User.blockReason": ADMINS,
    "Label.withdrawnBy": ADMINS,
    "Label.withdrawalReason": ADMINS,
    "ModelVersion.deployments": (SIGN_IN, FORBIDDEN, FORBIDDEN, FINE, SIGN_IN, SIGN_IN, NEEDED),
}
# Parts of what shows them, which decides for all of them.
PARTS = {
    "AccountSession": "id client createdAt expiresAt current",
    "Audit": "films changes sourcesTold border borderLimit followsBorder verdict",
    "AuditChange": "name auc changed reversed refused",
    "Band": "low high",
    "CalibrationBin": "probability frequency images",
    "Curves": "roc calibration",
    "Deployment": "since until reason decidedBy",
    "Difference": "value low high",
    "Discordance": "candidateAlone incumbentAlone p",
    "Drift": "model reference lastMonth signals series warnings",
    "DriftAbstentions": "reason images share",
    "DriftComparison": "signal reference lastMonth images imagesNeeded difference margin differs sentence",
    "DriftDifference": "value low high",
    "DriftFigures": "images leftOut abstentions abstentionsByReason meanProbability meanDistance "
    "medianDistance highDistance labelled agreement",
    "DriftPeriod": "begin end figures",
    "DriftWarning": "comparison since until model",
    "Elsewhere": "taughtBy shown positives negatives sensitivity specificity auc",
    "Estimate": "value low high",
    "Evaluation": "sensitivity specificity auc calibrationError positives negatives",
    "FeatureProgress": "extractor done failed total",
    "FindingChange": "changedAt prediction previous",
    "GateComparison": "name incumbent candidate difference margin passes alone",
    "GateSize": "name patients needed",
    "GateVerdict": "comparisons sizes",
    "LeftOut": "cause images",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "RetrainingStatus": "newLabels threshold run waitsFor",
    "RocPoint": "specificity sensitivity",
    "SourcesTold": "label sources images auc",
    "UploadResult": "filename image duplicateOf errors",
    "UserError": "message code path retryAfter",
}
# Of every list, and of its entries; what is listed has entries of its own.
LISTS = {"Connection": "edges nodes pageInfo totalCount", "Edge": "cursor node"}
ROOTS = {"Query", "Mutation", "Subscription"}
"""`test_permissions` has their fields."""

EMPTY = {"User.deletedAt", "Image.labelReason"}
"""Of whoever can ask, and of what is not found by its id."""


def types() -> dict[str, GraphQLObjectType]:
    """Whatever has fields, but GraphQL's own."""
    return {
        name: kind
        for name, kind in SCHEMA.type_map.items()
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__") and name not in ROOTS
    }


def entries() -> set[str]:
    """All but `GUARDED`, by type and field."""
    answers = {str(payloads.payload_of(name)): f"errors {names}" for name, names in payloads.PAYLOADS.items()}
    heard = {str(events.kind_of(name)): f"cursor {names}" for name, names in events.EVENTS.items()}
    lists = {name: names for name in types() for ending, names in LISTS.items() if name.endswith(ending)}
    listed = {**FREE, **PARTS, **lists, **answers, **heard}
    return {f"{kind}.{name}" for kind, names in listed.items() for name in names.split()}


def test_every_field_has_an_entry() -> None:
    assert entries().isdisjoint(GUARDED)
    there = {f"{name}.{field}" for name, kind in types().items() for field in kind.fields}
    assert entries() | GUARDED.keys() == there


def test_every_field_is_asked_for() -> None:
    """By one of the four tests."""
    here = [one for name in NODES for one in places(types()[name])]
    shown = [one for name in queries.root_fields().values() for one in places_in(queries.QUERY[name])]
    done = [one for name in payloads.PAYLOADS for one in places(payloads.payload_of(name))]
    happened = [one for name in events.EVENTS for one in places(events.kind_of(name))]
    assert {*here, *shown, *done, *happened} == entries() | GUARDED.keys()


def test_the_cells_are_counted_right() -> None:
    free = [(kind_of(name), field) for name in BY_ID for field in FREE[kind_of(name)].split()]
    asked_for = free + [(kind, field) for kind, _, field in (place.partition(".") for place in GUARDED)]
    fields = sum(1 + len(list(places_in(types()[kind].fields[field]))) for kind, field in asked_for)
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
async def seen(platform: Platform, everybody: dict[str, Asker], ana: User) -> dict[str, str]:
    """The ids of objects by their names in `BY_ID`, with something in each field."""
    return await filled(platform, ana)


def kind_of(name: str) -> str:
    return name if name in FREE else "RetrainingPolicy" if name == "the operator's" else "ModelVersion"


async def told_by_id(asker: Asker, kind: str, id: str, *names: str) -> dict[str, Any]:
    """The answer to these fields of an object."""
    fields = " ".join(asked(types()[kind], name) for name in names)
    return await asker.ask(f"query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {fields} }} }} }}", id=id)


async def test_whoever_sees_an_object_is_told_all_that_is_free(
    everybody: dict[str, Asker], seen: dict[str, str]
) -> None:
    """With its parts; and what is told is what an administrator is told, but for addresses signed anew."""
    for name, id in seen.items():
        kind = kind_of(name)
        free = [field for field in FREE[kind].split() if not field.lower().endswith("url")]
        by_admin = (await told_by_id(everybody["admin"], kind, id, *free))["data"]["node"]
        stranger, owner, other, admin = BY_ID[name]
        expected = (stranger, owner, other, admin, stranger, stranger, other)
        for viewer, sees in zip(VIEWERS, expected, strict=True):
            answer = await told_by_id(everybody[viewer], kind, id, *FREE[kind].split())
            assert "errors" not in answer, (name, viewer, answer)
            node = answer["data"]["node"]
            assert (node and {field: node[field] for field in free}) == (by_admin if sees else None), (
                name,
                viewer,
            )


async def test_an_administrator_is_told_something_in_each_field(
    everybody: dict[str, Asker], seen: dict[str, str]
) -> None:
    """Else the tests above and below would see no difference."""
    found: set[str] = set()
    for name, id in seen.items():
        kind = types()[kind_of(name)]
        answer = await told_by_id(everybody["admin"], str(kind), id, *kind.fields)
        assert "errors" not in answer, (name, answer)
        found.update(told(kind, answer["data"]["node"]))
    assert found == {one for name in NODES for one in places(types()[name])} - EMPTY


def way_to(kind: str, viewer: str, label: str) -> str:
    """To an object of a kind that the viewer may see, or to where it would be; `%s` is for its fields."""
    if kind == "Label":
        return f'{{ node(id: "{label}") {{ ... on Label {{ %s }} }} }}'
    if kind == "ModelVersion":
        return "{ model { %s } }"
    return "{ viewer { %s } }" if viewer == "owner" else "{ news { nodes { author { %s } } } }"


def outcome(answer: dict[str, Any], name: str) -> str:
    """What became of the one field that was asked for."""
    if "errors" in answer:
        (error,) = answer["errors"]
        return str(error["extensions"]["code"])
    found = re.search(rf'"{name}": (null)?', json.dumps(answer["data"]))
    return FINE if found and not found[1] else NULL


@pytest.mark.parametrize("place", GUARDED)
async def test_what_is_guarded_is_told_to_some(
    everybody: dict[str, Asker], seen: dict[str, str], place: str
) -> None:
    kind, name = place.split(".")
    question = asked(types()[kind], name)
    for viewer, expected in zip(VIEWERS, GUARDED[place], strict=True):
        way = way_to(kind, viewer, seen["Label"])
        assert outcome(await everybody[viewer].ask(way % question), name) == expected, viewer
