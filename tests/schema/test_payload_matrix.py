"""Who is told which field of the answer to a mutation: every payload, asked for by everybody.

Everybody tries twice: with what nobody could be right with, and with what is right, on rows of their own
where there are any. `test_mutation_matrix` has the rows of others, and `test_field_matrix` looks for payloads
and fields without an entry.

1505 cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from graphql import get_named_type

from api.settings import Settings
from schema import ids
from services import passwords, tokens
from services.platform import Platform
from store.tables import (
    Finding,
    Label,
    ModelVersion,
    RunTrigger,
    SecondFactor,
    Token,
    TokenPurpose,
    TrainingRun,
    User,
)
from tests import databases, people
from tests.asking import VIEWERS, Asker
from tests.crowded import NEVER
from tests.schema.test_mutation_matrix import MUTATIONS as ABOUT_ROWS
from tests.schema.test_mutation_matrix import Rows, accounts, id_fields
from tests.schema.test_permissions import FINE, MUTATIONS, head_of, name_in, told_to
from tests.stand_ins import picture
from tests.store_rows import image
from tests.ways import SCHEMA
from tests.wholes import places, told, whole

# What each tells beside its errors.
PAYLOADS = {
    "signUp": "user",
    "verifyEmail": "user",
    "signIn": "token user",
    "signOut": "signedOut",
    "signOutEverywhere": "signedOut",
    "requestPasswordReset": "requested",
    "resetPassword": "user",
    "changePassword": "user",
    "requestEmailChange": "requested",
    "confirmEmailChange": "user",
    "endSession": "endedId",
    "exportAccount": "url",
    "deleteAccount": "deleted",
    "beginSecondFactor": "secret uri",
    "confirmSecondFactor": "recoveryCodes user",
    "endSecondFactor": "user",
    "resetSecondFactor": "user",
    "setUserRole": "user",
    "blockUser": "user",
    "unblockUser": "user",
    "withdrawLabels": "user withdrawn",
    "uploadImages": "results",
    "updateImage": "image",
    "deleteImage": "deletedId",
    "submitLabel": "label retraining",
    "requestRetraining": "run",
    "cancelRetraining": "run",
    "setRetrainingPolicy": "policy",
    "promoteModel": "model",
    "publishNews": "post",
    "updateNews": "post",
    "deleteNews": "deletedId",
    "sendContactMessage": "message",
}
# What lets somebody in, or take something along. All try for themselves, and the first with Ana's password.
SECRETS = """
                                   anybody  owner  other  admin  blocked  unverified  held-back
signIn.token                       told     told   told   told   -        -           told
beginSecondFactor.secret           -        told   told   told   -        -           told
beginSecondFactor.uri              -        told   told   told   -        -           told
confirmSecondFactor.recoveryCodes  -        told   told   told   -        -           told
exportAccount.url                  -        told   told   told   -        -           told
"""
# Who may ask and is told nothing all the same: whose account is shut, and who has no session to end.
NOTHING = {"signIn": {"blocked", "unverified"}, "signOut": {"anybody", "blocked", "unverified"}}
# `test_a_copy_is_asked_for_some_times_an_hour` has the last one, and the others refuse nobody.
NEVER_REFUSED = {"signOut", "signOutEverywhere", "requestPasswordReset", "exportAccount"}

# What ends sessions or changes who may do what, begins what others look for, or is all the mail that one
# address may cause; the rest leaves everybody as before.
ALONE = (
    *("signUp", "signOut", "signOutEverywhere", "deleteAccount", "blockUser", "requestRetraining"),
    *("changePassword", "beginSecondFactor", "confirmSecondFactor", "endSecondFactor"),
)
TOGETHER = [[name for name in PAYLOADS if name not in ALONE], *([name] for name in ALONE)]

LINKS = {
    "verifyEmail": TokenPurpose.VERIFY_EMAIL,
    "resetPassword": TokenPurpose.RESET_PASSWORD,
    "confirmEmailChange": TokenPurpose.CHANGE_EMAIL,
}
PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
FILES = [("new.png", picture(1)), ("again.png", picture(1)), ("bad.png", b"bad")]


def payload_of(name: str) -> Any:
    """The type of a mutation's payload."""
    assert SCHEMA.mutation_type
    return get_named_type(SCHEMA.mutation_type.fields[name].type)


def secrets() -> dict[str, dict[str, bool]]:
    """By mutation and field, whether each of `VIEWERS` is told."""
    head, *lines = SECRETS.strip().splitlines()
    assert tuple(head.split()) == VIEWERS
    cells = {line.split()[0]: line.split()[1:] for line in lines}
    return {
        place: dict(zip(VIEWERS, (word == "told" for word in words), strict=True))
        for place, words in cells.items()
    }


def test_every_text_of_a_payload_is_taken_for_a_secret() -> None:
    texts = {
        f"{name}.{field}"
        for name in PAYLOADS
        for field, one in payload_of(name).fields.items()
        if get_named_type(one.type).name == "String"
    }
    assert texts == secrets().keys()


def test_the_cells_are_counted_right() -> None:
    fields = sum(len(list(places(payload_of(name)))) for name in PAYLOADS)
    assert f"\n{fields * len(VIEWERS)} cells.\n" in (__doc__ or "")


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """`test_mutation_matrix` has the rules on every engine."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Administrators need a second factor; no budget ends, and no label starts a run."""
    changes = {"admin_second_factor": True, "points_per_minute": 0, "retrain_threshold": NEVER}
    return settings.model_copy(update=changes)


@dataclass(frozen=True)
class Scene:
    """What makes a mutation succeed, for whoever may ask for it."""

    rows: Rows
    accounts: Mapping[str, User]

    async def given(self, name: str, viewer: str) -> dict[str, Any]:
        """What the viewer has to give; a stranger what Ana would."""
        user = self.accounts.get(viewer, self.accounts["owner"])
        await self._prepare(name, user)
        if name in ABOUT_ROWS:
            return await self._about_a_row(name, viewer if viewer in self.accounts else "owner")
        if name in LINKS:
            spare = await people.member(new_address())
            token = await tokens.issue(spare, LINKS[name], email=new_address())
            return {"token": token} | ({"password": PASSWORD} if name == "resetPassword" else {})
        return typed(name, user)

    async def _about_a_row(self, name: str, viewer: str) -> dict[str, Any]:
        kind, others, _ = ABOUT_ROWS[name]
        whose = "retired" if kind is ModelVersion else "owner" if kind is User else viewer
        type_name = "AccountSession" if kind is Token else kind.__name__
        (place,) = id_fields(name)
        return {place: ids.encode(type_name, await self.rows.one(kind, whose)), **others}

    async def _prepare(self, name: str, user: User) -> None:
        """A second factor that is on or off, labels to learn from or to withdraw, a run to cancel."""
        await SecondFactor.filter(user_id=user.id).delete()
        await SecondFactor.create(user_id=user.id, secret=SECRET)
        if name in ("beginSecondFactor", "confirmSecondFactor"):
            await User.filter(id=user.id).update(second_factor_at=None)
        if name == "endSecondFactor":
            await User.filter(id=user.id).update(second_factor_at=user.created_at)
        if name in ("requestRetraining", "withdrawLabels"):
            owner = self.accounts["owner"]
            seen = await image(owner, f"{uuid4().hex}.png")
            await Label.create(image=seen, finding=Finding.COVID, submitted_by=owner)
        if name == "cancelRetraining" and await TrainingRun.active() is None:
            await TrainingRun.create(slot=1, trigger=RunTrigger.ADMIN, epochs=1)


def new_address() -> str:
    return f"{uuid4().hex}@new.example"


def typed(name: str, user: User) -> dict[str, Any]:
    """What a form takes that names no row."""
    proof, code = {"password": PASSWORD}, {"code": pyotp.TOTP(SECRET).now()}
    forms: dict[str, dict[str, Any]] = {
        "signUp": {"email": new_address(), "name": "N", **proof},
        "signIn": {"email": user.email, **proof, **code},
        "requestPasswordReset": {"email": user.email},
        "changePassword": {"newPassword": f"another {uuid4().hex}", **proof},
        "requestEmailChange": {"email": new_address(), **proof},
        "deleteAccount": proof,
        "beginSecondFactor": proof,
        "confirmSecondFactor": code,
        "endSecondFactor": proof | code,
        "setRetrainingPolicy": {"threshold": NEVER},
        "publishNews": {"title": "t", "body": "b"},
        "sendContactMessage": {"name": "N", "email": new_address(), "subject": "s", "body": "b"},
    }
    return forms.get(name, {})


def asked_of(name: str) -> str:
    """All of a payload, with what of a user is for that user and administrators alone."""
    return whole(payload_of(name)).replace("user { __typename }", "user { __typename email }")


async def wrong(asker: Asker, name: str) -> dict[str, Any]:
    """The answer to what nobody could be right with."""
    head = next(head_of(text) for text in MUTATIONS if name_in(text) == name)
    return await asker.ask(f"mutation {{ {head} {{ {asked_of(name)} }} }}")


async def right(asker: Asker, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The answer to what is right."""
    if name == "uploadImages":
        return await asker.send(FILES, asked_of(name))
    if not given:
        return await asker.ask(f"mutation {{ {name} {{ {asked_of(name)} }} }}")
    kind = f"{name[0].upper()}{name[1:]}Input!"
    query = f"mutation($input: {kind}) {{ {name}(input: $input) {{ {asked_of(name)} }} }}"
    return await asker.ask(query, input=given)


def permission(name: str, viewer: str) -> str:
    """Whether the viewer may ask for it, or the code of the refusal."""
    (code,) = {told_to(viewer, entry) for text, entry in MUTATIONS.items() if name_in(text) == name}
    return code


def payload(answer: dict[str, Any], name: str, viewer: str) -> dict[str, Any] | None:
    """What is told to whoever may ask for it; nothing at all to others."""
    if (code := permission(name, viewer)) == FINE:
        assert "errors" not in answer, (viewer, answer)
        found: dict[str, Any] = answer["data"][name]
        return found
    assert not answer.get("data"), viewer
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code], viewer
    return None


def expected(name: str, viewer: str) -> set[str]:
    """The fields that are told to a viewer with whom nothing is wrong."""
    is_told = permission(name, viewer) == FINE and viewer not in NOTHING.get(name, ())
    known = {place: cells[viewer] for place, cells in secrets().items()}
    return {field for field in PAYLOADS[name].split() if known.get(f"{name}.{field}", is_told)}


@pytest.fixture
async def scene(platform: Platform, everybody: dict[str, Asker]) -> Scene:
    """Everybody knows the same password."""
    await User.all().update(password_hash=await passwords.hashed(PASSWORD))
    found = await accounts(everybody)
    return Scene(Rows(platform, found), found)


async def test_what_is_refused_tells_why_and_nothing_else(everybody: dict[str, Asker]) -> None:
    for name in PAYLOADS.keys() - NEVER_REFUSED:
        for viewer, asker in everybody.items():
            found = payload(await wrong(asker, name), name, viewer)
            if found is not None:
                problems = found.pop("errors")
                assert not any(found.values()), (name, viewer)
                assert problems, (name, viewer)
                assert all(one["code"] and one["message"] for one in problems), (name, viewer)


@pytest.mark.parametrize("names", TOGETHER, ids=lambda names: names[0])
async def test_what_is_done_is_told_to_whom_it_is_done_for(
    everybody: dict[str, Asker], scene: Scene, names: list[str]
) -> None:
    for name, (viewer, asker) in product(names, everybody.items()):
        given = await scene.given(name, viewer)
        found = payload(await right(asker, name, given), name, viewer) or {}
        problems = found.pop("errors", [])
        assert {field for field, value in found.items() if value} == expected(name, viewer), (name, viewer)
        assert bool(problems) == (name == "signIn" and viewer in NOTHING[name]), (name, viewer)
        if name == "uploadImages" and found:
            wanted = set(places(payload_of(name))) - {"UploadImagesPayload.errors", "UserError.retryAfter"}
            assert set(told(payload_of(name), found)) == wanted
