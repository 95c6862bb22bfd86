"""The second factor through GraphQL, and administrators who have none where one is asked of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyotp
import pytest

from api.settings import Settings
from services import passwords
from services.platform import Platform
from services.second_factor import RECOVERY_CODES, SecondFactors
from store.tables import Token, User
from tests import databases
from tests.asking import Asker, codes
from tests.listening import joined

PASSWORD = "correct horse battery"
NEEDED = "SECOND_FACTOR_REQUIRED"
PROMOTIONS = "subscription { modelPromoted { cursor } }"


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """`tests/services/test_second_factor.py` has the rules on every engine."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"admin_second_factor": True})


@pytest.fixture
async def chief(admin: Asker) -> User:
    """The administrator, who knows the password."""
    await User.all().update(password_hash=await passwords.hashed(PASSWORD))
    return await User.get(email="chief@hospital.example")


async def enrolled(asker: Asker) -> tuple[pyotp.TOTP, list[str]]:
    """The app and the recovery codes of whoever has just turned it on."""
    made = await asker.mutate("beginSecondFactor", "secret uri", password=PASSWORD)
    assert f"secret={made['secret']}" in made["uri"]
    app = pyotp.TOTP(made["secret"])
    confirmed = await asker.mutate("confirmSecondFactor", "recoveryCodes user { id }", code=app.now())
    assert confirmed["user"]
    return app, confirmed["recoveryCodes"]


async def test_an_administrator_is_held_back_until_it_is_on(
    address: str, admin: Asker, chief: User, platform: Platform
) -> None:
    held_back = await admin.data("{ viewer { role secondFactorSince } }")
    assert held_back == {"role": "ADMIN", "secondFactorSince": None}
    assert await admin.code("{ users { totalCount } }") == NEEDED
    assert await admin.code("{ model { deployments { reason } } }") == NEEDED
    assert (
        await admin.code('mutation { publishNews(input: {title: "t", body: "b"}) { post { id } } }') == NEEDED
    )
    async with joined(address, admin.token) as client:
        await client.subscribe(PROMOTIONS)
        assert await client.ends() == ("error", NEEDED)
    await admin.data("{ images { totalCount } }")
    await enrolled(admin)
    assert (await admin.data("{ users { totalCount } }"))["totalCount"] == 1
    assert (await admin.data("{ viewer { secondFactorSince } }"))["secondFactorSince"]


async def test_signing_in_takes_a_code_or_a_recovery_code(anybody: Asker, admin: Asker, chief: User) -> None:
    _, recovery_codes = await enrolled(admin)
    form = {"email": chief.email, "password": PASSWORD}
    asked = await anybody.mutate("signIn", "token", **form)
    assert codes(asked) == [(NEEDED, ["input", "code"])]
    wrong = await anybody.mutate("signIn", "token", **form, code="000000")
    assert codes(wrong) == [("BAD_CREDENTIALS", ["input", "code"])]
    assert wrong["token"] is None
    signed_in = await anybody.mutate(
        "signIn", "token user { secondFactorSince }", **form, code=recovery_codes[0]
    )
    assert signed_in["token"]
    assert signed_in["user"]["secondFactorSince"]


async def test_whoever_is_signed_out_meanwhile_is_told_the_recovery_codes_all_the_same(
    admin: Asker, chief: User, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is on by then, and nobody is told them again."""
    confirm = SecondFactors.confirm

    async def confirmed(*given: Any) -> tuple[list[str], User]:
        found = await confirm(*given)
        await Token.all().delete()
        return found

    monkeypatch.setattr(SecondFactors, "confirm", confirmed)
    made = await admin.mutate("beginSecondFactor", "secret", password=PASSWORD)
    said = await admin.mutate(
        "confirmSecondFactor",
        "recoveryCodes user { secondFactorSince }",
        code=pyotp.TOTP(made["secret"]).now(),
    )
    assert len(said["recoveryCodes"]) == RECOVERY_CODES
    assert said["user"]["secondFactorSince"]
    assert await admin.data("{ viewer { id } }") is None


async def test_it_is_turned_off_and_reset(admin: Asker, other: Asker, chief: User) -> None:
    await User.all().update(password_hash=(await User.get(id=chief.id)).password_hash)
    _, recovery_codes = await enrolled(admin)
    await enrolled(other)
    own = (await other.data("{ viewer { id } }"))["id"]
    since = "query($id: ID!) { node(id: $id) { ... on User { secondFactorSince } } }"
    assert (await admin.data(since, id=own))["secondFactorSince"]
    reset = await admin.mutate("resetSecondFactor", "user { secondFactorSince }", id=own, reason="lost")
    assert reset == {"user": {"secondFactorSince": None}, "errors": []}
    assert await other.data("{ viewer { id } }") is None
    off = await admin.mutate("endSecondFactor", "user { id }", password=PASSWORD, code=recovery_codes[0])
    assert off["errors"] == []
    assert await admin.code("{ users { totalCount } }") == NEEDED


async def test_whether_somebody_has_one_is_for_that_person_and_administrators(
    anybody: Asker, member: Asker, admin: Asker, chief: User
) -> None:
    await enrolled(admin)
    await admin.mutate("publishNews", "post { id }", title="Title", body="Body")
    query = "{ news { nodes { author { secondFactorSince } } } }"
    told = [(await one.data(query))["nodes"][0]["author"]["secondFactorSince"] for one in (anybody, member)]
    assert told == [None, None]
    assert (await admin.data(query))["nodes"][0]["author"]["secondFactorSince"]
