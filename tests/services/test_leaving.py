"""Deleting one's account: what goes, what stays without a name, and what happens at the same moment."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from api.settings import Settings
from api.wiring import Parts, running
from services import letters, passwords, removal, tokens
from services.door import AT_ACCOUNT
from services.errors import Code, Refused, TooMany, Unauthenticated
from services.leaving import NAMELESS
from services.platform import Platform
from store.pages import Window
from store.tables import (
    ContactMessage,
    DeletedFilm,
    Deployment,
    Finding,
    Image,
    Label,
    NewsPost,
    Notice,
    OutboxEvent,
    Prediction,
    RecoveryCode,
    Role,
    SecondFactor,
    Token,
    TokenPurpose,
    TrailKind,
    TrainingRun,
    User,
)
from tests import people
from tests.people import eventually
from tests.runs import Hooked, ended, label, refusal
from tests.stand_ins import picture, sha256
from tests.store_rows import image as image_row
from tests.store_rows import model as model_row
from tests.trails import told
from tests.uploading import upload

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def password_hash() -> str:
    return asyncio.run(passwords.hashed(PASSWORD))


@pytest.fixture
async def ana(platform: Platform, password_hash: str) -> User:
    return await with_password(await people.member(), password_hash)


@pytest.fixture
async def chief(platform: Platform, password_hash: str) -> User:
    return await with_password(await people.admin(), password_hash)


async def with_password(user: User, password_hash: str) -> User:
    user.password_hash = password_hash
    await user.save()
    return user


def blobs_of(settings: Settings) -> list[str]:
    """Names of blobs of images, whatever they hold of them."""
    rooms = ("pixels", "features", "heatmaps", "thumbnails")
    folders = [settings.data_dir / "blobs" / room for room in rooms]
    return [path.name for folder in folders for path in folder.rglob("*") if path.is_file()]


async def test_all_that_is_hers_goes_and_nothing_of_others(
    platform: Platform, settings: Settings, ana: User
) -> None:
    eva = await people.member("eva@hospital.example")
    await upload(platform, ana, picture(1), picture(2), finding=Finding.COVID)
    (others,) = await upload(platform, eva, picture(3), finding=Finding.NO_COVID)
    session = await tokens.issue(ana, TokenPurpose.SESSION)
    await SecondFactor.create(user=ana, secret="of the app")
    await RecoveryCode.create(user=ana, sha256=tokens.digest("recovery"))
    await platform.leaving.delete_account(ana, PASSWORD)

    assert await platform.accounts.authenticate(session) is None
    assert [user.email for user in await User.all()] == ["eva@hospital.example"]
    assert [image.id for image in await Image.all()] == [others.id]
    assert {row.image_id for row in await Prediction.all()} == {others.id}
    assert [row.image_id for row in await Label.all()] == [others.id]
    assert not await Token.exists()
    assert not await SecondFactor.exists()
    assert not await RecoveryCode.exists()
    await eventually(lambda: asyncio.sleep(0, set(blobs_of(settings)) == {others.key}))
    assert (TrailKind.ACCOUNT_DELETED, ana.id, {"User": ana.id}, "2") in await told()


async def test_a_mail_tells_and_the_address_goes_with_it(platform: Platform, parts: Parts, ana: User) -> None:
    await platform.leaving.delete_account(ana, PASSWORD)
    (letter,) = await eventually(lambda: asyncio.sleep(0, parts.post.letters))
    assert letter == letters.account_deleted("ana@hospital.example", "Ana", "en")
    await eventually(lambda: not_any(Notice))
    events = await OutboxEvent.all().values_list("payload", flat=True)
    assert "ana@" not in str(events)


async def not_any(model: type[Notice]) -> bool:
    return not await model.exists()


async def test_the_address_can_be_used_anew(platform: Platform, ana: User) -> None:
    await platform.leaving.delete_account(ana, PASSWORD)
    assert (await platform.accounts.sign_up(ana.email, PASSWORD, "Ana", None)).id != ana.id


async def test_asks_for_the_password_and_counts_guesses(platform: Platform, ana: User) -> None:
    for _ in range(AT_ACCOUNT.points):
        guess = platform.leaving.delete_account(ana, "wrong", "192.0.2.1")
        assert await refusal(guess) == Code.BAD_CREDENTIALS
    with pytest.raises(TooMany):
        await platform.leaving.delete_account(ana, PASSWORD, "192.0.2.1")
    with pytest.raises(TooMany):  # they are guesses at the door, too
        await platform.accounts.sign_in(ana.email, PASSWORD, "192.0.2.1")
    assert await User.filter(id=ana.id).exists()
    with pytest.raises(Unauthenticated):
        await platform.leaving.delete_account(None, PASSWORD)


async def test_a_password_that_has_changed_meanwhile_is_wrong(platform: Platform, ana: User) -> None:
    await User.filter(id=ana.id).update(password_hash="another")
    assert await refusal(platform.leaving.delete_account(ana, PASSWORD)) == Code.BAD_CREDENTIALS
    assert await User.exists()


async def test_messages_from_her_address_go(platform: Platform, ana: User) -> None:
    for email in ("Ana@Hospital.example", "ana@hospital.example", "ána@hospital.example", "a@h.example"):
        await ContactMessage.create(name="n", email=email, subject="s", body="b")
    await platform.leaving.delete_account(ana, PASSWORD)
    left = await ContactMessage.all().order_by("id").values_list("email", flat=True)
    assert left == ["ána@hospital.example", "a@h.example"]


# ------------------------------------------------------------------ administrators


async def test_the_last_administrator_stays(platform: Platform, chief: User, ana: User) -> None:
    assert await refusal(platform.leaving.delete_account(chief, PASSWORD)) == Code.CONFLICT
    blocked = await people.admin("blocked@hospital.example")
    await User.filter(id=blocked.id).update(blocked_at=datetime.now(UTC))
    assert await refusal(platform.leaving.delete_account(chief, PASSWORD)) == Code.CONFLICT
    await platform.accounts.set_role(chief, ana.id, Role.ADMIN)
    await platform.leaving.delete_account(chief, PASSWORD)
    assert [user.id for user in await User.admins()] == [ana.id]


async def test_of_two_administrators_who_leave_at_once_one_stays(
    platform: Platform, chief: User, password_hash: str
) -> None:
    other = await with_password(await people.admin("other@hospital.example"), password_hash)
    leaving = [platform.leaving.delete_account(user, PASSWORD) for user in (chief, other)]
    outcomes = await asyncio.gather(*leaving, return_exceptions=True)
    assert sorted(str(outcome) for outcome in outcomes) == [
        "None",
        "this is the last administrator: make somebody else one first",
    ]
    assert await User.admins().count() == 1


async def test_what_an_administrator_leaves_with_others_has_no_name(
    platform: Platform, chief: User, ana: User
) -> None:
    await people.admin("other@hospital.example")
    (hers,) = await upload(platform, ana, picture(1), finding=Finding.NO_COVID)
    await platform.labelling.submit(chief, hers.id, Finding.COVID, None)
    await platform.newsroom.publish(chief, "t", "b")
    term = await Deployment.create(
        number=9, model=await model_row(9), reason="r", decided_by=chief, since=datetime.now(UTC)
    )
    await platform.leaving.delete_account(chief, PASSWORD)

    nobody = await User.get(name=NAMELESS)
    assert nobody.role is Role.MEMBER
    assert nobody.email.endswith("@deleted.invalid")
    assert [one.submitted_by_id for one in await Label.all().order_by("id")] == [ana.id, nobody.id]
    assert (await NewsPost.get()).author_id == nobody.id
    assert (await Deployment.get(id=term.id)).decided_by_id == nobody.id
    for guess in ("", "-", "nobody's password", PASSWORD):
        assert await refusal(platform.accounts.sign_in(nobody.email, guess)) == Code.BAD_CREDENTIALS
    (other,) = await User.admins()
    listed = (await platform.accounts.page(other, Window(10))).rows
    assert NAMELESS not in [user.name for user in listed]


# ------------------------------------------------------------------ films that taught or judged


async def test_films_that_taught_or_judged_are_known_again(platform: Platform, ana: User) -> None:
    taught, judging, neither = [
        await image_row(ana, name, holdout=name == "judging", fingerprint=name)
        for name in ("taught", "judging", "neither")
    ]
    one = await Label.create(image=taught, finding=Finding.COVID, submitted_by=ana)
    await one.used_in.add(await model_row(7))
    await DeletedFilm.create(sha256=judging.sha256, taught=True)
    await platform.leaving.delete_account(ana, PASSWORD)
    films = {(film.sha256, film.taught) for film in await DeletedFilm.all()}
    assert films == {(taught.sha256, True), (judging.sha256, True), (judging.sha256, False)}
    assert neither.sha256 not in str(films)


@pytest.fixture
def hooked() -> Hooked:
    return Hooked()


@pytest.fixture
async def training_platform(settings: Settings, parts: Parts, hooked: Hooked) -> AsyncIterator[Platform]:
    async with running(settings, replace(parts, trainer=hooked)) as platform:
        yield platform


async def test_a_run_that_learns_from_them_begins_anew_without_them(
    training_platform: Platform, hooked: Hooked, password_hash: str
) -> None:
    platform = training_platform
    ana = await with_password(await people.member(), password_hash)
    eva = await people.member("eva@hospital.example")
    left: list[None] = []

    async def leave() -> None:
        if not left:
            left.append(None)
            await platform.leaving.delete_account(ana, PASSWORD)
            await asyncio.sleep(2)  # the heartbeat finds that the run is another's

    hooked.during = leave
    await label(platform, ana, 2)
    await label(platform, eva, 1, first=2)
    (run,) = await ended()
    hers = {sha256(picture(number, 0.3)) for number in (0, 1)}
    before, after = [set(folder["sha256"].tolist()) for folder in hooked.folders]
    assert hers <= before
    assert after == before - hers
    assert hooked.closed == 2
    assert not await DeletedFilm.exists()  # they have taught nothing
    assert run.fence == 3
    assert run.lost == 0


async def test_a_run_that_has_not_begun_is_left_alone(platform: Platform, ana: User) -> None:
    row = await image_row(ana, "1")
    await Label.create(image=row, finding=Finding.COVID, submitted_by=ana)
    run = await TrainingRun.create(slot=1, trigger="ADMIN", epochs=1)
    await platform.leaving.delete_account(ana, PASSWORD)
    assert (await TrainingRun.get(id=run.id)).fence == 0


# ------------------------------------------------------------------ all or nothing


async def test_many_images_go_some_at_a_time(
    platform: Platform, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "AT_ONCE", 2)
    for number in range(5):
        await image_row(ana, str(number))
    await platform.leaving.delete_account(ana, PASSWORD)
    assert not await Image.exists()
    assert (await told())[-1][3] == "5"


async def test_broken_off_in_the_middle_it_has_done_nothing(
    platform: Platform, parts: Parts, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "AT_ONCE", 1)
    session = await tokens.issue(ana, TokenPurpose.SESSION)
    images = await upload(platform, ana, picture(1), picture(2), finding=Finding.COVID)
    remove, calls = removal.remove, []

    async def dying(*given: object, **named: object) -> None:
        calls.append(given)
        if len(calls) == 2:
            raise RuntimeError("the machine is gone")
        await remove(*given, **named)

    monkeypatch.setattr(removal, "remove", dying)
    with pytest.raises(RuntimeError):
        await platform.leaving.delete_account(ana, PASSWORD)
    assert await Image.all().count() == len(images) == await Label.all().count()
    assert await platform.accounts.authenticate(session)
    assert not await Notice.exists()
    for image in images:
        assert await platform.images.blobs.get(f"pixels/{image.key}")
    assert TrailKind.ACCOUNT_DELETED not in [kind for kind, *_ in await told()]
    assert not parts.post.letters


@pytest.mark.parametrize("turns", range(0, 60, 6))
async def test_what_is_uploaded_and_labelled_at_that_moment_leaves_nothing(
    platform: Platform, settings: Settings, ana: User, chief: User, turns: int
) -> None:
    (first,) = await upload(platform, ana, picture(1))

    async def leave() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await platform.leaving.delete_account(ana, PASSWORD)

    writing = [
        *(upload(platform, ana, picture(number), wait=0, finding=Finding.COVID) for number in range(2, 6)),
        platform.labelling.submit(ana, first.id, Finding.COVID, None),
        platform.labelling.submit(chief, first.id, Finding.NO_COVID, None),
    ]
    outcomes = await asyncio.gather(leave(), *writing, return_exceptions=True)
    assert outcomes[0] is None
    assert all(isinstance(one, list | Label | Refused | None) for one in outcomes), outcomes
    assert not await Image.exists()
    assert not await Label.exists()
    assert [user.id for user in await User.all()] == [chief.id]
    await eventually(lambda: asyncio.sleep(0, not blobs_of(settings)))
