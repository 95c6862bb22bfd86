"""Model versions: the first one, promotion and rollback, history, and files that are not what they were."""

import asyncio
import hashlib
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta

import pytest

from api.settings import Settings
from api.wiring import Parts, build, running
from events.memory import InProcessLog
from services import lookups
from services.errors import Code, Forbidden, Refused, Unauthenticated
from services.journal import DatabaseJournal
from services.models import ModelFileLost
from services.platform import Platform
from store.database import open_database
from store.pages import Window
from store.tables import Deployment, JournalEntry, ModelState, ModelVersion, OutboxEvent, Prediction
from tests.people import admin, eventually, member
from tests.stand_ins import default_model, picture
from tests.statements import counted
from tests.uploading import upload
from tests.versions import candidate


async def refusal(doing: Awaitable[object]) -> tuple[Code, str | None]:
    with pytest.raises(Refused) as refused:
        await doing
    (problem,) = refused.value.problems
    return problem.code, problem.field


async def states() -> dict[int, ModelState]:
    return {model.number: model.state for model in await ModelVersion.all().order_by("number")}


async def serves(platform: Platform) -> int:
    """The model that serves, which the database and this process agree on."""
    current = await lookups.deployment()
    assert platform.diagnosis.inference.serving.model_id == current.model_id
    assert platform.diagnosis.inference.deployment == current.number
    assert (await platform.models.in_service()).id == current.model_id
    return current.model_id


async def test_the_default_model_is_installed_once(settings: Settings, parts: Parts) -> None:
    for _ in range(2):
        async with running(settings, parts) as platform:
            model = await ModelVersion.get()
            assert await serves(platform) == model.id
    assert (model.number, model.state) == (1, ModelState.IN_SERVICE)
    assert model.verdict == default_model().verdict


async def test_a_record_of_an_earlier_version_of_the_program_is_completed(
    settings: Settings, parts: Parts
) -> None:
    """What it holds stays; of other models nothing is known anew."""
    async with running(settings, parts) as platform:
        other = await candidate(platform, "0.25")
        await ModelVersion.filter(number=1).update(record={"data": "as it was"})
    new = replace(parts.default_model, record={"data": "made again", "reference": {"images": 3}})
    async with running(settings, replace(parts, default_model=new)):
        record = (await ModelVersion.get(number=1)).record
        assert record == {"data": "as it was", "reference": {"images": 3}}
        assert (await ModelVersion.get(id=other.id)).record is None


async def test_versions_are_looked_up_without_their_records(platform: Platform) -> None:
    """Of 20 kB, which few ask for."""
    serving, other = await platform.models.in_service(), await candidate(platform, "0.25")
    await ModelVersion.filter(id=serving.id).update(record={"data": "of many"})
    with counted() as statements:
        found = await lookups.models([serving.id, other.id])
        await platform.models.in_service()
    assert len(statements) == 2
    assert not any("record" in statement for statement in statements)
    assert {version.number for version in found.values()} == {1, 2}
    assert await lookups.records([serving.id, other.id]) == {serving.id: {"data": "of many"}}


async def test_a_model_of_another_network_gives_way_to_the_default(settings: Settings, parts: Parts) -> None:
    async with running(settings, parts) as platform:
        (image,) = await upload(platform, await member(), picture(1))
        await ModelVersion.all().update(extractor="another/network")
    async with running(settings, parts) as platform:
        model = await ModelVersion.get(number=2)
        assert await serves(platform) == model.id
        await eventually(Prediction.filter(image_id=image.id, model_id=model.id).exists)
        first = await ModelVersion.get(number=1)
        back = platform.models.promote(await admin(), first.id, "back")
        assert await refusal(back) == (Code.CONFLICT, "id")


async def test_processes_that_start_at_once_install_one(settings: Settings, parts: Parts) -> None:
    async with open_database(settings.database):
        settings.data_dir.mkdir()
        platforms = [build(settings, parts, InProcessLog(DatabaseJournal()))[0] for _ in range(4)]
        await asyncio.gather(*(platform.models.install(parts.default_model) for platform in platforms))
        assert await ModelVersion.all().count() == await Deployment.all().count() == 1
        for platform in platforms:
            await platform.models.refresh()
            await serves(platform)


async def test_promotes_and_rolls_back(platform: Platform) -> None:
    chief, first, second = await admin(), await ModelVersion.get(), await candidate(platform, "0.9")
    promoted = await platform.models.promote(chief, second.id, "  better  ")
    assert (promoted.id, promoted.state) == (second.id, ModelState.IN_SERVICE)
    assert await serves(platform) == second.id
    assert platform.diagnosis.inference.serving.head.threshold == 0.9
    assert await states() == {1: ModelState.RETIRED, 2: ModelState.IN_SERVICE}
    await platform.models.promote(chief, first.id, "worse in the wards")
    assert await serves(platform) == first.id
    assert await states() == {1: ModelState.IN_SERVICE, 2: ModelState.RETIRED}
    history = await Deployment.all().order_by("number")
    assert [(row.number, row.model_id, row.reason) for row in history[1:]] == [
        (2, second.id, "better"),
        (3, first.id, "worse in the wards"),
    ]


async def test_tells_of_a_promotion(platform: Platform) -> None:
    first, second = await ModelVersion.get(), await candidate(platform, "0.9")
    await platform.models.promote(await admin(), second.id, "better")
    await eventually(_published)
    (event,) = await JournalEntry.filter(kind="ModelPromoted")
    assert event.payload == {"model_id": second.id, "previous_id": first.id}


async def _published() -> bool:
    return not await OutboxEvent.exists()


async def test_a_restart_serves_what_was_promoted(settings: Settings, parts: Parts) -> None:
    async with running(settings, parts) as platform:
        second = await candidate(platform, "0.9")
        await platform.models.promote(await admin(), second.id, "better")
    async with running(settings, parts) as platform:
        assert await serves(platform) == second.id


async def test_refuses_what_cannot_be_promoted(platform: Platform) -> None:
    chief, first, second = await admin(), await ModelVersion.get(), await candidate(platform, "0.9")
    promote = platform.models.promote
    assert await refusal(promote(chief, first.id, "again")) == (Code.CONFLICT, "id")
    assert await refusal(promote(chief, 10**17, "who?")) == (Code.NOT_FOUND, "id")
    assert await refusal(promote(chief, second.id, " \n ")) == (Code.REQUIRED, "reason")
    assert await refusal(promote(chief, second.id, "x" * 501)) == (Code.TOO_LARGE, "reason")
    with pytest.raises(Forbidden):
        await promote(await member(), second.id, "please")
    with pytest.raises(Unauthenticated):
        await promote(None, second.id, "please")
    assert await states() == {1: ModelState.IN_SERVICE, 2: ModelState.CANDIDATE}
    assert await serves(platform) == first.id


async def test_of_promotions_at_once_each_wins_or_is_told_to_look_again(platform: Platform) -> None:
    chief = await admin()
    models = [await candidate(platform, f"0.{number}") for number in range(1, 7)]
    promoting = (platform.models.promote(chief, model.id, "at once") for model in models)
    outcomes = await asyncio.gather(*promoting, return_exceptions=True)
    won = [outcome for outcome in outcomes if isinstance(outcome, ModelVersion)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert len(won) + len(lost) == len(models)
    assert {problem.code for refused in lost for problem in refused.problems} <= {Code.CONFLICT}
    numbers = await Deployment.all().order_by("number").values_list("number", flat=True)
    assert numbers == list(range(1, len(won) + 2))
    assert [*(await states()).values()].count(ModelState.IN_SERVICE) == 1
    assert (await ModelVersion.get(state=ModelState.IN_SERVICE)).id == await serves(platform)


async def test_of_two_promotions_of_one_model_one_wins(platform: Platform) -> None:
    chief, second = await admin(), await candidate(platform, "0.9")
    promoting = (platform.models.promote(chief, second.id, "at once") for _ in range(2))
    outcomes = await asyncio.gather(*promoting, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ModelVersion", "Refused"]
    assert await Deployment.all().count() == 2


@pytest.mark.parametrize("damage", [None, b"", b"0.8", b"0.9 "])
async def test_a_file_that_was_altered_is_refused_and_the_old_model_serves(
    platform: Platform, damage: bytes | None
) -> None:
    first, second = await ModelVersion.get(), await candidate(platform, "0.9")
    await platform.models.blobs.delete([second.key])
    if damage is not None:
        await platform.models.blobs.put(second.key, damage)
    promoting = platform.models.promote(await admin(), second.id, "better")
    assert await refusal(promoting) == (Code.CONFLICT, "id")
    assert await serves(platform) == first.id
    assert (await states())[2] is ModelState.CANDIDATE


async def test_a_file_that_does_not_load_leaves_the_old_model_in_service(platform: Platform) -> None:
    """Stored as it is, but by another version of the program."""
    first, second = await ModelVersion.get(), await candidate(platform, "0.9")
    await platform.models.blobs.put("models/other", b"no head")
    sha256 = hashlib.sha256(b"no head").hexdigest()
    await ModelVersion.filter(id=second.id).update(key="models/other", sha256=sha256)
    with pytest.raises(ValueError, match="no head"):
        await platform.models.promote(await admin(), second.id, "better")
    assert await serves(platform) == first.id


async def test_nothing_is_kept_that_does_not_load(platform: Platform) -> None:
    with pytest.raises(ValueError, match="no head"):
        await candidate(platform, "no head")
    assert await ModelVersion.all().count() == 1


async def test_refreshing_takes_what_another_process_promoted(platform: Platform) -> None:
    second, third = await candidate(platform, "0.8"), await candidate(platform, "0.9")
    for number, model in ((2, second), (3, third)):
        await deployed_elsewhere(number, model)
    outcomes = await asyncio.gather(*(platform.models.refresh() for _ in range(4)))
    assert any(outcomes)
    assert await serves(platform) == third.id
    assert not await platform.models.refresh()


async def deployed_elsewhere(number: int, model: ModelVersion) -> None:
    """Put in service by a process whose events have not arrived."""
    since = (await lookups.deployment()).since + timedelta(minutes=1)
    await Deployment.create(number=number, model=model, reason="elsewhere", since=since)


async def test_refreshing_serves_no_file_that_was_altered(platform: Platform) -> None:
    first, second = await ModelVersion.get(), await candidate(platform, "0.9")
    await deployed_elsewhere(2, second)
    await platform.models.blobs.put(second.key, b"0.1")
    with pytest.raises(ModelFileLost):
        await platform.models.refresh()
    assert platform.diagnosis.inference.serving.model_id == first.id


async def test_tells_which_model_served_at_a_moment(platform: Platform) -> None:
    chief, first, second = await admin(), await ModelVersion.get(), await candidate(platform, "0.9")
    for number, model in ((2, second), (3, first)):
        await deployed_elsewhere(number, model)
    began = (await Deployment.get(number=1)).since
    history = {
        -1: None,
        0: first.id,
        59: first.id,
        60: second.id,
        119: second.id,
        120: first.id,
        10**6: first.id,
    }
    for seconds, expected in history.items():
        found = await platform.models.at(chief, began + timedelta(seconds=seconds))
        assert (found.id if found else None) == expected
    with pytest.raises(Forbidden):
        await platform.models.at(await member(), began)


async def test_administrators_list_all_versions_newest_first(platform: Platform) -> None:
    chief, ana = await admin(), await member()
    for threshold in ("0.8", "0.9"):
        await candidate(platform, threshold)
    assert [row.number for row in (await platform.models.page(chief, Window(9))).rows] == [3, 2, 1]
    with pytest.raises(Forbidden):
        await platform.models.page(ana, Window(9))
