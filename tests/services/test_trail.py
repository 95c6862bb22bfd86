"""The trail: every action that it lists leaves one entry, what is refused none, and none tells too much."""

import json
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from api.wiring import Parts
from services import trail
from services.errors import Forbidden, Refused, Unauthenticated
from services.platform import Platform
from services.trail import TrailFilter, entries, visible
from store.pages import Window
from store.tables import (
    Evidence,
    Finding,
    Image,
    ModelVersion,
    NewsPost,
    RetrainingPolicy,
    Role,
    RunState,
    TrailEntry,
    TrailKind,
)
from tests.people import admin, member
from tests.runs import Hooked, ended, label
from tests.services.test_accounts import PASSWORD, mailed_token
from tests.stand_ins import picture
from tests.store_rows import image as image_row
from tests.trails import noted, sealed, told
from tests.uploading import upload
from tests.versions import candidate

EVERYTHING = TrailFilter()


async def refused(*doing: Awaitable[object]) -> None:
    """All of it, and nothing is told of it."""
    before = len(await sealed())
    for one in doing:
        with pytest.raises((Refused, Forbidden, Unauthenticated)):
            await one
    assert len(await sealed()) == before


async def last() -> tuple[object, ...]:
    """The only entry since the one that was told of last, that of the first model."""
    *before, entry = await told()
    assert len(before) == 1, before
    return entry


async def test_the_first_model(platform: Platform) -> None:
    model = await ModelVersion.get()
    assert await told() == [("MODEL_PROMOTED", None, {"ModelVersion": model.id}, None)]


async def test_a_sign_in_and_a_password_that_is_reset(platform: Platform, parts: Parts) -> None:
    accounts = platform.accounts
    user = await accounts.sign_up("ana@hospital.example", PASSWORD, "Ana", None)
    await refused(
        accounts.sign_in("ana@hospital.example", PASSWORD),  # not confirmed yet
        accounts.sign_in("ana@hospital.example", "another"),
        accounts.sign_in("nobody@hospital.example", PASSWORD),
    )
    await accounts.verify_email(await mailed_token(parts, "verify-email"))
    await accounts.sign_in("ana@hospital.example", PASSWORD)
    assert await last() == ("SIGNED_IN", user.id, {"User": user.id}, None)
    await accounts.request_password_reset("ana@hospital.example")
    token = await mailed_token(parts, "reset-password")
    await refused(accounts.reset_password(token, "short"), accounts.reset_password("made-up", PASSWORD))
    await accounts.reset_password(token, "another horse")
    assert (await told())[2:] == [("PASSWORD_RESET", user.id, {"User": user.id}, None)]


async def test_a_role(platform: Platform) -> None:
    ana, chief = await member(), await admin()
    await refused(
        platform.accounts.set_role(ana, ana.id, Role.ADMIN),
        platform.accounts.set_role(chief, chief.id, Role.MEMBER),
        platform.accounts.set_role(chief, 10**6, Role.MEMBER),
    )
    await platform.accounts.set_role(chief, ana.id, Role.ADMIN)
    await platform.accounts.set_role(chief, ana.id, Role.ADMIN)  # which changes nothing
    assert await last() == ("ROLE_CHANGED", chief.id, {"User": ana.id}, "ADMIN")


async def test_an_administrator_made_at_the_command_line(platform: Platform) -> None:
    await refused(platform.accounts.create_admin("chief@hospital.example", "short"))
    chief = await platform.accounts.create_admin("chief@hospital.example", PASSWORD)
    assert await last() == ("ROLE_CHANGED", None, {"User": chief.id}, "ADMIN")


async def test_a_block_and_its_end(platform: Platform) -> None:
    ana, chief = await member(), await admin()
    blocking = platform.blocking
    await refused(blocking.block(ana, chief.id, "r"), blocking.block(chief, ana.id, " "))
    await blocking.block(chief, ana.id, "misuse")
    assert await last() == ("USER_BLOCKED", chief.id, {"User": ana.id}, None)
    assert (await sealed())[-1].reason == "misuse"
    assert (await blocking.unblock(chief, ana.id)).blocked_at is None
    await blocking.unblock(chief, ana.id)  # which changes nothing
    assert (await told())[2:] == [("USER_UNBLOCKED", chief.id, {"User": ana.id}, None)]


async def test_a_label(platform: Platform) -> None:
    ana, eva = await member(), await member("eva@hospital.example")
    row = await image_row(ana)
    await refused(platform.labelling.submit(eva, row.id, Finding.COVID, None))
    one = await platform.labelling.submit(ana, row.id, Finding.COVID, Evidence.CT)
    assert await last() == ("LABEL_SUBMITTED", ana.id, {"Label": one.id, "Image": row.id}, None)


async def test_a_label_that_comes_with_its_file(platform: Platform) -> None:
    ana = await member()
    (first,) = await upload(platform, ana, picture(1), finding=Finding.COVID)
    await upload(platform, ana, picture(1), finding=Finding.COVID)  # which tells nothing new
    kind, actor, subjects, _ = await last()
    assert (kind, actor, subjects["Image"]) == ("LABEL_SUBMITTED", ana.id, first.id)  # type: ignore[index]


async def test_labels_withdrawn(platform: Platform) -> None:
    ana, chief = await member(), await admin()
    await refused(
        platform.labelling.withdraw(ana, ana.id, "r"), platform.labelling.withdraw(chief, 10**6, "r")
    )
    await platform.labelling.withdraw(chief, ana.id, "there are none")
    for number in range(2):
        row = await image_row(ana, f"{number}.png")
        await platform.labelling.submit(ana, row.id, Finding.COVID, None)
    await platform.labelling.withdraw(chief, ana.id, "guesses")
    found = await told(TrailKind.LABEL_SUBMITTED, TrailKind.MODEL_PROMOTED)
    assert found == [("LABELS_WITHDRAWN", chief.id, {"User": ana.id}, "2")]
    assert (await sealed())[-1].reason == "guesses"


async def test_a_policy(platform: Platform) -> None:
    ana, chief = await member(), await admin()
    policies = platform.retraining.policies
    await refused(policies.change(ana, {"threshold": 9}), policies.change(chief, {"threshold": 0}))
    row = await policies.change(chief, {"threshold": 9})
    assert await last() == ("POLICY_CHANGED", chief.id, {"RetrainingPolicy": row.id}, None)
    assert await RetrainingPolicy.all().count() == 1


async def test_a_run_of_the_threshold_and_its_promotion(platform: Platform) -> None:
    await label(platform, await member(), 3)
    (run,) = await ended()
    assert run.state is RunState.PROMOTED
    assert (await told(TrailKind.LABEL_SUBMITTED))[1:] == [
        ("RETRAINING_STARTED", None, {"TrainingRun": run.id}, "THRESHOLD"),
        ("MODEL_PROMOTED", None, {"ModelVersion": run.model_id}, None),
    ]
    assert (await sealed())[-1].reason is None


async def test_a_run_that_is_asked_for_and_cancelled(platform: Platform, parts: Parts) -> None:
    ana, chief = await member(), await admin()
    await refused(platform.retraining.request(chief), platform.retraining.cancel(chief))
    stopped = Hooked()
    object.__setattr__(platform.training, "trainer", stopped)
    stopped.at, stopped.during = RunState.TRAINING, lambda: platform.retraining.cancel(chief)
    await label(platform, ana, 1)
    await platform.retraining.request(chief)
    (run,) = await ended()
    assert run.state is RunState.CANCELLED
    assert (await told(TrailKind.LABEL_SUBMITTED))[1:] == [
        ("RETRAINING_STARTED", chief.id, {"TrainingRun": run.id}, "ADMIN"),
        ("RETRAINING_CANCELLED", chief.id, {"TrainingRun": run.id}, None),
    ]


async def test_a_promotion_by_hand(platform: Platform) -> None:
    ana, chief = await member(), await admin()
    other = await candidate(platform, "0.25")
    await refused(
        platform.models.promote(ana, other.id, "r"),
        platform.models.promote(chief, other.id, " "),
        platform.models.promote(chief, (await ModelVersion.get(number=1)).id, "it serves"),
    )
    await platform.models.promote(chief, other.id, "it is better")
    assert await last() == ("MODEL_PROMOTED", chief.id, {"ModelVersion": other.id}, None)
    assert (await sealed())[-1].reason == "it is better"


async def test_a_deleted_post(platform: Platform) -> None:
    ana, chief = await member(), await admin()
    post = await NewsPost.create(title="t", body="b", author=chief)
    await refused(platform.newsroom.delete(ana, post.id), platform.newsroom.delete(chief, 10**6))
    await platform.newsroom.delete(chief, post.id)
    assert await last() == ("NEWS_DELETED", chief.id, {"NewsPost": post.id}, None)


async def test_what_stays_of_a_deleted_image_is_its_id(platform: Platform) -> None:
    ana, eva = await member(), await member("eva@hospital.example")
    row = await image_row(ana, "García Juan 1961.png", patient_ref="H-4711")
    one = await platform.labelling.submit(ana, row.id, Finding.COVID, Evidence.RT_PCR)
    await refused(platform.images.delete(eva, row.id), platform.images.delete(ana, 10**6))
    await platform.images.delete(ana, row.id)
    assert not await Image.exists()
    assert (await told())[1:] == [
        ("LABEL_SUBMITTED", ana.id, {"Label": one.id, "Image": row.id}, None),
        ("IMAGE_DELETED", ana.id, {"Image": row.id}, None),
    ]
    kept = json.dumps(await TrailEntry.all().values(), default=str)
    for secret in ("García", "4711", row.sha256, row.key, "COVID", "RT_PCR", "hospital"):
        assert secret not in kept


@pytest.mark.usefixtures("database")
async def test_is_read_by_administrators_in_pages() -> None:
    ana, chief = await member(), await admin()
    await noted(5, ana)
    with pytest.raises(Unauthenticated):
        await entries(None, EVERYTHING, Window(2))
    with pytest.raises(Forbidden):
        await entries(ana, EVERYTHING, Window(2))
    page = await entries(chief, EVERYTHING, Window(2))
    assert ([row.position for row in page.rows], page.has_next, await page.count()) == ([5, 4], True, 5)
    page = await entries(chief, EVERYTHING, Window(9, after=page.keys[-1]))
    assert [row.position for row in page.rows] == [3, 2, 1]
    found = [row.id for row in page.rows]
    assert (await visible(chief, found)).keys() == set(found)
    assert await visible(ana, found) == await visible(None, found) == {}


@pytest.mark.usefixtures("database")
async def test_is_filtered_by_actor_kind_and_time() -> None:
    ana, chief = await member(), await admin()
    await trail.note(TrailKind.SIGNED_IN, ana, User=ana.id)
    await trail.note(TrailKind.ROLE_CHANGED, chief, value=Role.ADMIN, User=ana.id)
    await trail.note(TrailKind.MODEL_PROMOTED, None, ModelVersion=1)
    await sealed()
    row = await TrailEntry.get(position=1)
    earlier, later = row.at - timedelta(days=1), row.at + timedelta(days=1)
    for wanted, places in (
        (TrailFilter(actor_id=ana.id), [1]),
        (TrailFilter(kinds=(TrailKind.MODEL_PROMOTED, TrailKind.SIGNED_IN)), [3, 1]),
        (TrailFilter(kinds=()), []),
        (TrailFilter(since=row.at), [3, 2, 1]),
        (TrailFilter(since=later), []),
        (TrailFilter(before=row.at), []),
        (TrailFilter(before=later, since=earlier, actor_id=chief.id), [2]),
    ):
        page = await entries(chief, wanted, Window(9))
        assert [found.position for found in page.rows] == places, wanted
