"""Who is told which field of an object that is seen: every field of every type, made from the schema.

A field without an entry fails. `test_permissions` has root fields, and who sees which object.

1246 cells.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type, is_required_argument

from api.settings import Settings
from services.platform import Platform
from store.tables import Label, User
from tests import databases
from tests.around import around
from tests.asking import VIEWERS, Asker
from tests.schema.test_permissions import BY_ID, FORBIDDEN, NEEDED, SIGN_IN
from tests.ways import SCHEMA

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
    "RetrainingStatus": "newLabels threshold run waitsFor",
    "RocPoint": "specificity sensitivity",
    "SourcesTold": "label sources images auc",
}
# Root fields, what answers mutations, events, and what all lists and refusals have.
ELSEWHERE = re.compile(
    r"__\w+|Query|Mutation|Subscription|\w+(Payload|Connection|Edge)|PageInfo|UserError|UploadResult"
)


def types() -> dict[str, GraphQLObjectType]:
    """The objects that have fields of their own to be told or not."""
    events = {get_named_type(field.type).name for field in SCHEMA.subscription_type.fields.values()}  # type: ignore[union-attr]
    return {
        name: kind
        for name, kind in SCHEMA.type_map.items()
        if isinstance(kind, GraphQLObjectType) and name not in events and not ELSEWHERE.fullmatch(name)
    }


def test_every_field_has_an_entry() -> None:
    listed = {f"{kind}.{name}" for kind, names in {**FREE, **PARTS}.items() for name in names.split()}
    there = {f"{name}.{field}" for name, kind in types().items() for field in kind.fields}
    assert listed.isdisjoint(GUARDED)
    assert listed | GUARDED.keys() == there


def test_the_cells_are_counted_right() -> None:
    free = sum(len(FREE[kind_of(name)].split()) for name in BY_ID)
    assert f"\n{(free + len(GUARDED)) * len(VIEWERS)} cells.\n" in (__doc__ or "")


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """`test_permissions` has the rules on every engine."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Administrators need a second factor; a budget that is spent would hide what would be told."""
    return settings.model_copy(update={"admin_second_factor": True, "points_per_minute": 0})


@pytest.fixture
async def seen(platform: Platform, everybody: dict[str, Asker], ana: User) -> dict[str, str]:
    """The ids of objects by their names in `BY_ID`, with something in each guarded field."""
    rows = await around(platform, ana)
    chief = await User.get(email="chief@hospital.example")
    something = {"second_factor_at": datetime.now(UTC), "blocked_at": datetime.now(UTC), "block_reason": "r"}
    await User.filter(email__in=[ana.email, "author@hospital.example"]).update(**something)
    await Label.all().update(withdrawn_at=datetime.now(UTC), withdrawn_by_id=chief.id, withdrawal_reason="r")
    return rows


def kind_of(name: str) -> str:
    return name if name in FREE else "RetrainingPolicy" if name == "the operator's" else "ModelVersion"


def asked(kind: str, name: str) -> str:
    """A field as it is asked for."""
    field: GraphQLField = SCHEMA.type_map[kind].fields[name]  # type: ignore[union-attr]
    assert not any(is_required_argument(one) for one in field.args.values())
    return name if is_leaf_type(get_named_type(field.type)) else f"{name} {{ __typename }}"


async def told(asker: Asker, kind: str, id: str, *names: str) -> dict[str, Any]:
    fields = " ".join(asked(kind, name) for name in names)
    return await asker.ask(f"query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {fields} }} }} }}", id=id)


async def test_whoever_sees_an_object_is_told_all_that_is_free(
    everybody: dict[str, Asker], seen: dict[str, str]
) -> None:
    """And what is told is what an administrator is told, but for addresses that are signed anew."""
    for name, id in seen.items():
        kind = kind_of(name)
        free = [field for field in FREE[kind].split() if not field.lower().endswith("url")]
        by_admin = (await told(everybody["admin"], kind, id, *free))["data"]["node"]
        stranger, owner, other, admin = BY_ID[name]
        expected = (stranger, owner, other, admin, stranger, stranger, other)
        for viewer, sees in zip(VIEWERS, expected, strict=True):
            answer = await told(everybody[viewer], kind, id, *FREE[kind].split())
            assert "errors" not in answer, (name, viewer, answer)
            node = answer["data"]["node"]
            assert (node and {field: node[field] for field in free}) == (by_admin if sees else None), (
                name,
                viewer,
            )


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
    for viewer, expected in zip(VIEWERS, GUARDED[place], strict=True):
        way = way_to(kind, viewer, seen["Label"])
        assert outcome(await everybody[viewer].ask(way % asked(kind, name)), name) == expected, viewer
