"""Who may change what of whose: every mutation that takes a row's id, by everybody, over everybody's rows.

One that takes an id and has no entry fails, and what is refused changes nothing. `test_permissions` has all
mutations without their rows, and who sees which object; `test_field_matrix` has which fields are told.

560 cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from graphql import GraphQLID, GraphQLInputField, GraphQLInputObjectType, get_named_type
from tortoise.models import Model

from api.settings import Settings
from schema import ids
from services import models, tokens
from services.platform import Platform
from store.tables import Image, Label, ModelState, ModelVersion, NewsPost, Token, TokenPurpose, User
from tests import stand_ins
from tests.asking import VIEWERS, Asker
from tests.schema.test_permissions import FINE, FORBIDDEN, NEEDED, SIGN_IN
from tests.store_rows import image
from tests.ways import SCHEMA

WORDS = {
    "done": FINE,
    "-": SIGN_IN,
    "no": FORBIDDEN,
    "code": NEEDED,
    "none": "NOT_FOUND",
    "clash": "CONFLICT",
}
"""How the tables below tell what comes of it; "none" of what is not there as of what may not be seen."""

# A line for whose row it is, a column for who asks.
IMAGES = """
            anybody  owner  other  admin  blocked  unverified  held-back
owner       -        done   none   done   -        -           none
other       -        none   done   done   -        -           none
admin       -        none   none   done   -        -           none
blocked     -        none   none   done   -        -           none
unverified  -        none   none   done   -        -           none
held-back   -        none   none   done   -        -           done
nobody      -        none   none   none   -        -           none
"""
SESSIONS = """
            anybody  owner  other  admin  blocked  unverified  held-back
owner       -        done   none   none   -        -           none
other       -        none   done   none   -        -           none
admin       -        none   none   done   -        -           none
blocked     -        none   none   none   -        -           none
unverified  -        none   none   none   -        -           none
held-back   -        none   none   none   -        -           done
nobody      -        none   none   none   -        -           none
"""
# Accounts, and posts by their authors, who may be no administrators any more.
FOR_ADMINS = """
            anybody  owner  other  admin  blocked  unverified  held-back
owner       -        no     no     done   -        -           code
other       -        no     no     done   -        -           code
admin       -        no     no     done   -        -           code
blocked     -        no     no     done   -        -           code
unverified  -        no     no     done   -        -           code
held-back   -        no     no     done   -        -           code
nobody      -        no     no     none   -        -           code
"""
BUT_NOT_ONESELF = """
            anybody  owner  other  admin  blocked  unverified  held-back
owner       -        no     no     done   -        -           code
other       -        no     no     done   -        -           code
admin       -        no     no     clash  -        -           code
blocked     -        no     no     done   -        -           code
unverified  -        no     no     done   -        -           code
held-back   -        no     no     done   -        -           code
nobody      -        no     no     none   -        -           code
"""
VERSIONS = """
            anybody  owner  other  admin  blocked  unverified  held-back
in-service  -        no     no     clash  -        -           code
retired     -        no     no     done   -        -           code
nobody      -        no     no     none   -        -           code
"""
# The type of the row, what is given beside its id, and what comes of it.
MUTATIONS: dict[str, tuple[type[Model], dict[str, str], str]] = {
    "updateImage": (Image, {"filename": "new.png"}, IMAGES),
    "deleteImage": (Image, {}, IMAGES),
    "submitLabel": (Image, {"finding": "COVID"}, IMAGES),
    "endSession": (Token, {}, SESSIONS),
    "setUserRole": (User, {"role": "MEMBER"}, FOR_ADMINS),
    "blockUser": (User, {"reason": "r"}, BUT_NOT_ONESELF),
    "unblockUser": (User, {}, FOR_ADMINS),
    "withdrawLabels": (User, {"reason": "r"}, FOR_ADMINS),
    "resetSecondFactor": (User, {"reason": "r"}, BUT_NOT_ONESELF),
    "promoteModel": (ModelVersion, {"reason": "r"}, VERSIONS),
    "updateNews": (NewsPost, {"title": "new"}, FOR_ADMINS),
    "deleteNews": (NewsPost, {}, FOR_ADMINS),
}
NO_SUCH_ROW = 999_999


def expectations(table: str) -> dict[str, dict[str, str]]:
    """Whose row, who asks, and what comes of it."""
    head, *lines = table.strip().splitlines()
    assert tuple(head.split()) == VIEWERS
    cells = {line.split()[0]: line.split()[1:] for line in lines}
    return {
        whose: dict(zip(VIEWERS, (WORDS[word] for word in words), strict=True))
        for whose, words in cells.items()
    }


def id_fields(name: str) -> list[str]:
    """The places of a mutation's input that take an id."""
    assert SCHEMA.mutation_type
    arguments = SCHEMA.mutation_type.fields[name].args
    kinds = [get_named_type(argument.type) for argument in arguments.values()]
    assert all(isinstance(kind, GraphQLInputObjectType) for kind in kinds), "an input is all that is taken"
    given: Mapping[str, GraphQLInputField] = {
        place: one for kind in kinds for place, one in kind.fields.items()
    }
    return [place for place, one in given.items() if get_named_type(one.type) is GraphQLID]


def test_every_mutation_that_takes_an_id_has_an_entry() -> None:
    assert SCHEMA.mutation_type
    assert {name for name in SCHEMA.mutation_type.fields if id_fields(name)} == MUTATIONS.keys()


def test_the_cells_are_counted_right() -> None:
    cells = sum(len(expectations(table)) * len(VIEWERS) for _, _, table in MUTATIONS.values())
    assert f"\n{cells} cells.\n" in (__doc__ or "")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Administrators need a second factor; no budget ends, and no label starts a run."""
    changes = {"admin_second_factor": True, "points_per_minute": 0, "retrain_threshold": 100_000}
    return settings.model_copy(update=changes)


@dataclass(frozen=True)
class Rows:
    """Rows to be tried, new ones for each try."""

    platform: Platform
    accounts: Mapping[str, User]

    async def one(self, kind: type[Model], whose: str) -> int:
        """The number of a row; of an account, there is the one."""
        if whose == "nobody":
            return NO_SUCH_ROW
        if kind is ModelVersion:
            return await self._version(whose)
        user = self.accounts[whose]
        if kind is Image:
            return (await image(user, f"{uuid4().hex}.png")).id
        if kind is NewsPost:
            return (await NewsPost.create(title="t", body="b", author=user)).id
        if kind is Token:
            await tokens.issue(user, TokenPurpose.SESSION)
            return (await Token.filter(user=user).latest("id")).id
        return user.id

    async def _version(self, state: str) -> int:
        if state == "in-service":
            return (await self.platform.models.in_service()).id
        version = stand_ins.default_model()
        sha256 = await self.platform.models.keep(version)
        return (await models.create(version, sha256, ModelState.RETIRED)).id


async def put_back(user: User, sessions: list[Token]) -> None:
    """An account as it was, signed in where it was."""
    await user.save()
    await Token.filter(user_id=user.id).delete()
    await Token.bulk_create(sessions)


async def there(kind: type[Model], row: int) -> list[Any]:
    """The row, and all that mutations change around it."""
    return [
        await kind.filter(id=row).values(),
        await Label.all().order_by("id").values(),
        await Token.all().order_by("id").values("user_id", "sha256"),
    ]


async def outcome(asker: Asker, name: str, given: dict[str, str]) -> str:
    """The one code of what stands in the way, wherever it is told."""
    input_type = f"{name[0].upper()}{name[1:]}Input"
    query = f"mutation($input: {input_type}!) {{ {name}(input: $input) {{ errors {{ code }} }} }}"
    answer = await asker.ask(query, input=given)
    errors = answer.get("errors") or answer["data"][name]["errors"]
    codes = {error["code"] if "code" in error else error["extensions"]["code"] for error in errors}
    return str(*codes) if codes else FINE


@pytest.mark.parametrize("name", MUTATIONS)
async def test_what_may_be_done_to_whose(platform: Platform, everybody: dict[str, Asker], name: str) -> None:
    kind, given, table = MUTATIONS[name]
    rows = Rows(platform, await accounts(everybody))
    (place,) = id_fields(name)
    type_name = "AccountSession" if kind is Token else kind.__name__
    for whose, cells in expectations(table).items():
        for viewer, expected in cells.items():
            row = await rows.one(kind, whose)
            before = await there(kind, row)
            sessions = await Token.filter(user_id=row) if kind is User else []
            came = await outcome(everybody[viewer], name, {place: ids.encode(type_name, row), **given})
            after = await there(kind, row)
            assert came == expected, (whose, viewer)
            # An account may have been what it is made: a member, not blocked, without a second factor.
            assert (after != before) == (came == FINE) or (kind is User and came == FINE), (whose, viewer)
            if kind is User and came == FINE:
                await put_back(rows.accounts[whose], sessions)


async def accounts(everybody: Mapping[str, Asker]) -> dict[str, User]:
    """Whose the tokens are."""
    found = {
        tokens.digest(asker.token): viewer for viewer, asker in everybody.items() if asker.token is not None
    }
    held = await Token.filter(sha256__in=list(found)).select_related("user")
    return {found[token.sha256]: token.user for token in held} | {
        "blocked": await User.get(blocked_at__isnull=False)
    }
