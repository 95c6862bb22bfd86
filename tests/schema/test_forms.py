"""A mutation tells all that is wrong with its input at once, each problem where it stands."""

from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLSchema, get_named_type

from schema import ids
from schema.schema import build_schema
from store.tables import ModelState, User
from tests.asking import Asker, codes
from tests.store_rows import image, model

TOO_LONG = "x" * 50_001
NOWHERE = "no id of ours"

# each field wrong by itself, or missing for another one's sake
WRONG: dict[str, dict[str, Any]] = {
    "signUp": {"email": "nowhere", "password": "short", "name": " "},
    "verifyEmail": {"token": "made up"},
    "resetPassword": {"token": "made up", "password": "short"},
    "sendContactMessage": {"name": "", "email": "nowhere", "subject": TOO_LONG, "body": " "},
    "uploadImages": {"files": [], "patientRef": TOO_LONG, "evidence": "CT", "label": None, "waitSeconds": -1},
    "updateImage": {"id": NOWHERE, "filename": " ", "patientRef": TOO_LONG},
    "deleteImage": {"id": NOWHERE},
    "submitLabel": {"imageId": NOWHERE, "finding": "COVID"},
    "setRetrainingPolicy": {
        "threshold": 0,
        "minutesBetween": -1,
        "labelsPerClass": -1,
        "sensitivityMargin": 0,
        "specificityMargin": 0,
        "aucMargin": 1,
        "sharePerUser": 0,
    },
    "promoteModel": {"id": NOWHERE, "reason": " "},
    "publishNews": {"title": " ", "body": TOO_LONG},
    "updateNews": {"id": NOWHERE, "title": " ", "body": TOO_LONG},
    "deleteNews": {"id": NOWHERE},
    "setUserRole": {"id": NOWHERE, "role": "ADMIN"},
    "blockUser": {"id": NOWHERE, "reason": " "},
    "unblockUser": {"id": NOWHERE},
    "withdrawLabels": {"userId": NOWHERE, "reason": TOO_LONG},
    "confirmEmailChange": {"token": "made up"},
    "endSession": {"id": NOWHERE},
    "deleteAccount": {"password": "another"},
    "beginSecondFactor": {"password": "another"},
    "confirmSecondFactor": {"code": "000000"},
    "resetSecondFactor": {"id": NOWHERE, "reason": " "},
}
NOT_TOLD = {
    "changePassword": "a password is not tried, and no guess counted, for a new one that cannot be",
    "signIn": "which of address and password is wrong would tell who has an account",
    "endSecondFactor": "a code is not tried, and no guess counted, where the password is wrong",
    "requestEmailChange": "a password is not tried, and no guess counted, for an address that is none",
    "requestPasswordReset": "an address that is none is answered as one that is not known",
}
NEVER_WRONG = {"signUp": {"locale"}}
"""Whatever is no Spanish is English."""


def forms(schema: GraphQLSchema) -> dict[str, GraphQLInputObjectType]:
    """The input of every mutation that takes one."""
    assert schema.mutation_type
    taken = {name: field.args.get("input") for name, field in schema.mutation_type.fields.items()}
    return {name: get_named_type(given.type) for name, given in taken.items() if given}  # type: ignore[misc]


FORMS = forms(build_schema()._schema)


def test_every_mutation_with_an_input_is_here() -> None:
    assert WRONG.keys() | NOT_TOLD.keys() == FORMS.keys()


@pytest.mark.parametrize("name", WRONG)
async def test_every_field_is_told(name: str, admin: Asker) -> None:
    payload = await admin.mutate(name, "__typename", **WRONG[name])
    told = {tuple(error["path"]) for error in payload["errors"]}
    wrong = can_be_wrong(FORMS[name]) - NEVER_WRONG.get(name, set())
    assert told >= {("input", field) for field in wrong}
    assert told <= {("input", field) for field in FORMS[name].fields}


def can_be_wrong(form: GraphQLInputObjectType) -> set[str]:
    """The fields whose type admits what we do not: of an enumeration GraphQL itself takes nothing else."""
    return {
        name
        for name, field in form.fields.items()
        if not isinstance(get_named_type(field.type), GraphQLEnumType)
    }


async def test_what_is_there_and_cannot_be_is_told_beside_the_rest(admin: Asker, ana: User) -> None:
    serving = (await admin.data("{ model { id } }"))["id"]
    own = (await admin.data("{ viewer { id } }"))["id"]
    damaged = ids.encode("ModelVersion", (await model(2, ModelState.REJECTED)).id)
    for name, given, code in (
        ("promoteModel", {"id": serving}, "CONFLICT"),
        ("promoteModel", {"id": damaged}, "CONFLICT"),
        ("promoteModel", {"id": ids.encode("ModelVersion", 999)}, "NOT_FOUND"),
        ("blockUser", {"id": own}, "CONFLICT"),
        ("blockUser", {"id": ids.encode("User", 999)}, "NOT_FOUND"),
        ("withdrawLabels", {"userId": ids.encode("User", 999)}, "NOT_FOUND"),
    ):
        payload = await admin.mutate(name, "__typename", **given, reason=" ")
        (field,) = given
        assert codes(payload) == [(code, ["input", field]), ("REQUIRED", ["input", "reason"])], name
    assert (await admin.data("{ model { id } }"))["id"] == serving


async def test_what_is_refused_in_part_is_not_done_in_part(member: Asker, ana: User) -> None:
    row = await image(ana, "before.png", patient_ref="before")
    for given in (
        {"filename": "after.png", "patientRef": TOO_LONG},
        {"filename": " ", "patientRef": "after"},
    ):
        payload = await member.mutate("updateImage", "image { id }", id=ids.encode("Image", row.id), **given)
        assert payload["image"] is None
        assert len(payload["errors"]) == 1
    await row.refresh_from_db()
    assert (row.filename, row.patient_ref) == ("before.png", "before")
