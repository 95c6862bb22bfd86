"""What the database itself holds to, whatever the program does."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tortoise.exceptions import IntegrityError

from services import lookups
from store.tables import (
    Deployment,
    Finding,
    Image,
    Label,
    ModelVersion,
    NewsPost,
    Prediction,
    Role,
    RunState,
    RunTrigger,
    Token,
    TokenPurpose,
    TrainingRun,
    User,
)
from tests.people import member
from tests.store_rows import image, model

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def run(slot: int | None = 1, **others: object) -> TrainingRun:
    return await TrainingRun.create(slot=slot, trigger=RunTrigger.ADMIN, epochs=20, **others)


async def deployment(number: int, of: ModelVersion, since: datetime = NOW) -> Deployment:
    return await Deployment.create(number=number, model=of, reason="", since=since)


async def test_one_run_is_under_way_at_a_time() -> None:
    first = await run()
    with pytest.raises(IntegrityError):
        await run()
    await TrainingRun.filter(id=first.id).update(slot=None)
    second = await run()
    assert (await TrainingRun.active()).id == second.id
    assert await run(slot=None) is not None


async def test_of_many_runs_at_once_one_begins() -> None:
    outcomes = await asyncio.gather(*(run() for _ in range(8)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["IntegrityError"] * 7 + ["TrainingRun"]


async def test_a_model_judges_an_image_once() -> None:
    judged, by, other = await image(await member()), await model(1), await model(2)
    await Prediction.create(image=judged, model=by, probability=0.5, margin=0)
    await Prediction.create(image=judged, model=other, probability=0.5, margin=0)
    with pytest.raises(IntegrityError):
        await Prediction.create(image=judged, model=by, probability=0.6, margin=0)


async def test_numbers_of_deployments_and_models_are_given_once() -> None:
    first = await model(1)
    with pytest.raises(IntegrityError):
        await model(1)
    await deployment(1, first)
    with pytest.raises(IntegrityError):
        await deployment(1, first)


async def test_an_owner_has_a_file_once_and_others_have_it_too() -> None:
    ana, eva = await member("ana@h.example"), await member("eva@h.example")
    await image(ana, "same")
    await image(eva, "same")
    with pytest.raises(IntegrityError):
        await image(ana, "same")


async def test_an_address_is_of_one_user() -> None:
    await member("ana@h.example")
    with pytest.raises(IntegrityError):
        await member("ana@h.example")


@pytest.mark.parametrize("table", [Image, Label, Prediction, Deployment, Token, NewsPost])
async def test_no_row_points_at_nothing(table: type) -> None:
    fields = {
        Image: {"owner_id": 99, "key": "k", "filename": "f", "sha256": "0", "media_type": "m", "size": 1}
        | {"width": 1, "height": 1, "holdout": False},
        Label: {"image_id": 99, "finding": Finding.COVID, "submitted_by_id": 99},
        Prediction: {"image_id": 99, "model_id": 99, "probability": 0.5, "margin": 0},
        Deployment: {"number": 1, "model_id": 99, "reason": "", "since": NOW},
        Token: {"user_id": 99, "purpose": TokenPurpose.SESSION, "sha256": "0", "expires_at": NOW},
        NewsPost: {"title": "t", "body": "b", "author_id": 99},
    }
    with pytest.raises(IntegrityError):
        await table.create(**fields[table])


async def test_an_image_takes_its_predictions_and_labels_along() -> None:
    owner, by = await member(), await model()
    gone, stays = await image(owner, "1"), await image(owner, "2")
    for one in (gone, stays):
        await Prediction.create(image=one, model=by, probability=0.5, margin=0)
        label = await Label.create(image=one, finding=Finding.COVID, submitted_by=owner)
        await by.labels.add(label)
    await gone.delete()
    assert await Prediction.all().values_list("image_id", flat=True) == [stays.id]
    assert await Label.all().values_list("image_id", flat=True) == [stays.id]
    assert [label.image_id for label in await by.labels.all()] == [stays.id]
    assert await ModelVersion.exists(id=by.id)


async def test_a_user_takes_everything_of_hers_along_but_no_history() -> None:
    owner = await member()
    version = await model()
    await image(owner)
    await Token.create(user=owner, purpose=TokenPurpose.SESSION, sha256="0", expires_at=NOW)
    started = await run(requested_by=owner)
    await Deployment.create(number=1, model=version, reason="", since=NOW, decided_by=owner)
    await owner.delete()
    assert not await Image.exists()
    assert not await Token.exists()
    assert (await TrainingRun.get(id=started.id)).requested_by_id is None
    assert await Deployment.exists(number=1, decided_by_id=None)


async def test_a_label_of_a_run_that_went_is_free_again() -> None:
    label = await Label.create(
        image=await image(owner := await member()), finding="COVID", submitted_by=owner
    )
    claiming = await run()
    assert await Label.unclaimed().update(claimed_by_id=claiming.id) == 1
    assert await Label.unclaimed().count() == 0
    await claiming.delete()
    assert [free.id for free in await Label.unclaimed()] == [label.id]


async def test_a_conditional_update_counts_what_it_found_not_what_it_changed() -> None:
    owner = await member()
    assert await User.filter(id=owner.id).update(name=owner.name) == 1
    assert await User.filter(id=owner.id + 1).update(name=owner.name) == 0


async def test_the_deployment_of_a_moment_is_the_last_one_before_it() -> None:
    assert await lookups.deployment() is None
    assert await Deployment.at(NOW) is None
    version = await model()
    for number in (1, 2, 3):
        await deployment(number, version, NOW + timedelta(hours=number))
    moments = {0: None, 59: None, 60: 1, 61: 1, 120: 2, 999: 3}
    for minutes, expected in moments.items():
        found = await Deployment.at(NOW + timedelta(minutes=minutes))
        assert (found.number if found else None) == expected
    assert (await lookups.deployment()).number == 3


async def test_a_run_can_be_taken_while_it_lasts_and_nobody_holds_it() -> None:
    free, dead = await run(slot=None), await run(slot=None, lease_until=NOW - timedelta(seconds=1))
    held = await run(slot=None, lease_until=NOW + timedelta(seconds=1))
    over = await run(slot=None, state=RunState.FAILED)
    runs = (free, dead, held, over)
    assert [await TrainingRun.free(one.id).count() for one in runs] == [1, 0, 0, 0]
    assert [await TrainingRun.abandoned(one.id, NOW).count() for one in runs] == [0, 1, 0, 0]


async def test_a_run_is_held_by_its_newest_fence_alone() -> None:
    held = await run(fence=2)
    counts = [await TrainingRun.held(held.id, fence).count() for fence in (1, 2, 3)]
    assert counts == [0, 1, 0]


async def test_images_and_predictions_are_seen_by_their_owner_and_administrators() -> None:
    ana, eva = await member("ana@h.example"), await member("eva@h.example")
    chief = await User.create(email="chief@h.example", name="C", password_hash="none", role=Role.ADMIN)
    judged = await image(ana)
    await Prediction.create(image=judged, model=await model(), probability=0.5, margin=0)
    for table in (Image, Prediction):
        assert [await table.visible_to(viewer).count() for viewer in (ana, eva, chief)] == [1, 0, 1]


async def test_lacking_a_models_prediction_are_those_with_features_that_it_has_not_judged() -> None:
    owner, first, second = await member(), await model(1), await model(2)
    judged = await image(owner, "1", features="one")
    unjudged = await image(owner, "2", features="one")
    await image(owner, "3", features="another")
    await image(owner, "4")
    await Prediction.create(image=judged, model=first, probability=0.5, margin=0)
    assert [row.id for row in await Image.without_prediction_by(first.id, "one")] == [unjudged.id]
    assert await Image.without_prediction_by(second.id, "one").count() == 2


async def test_keeps_times_in_utc_to_the_microsecond() -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)
    await deployment(1, await model(), moment)
    assert (await Deployment.get(number=1)).since == moment
    created = (await member()).created_at
    assert (await User.get()).created_at == created
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)


async def test_keeps_every_letter() -> None:
    name = "Ñandú 李 𝔘 👩‍⚕️ ‮ '\"\\%_;--"
    owner = await member()
    await User.filter(id=owner.id).update(name=name)
    assert (await User.get(id=owner.id)).name == name
