"""The second factor: turning it on, signing in by it, each code once, and the ways back."""

import asyncio
import base64
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime

import pyotp
import pytest

from services import passwords, second_factor, tokens
from services.accounts import Accounts
from services.door import AT_ACCOUNT, CODES
from services.errors import Code, Forbidden, Refused, SecondFactorRequired, TooMany, Unauthenticated
from services.permissions import admin
from services.platform import Platform
from services.second_factor import RECOVERY_CODES
from store.pages import Window
from store.tables import RecoveryCode, Role, SecondFactor, TokenPurpose, TrailKind, User
from tests import people
from tests.trails import told

PASSWORD = "correct horse"
STEP = 30


class Clock:
    """Time that stands still until a test moves it."""

    now = 1_795_953_610.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(second_factor, "time", clock)
    return clock


@pytest.fixture
async def ana(platform: Platform) -> User:
    user = await people.member()
    await User.filter(id=user.id).update(password_hash=await passwords.hashed(PASSWORD))
    return await User.get(id=user.id)


async def turned_on(platform: Platform, user: User, clock: Clock) -> tuple[pyotp.TOTP, list[str]]:
    """What the user's app has, half a minute later, and the recovery codes."""
    app = pyotp.TOTP((await platform.second_factors.begin(user, PASSWORD)).secret)
    codes, _ = await platform.second_factors.confirm(user, app.at(clock.now))
    clock.now += STEP
    return app, codes


async def refusal(doing: Awaitable[object]) -> tuple[str | None, Code]:
    with pytest.raises(Refused) as refused:
        await doing
    (problem,) = refused.value.problems
    return problem.field, problem.code


WRONG = ("code", Code.BAD_CREDENTIALS)


async def test_signing_in_asks_for_a_code_once_it_is_confirmed(
    platform: Platform, ana: User, clock: Clock
) -> None:
    sign_in = platform.accounts.sign_in
    made = await platform.second_factors.begin(ana, PASSWORD)
    told_to_app = pyotp.parse_uri(made.uri)
    assert (told_to_app.secret, told_to_app.name, told_to_app.issuer) == (made.secret, ana.email, "COVID-XR")
    await sign_in(ana.email, PASSWORD)
    app = pyotp.TOTP(made.secret)
    assert await refusal(platform.second_factors.confirm(ana, app.at(clock.now + 10 * STEP))) == WRONG
    await sign_in(ana.email, PASSWORD)
    await platform.second_factors.confirm(ana, app.at(clock.now))
    clock.now += STEP
    assert await refusal(sign_in(ana.email, PASSWORD)) == ("code", Code.SECOND_FACTOR_REQUIRED)
    assert await refusal(sign_in(ana.email, PASSWORD, code="000000")) == WRONG
    assert await refusal(sign_in(ana.email, "wrong", code=app.at(clock.now))) == (None, Code.BAD_CREDENTIALS)
    token, _ = await sign_in(ana.email, PASSWORD, code=f" {app.at(clock.now)[:3]} {app.at(clock.now)[3:]}")
    assert await platform.accounts.authenticate(token)


def test_codes_are_those_of_rfc_6238(clock: Clock) -> None:
    """Of its Appendix B, the last six digits; authenticator apps show no more."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    for moment, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        clock.now = moment
        assert second_factor._step_of(secret, code) == moment // STEP


async def test_a_code_serves_once_and_for_as_long_as_clocks_may_differ(
    platform: Platform, ana: User, clock: Clock
) -> None:
    app, _ = await turned_on(platform, ana, clock)
    code = app.at(clock.now)
    signing_in = [platform.accounts.sign_in(ana.email, PASSWORD, code=code) for _ in range(4)]
    outcomes = await asyncio.gather(*signing_in, return_exceptions=True)
    assert sum(isinstance(outcome, tuple) for outcome in outcomes) == 1
    clock.now += STEP
    assert await refusal(platform.accounts.sign_in(ana.email, PASSWORD, code=code)) == WRONG
    await platform.accounts.sign_in(ana.email, PASSWORD, code=app.at(clock.now + STEP))
    # One that is older than the last is no good, though nobody has used it.
    assert await refusal(platform.accounts.sign_in(ana.email, PASSWORD, code=app.at(clock.now))) == WRONG
    clock.now += 10 * STEP
    for far in (-2 * STEP, 2 * STEP):
        late = platform.accounts.sign_in(ana.email, PASSWORD, code=app.at(clock.now + far))
        assert await refusal(late) == WRONG
    await platform.accounts.sign_in(ana.email, PASSWORD, code=app.at(clock.now - STEP))


async def test_recovery_codes_serve_once_each_and_are_kept_as_hashes(
    platform: Platform, ana: User, clock: Clock
) -> None:
    _, codes = await turned_on(platform, ana, clock)
    assert len(set(codes)) == RECOVERY_CODES
    kept = str(await RecoveryCode.all().values())
    assert not any(one in kept or one.replace("-", "") in kept for one in codes)
    await platform.accounts.sign_in(ana.email, PASSWORD, code=codes[0].lower())
    await platform.accounts.sign_in(ana.email, PASSWORD, code=codes[1].replace("-", " "))
    assert await refusal(platform.accounts.sign_in(ana.email, PASSWORD, code=codes[0])) == WRONG
    used = [entry for entry in await told() if entry[0] == TrailKind.RECOVERY_CODE_USED]
    assert [value for *_, value in used] == ["9", "8"]


async def test_the_right_password_is_no_wrong_guess_and_codes_have_an_end(
    platform: Platform, ana: User, clock: Clock
) -> None:
    app, _ = await turned_on(platform, ana, clock)
    for _ in range(AT_ACCOUNT.points + 1):
        asked = platform.accounts.sign_in(ana.email, PASSWORD, "192.0.2.1")
        assert await refusal(asked) == ("code", Code.SECOND_FACTOR_REQUIRED)
    for number in range(CODES.points):
        guess = platform.accounts.sign_in(ana.email, PASSWORD, f"192.0.2.{number}", code="000000")
        assert await refusal(guess) == WRONG
    with pytest.raises(TooMany) as error:
        await platform.accounts.sign_in(ana.email, PASSWORD, "192.0.2.99", code=app.at(clock.now))
    assert error.value.retry_after > 3500


async def test_turning_it_on_ends_sessions_that_knew_a_password_alone(
    platform: Platform, ana: User, clock: Clock
) -> None:
    here, elsewhere = [await tokens.issue(ana, TokenPurpose.SESSION) for _ in range(2)]
    made = await platform.second_factors.begin(ana, PASSWORD)
    await platform.second_factors.confirm(ana, pyotp.TOTP(made.secret).at(clock.now), here)
    assert await platform.accounts.authenticate(here)
    assert await platform.accounts.authenticate(elsewhere) is None


async def test_a_password_checked_before_it_is_on_opens_no_session_after_it(
    platform: Platform, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def known_before(*_: object) -> User:
        await User.filter(id=ana.id).update(second_factor_at=datetime.now(UTC))
        return ana

    monkeypatch.setattr(Accounts, "_known", known_before)
    assert await refusal(platform.accounts.sign_in(ana.email, PASSWORD)) == (None, Code.BAD_CREDENTIALS)


async def test_it_is_turned_off_by_password_and_code(platform: Platform, ana: User, clock: Clock) -> None:
    app, codes = await turned_on(platform, ana, clock)
    factors = platform.second_factors
    assert await refusal(factors.begin(ana, PASSWORD)) == (None, Code.CONFLICT)
    assert await refusal(factors.confirm(ana, app.at(clock.now))) == (None, Code.CONFLICT)
    assert await refusal(factors.end(ana, "wrong", codes[0])) == ("password", Code.BAD_CREDENTIALS)
    assert await refusal(factors.end(ana, PASSWORD, "000000")) == WRONG
    assert (await factors.end(ana, PASSWORD, app.at(clock.now))).second_factor_at is None
    assert not await SecondFactor.exists()
    assert not await RecoveryCode.exists()
    await platform.accounts.sign_in(ana.email, PASSWORD)
    assert await refusal(factors.end(ana, PASSWORD, codes[1])) == WRONG
    kinds = [entry[0] for entry in await told() if entry[0].startswith("SECOND")]
    assert kinds == [TrailKind.SECOND_FACTOR_ON, TrailKind.SECOND_FACTOR_OFF]


async def test_nobody_signed_out_begins_or_ends_one(platform: Platform, ana: User) -> None:
    factors = platform.second_factors
    for doing in (factors.begin(None, PASSWORD), factors.confirm(None, "1"), factors.end(None, "x", "1")):
        with pytest.raises(Unauthenticated):
            await doing
    assert await refusal(factors.begin(ana, "wrong")) == ("password", Code.BAD_CREDENTIALS)
    assert await refusal(factors.confirm(ana, "000000")) == WRONG  # before there is a secret


async def test_a_lost_one_is_taken_by_another_administrator(
    platform: Platform, ana: User, clock: Clock
) -> None:
    chief = await people.admin()
    await turned_on(platform, ana, clock)
    session = await tokens.issue(ana, TokenPurpose.SESSION)
    factors = platform.second_factors
    with pytest.raises(Forbidden):
        await factors.reset(ana, chief.id, "r")
    with pytest.raises(Refused) as refused:
        await factors.reset(chief, chief.id, " ")
    assert [one.code for one in refused.value.problems] == [Code.CONFLICT, Code.REQUIRED]
    await factors.reset(chief, ana.id, "lost her phone: seen in person")
    await factors.reset(chief, ana.id, "again")  # which changes nothing
    assert await platform.accounts.authenticate(session) is None
    await platform.accounts.sign_in(ana.email, PASSWORD)
    told_of = [entry for entry in await told() if entry[0] == TrailKind.SECOND_FACTOR_RESET]
    assert told_of == [(TrailKind.SECOND_FACTOR_RESET, chief.id, {"User": ana.id}, None)]


async def test_a_new_password_leaves_it_and_an_operator_takes_it(
    platform: Platform, ana: User, clock: Clock
) -> None:
    await turned_on(platform, ana, clock)
    link = await tokens.issue(ana, TokenPurpose.RESET_PASSWORD)
    await platform.accounts.reset_password(link, "another horse")
    await platform.accounts.create_admin(ana.email, "yet another horse")
    again = platform.accounts.sign_in(ana.email, "yet another horse")
    assert await refusal(again) == ("code", Code.SECOND_FACTOR_REQUIRED)
    assert await platform.second_factors.reset_by_operator("nobody@hospital.example") is None
    await platform.second_factors.reset_by_operator(ana.email)
    await platform.accounts.sign_in(ana.email, "yet another horse")
    assert (TrailKind.SECOND_FACTOR_RESET, None, {"User": ana.id}, None) in await told()


async def test_an_administrator_without_one_is_a_member_until_there_is_one(
    platform: Platform, ana: User, clock: Clock
) -> None:
    accounts = replace(platform.accounts, admins_need_second_factor=True)
    await User.filter(id=ana.id).update(role=Role.ADMIN)
    token, _ = await accounts.sign_in(ana.email, PASSWORD)
    viewer = await accounts.authenticate(token)
    assert viewer
    assert not viewer.is_admin
    with pytest.raises(SecondFactorRequired):
        await accounts.page(viewer, Window(10))
    made = await platform.second_factors.begin(viewer, PASSWORD)
    await platform.second_factors.confirm(viewer, pyotp.TOTP(made.secret).at(clock.now), token)
    assert admin(await accounts.authenticate(token)).id == ana.id


async def test_members_need_none(platform: Platform, ana: User) -> None:
    accounts = replace(platform.accounts, admins_need_second_factor=True)
    token, _ = await accounts.sign_in(ana.email, PASSWORD)
    with pytest.raises(Forbidden):
        admin(await accounts.authenticate(token))
