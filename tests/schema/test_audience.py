"""Many who ask at the same moment: what they need in common is read once, and each sees their own alone."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from schema import audience
from schema.audience import Audience
from services import models, tokens
from services.platform import Platform
from store.tables import Prediction, TokenPurpose, User
from tests import people
from tests.asking import Asker
from tests.listening import PREDICTIONS, joined, listen, upload
from tests.statements import counted
from tests.store_rows import image, model

MANY = 12


@pytest.fixture
def everybody(platform: Platform) -> Audience:
    return Audience(platform)


async def judged(owner: User, platform: Platform) -> Prediction:
    serving = await platform.models.in_service()
    row = await image(owner, "1.png")
    return await Prediction.create(image=row, model=serving, probability=0.5, margin=0.1)


async def test_sessions_that_are_looked_up_at_once_take_one_statement(everybody: Audience, ana: User) -> None:
    eva = await people.member("eva@hospital.example")
    held = {user.id: await tokens.issue(user, TokenPurpose.SESSION) for user in (ana, eva)}
    other = await tokens.issue(ana, TokenPurpose.RESET_PASSWORD)
    with counted() as statements:
        asked = [*held.values(), other, "unknown"] * MANY
        found = await asyncio.gather(*(everybody.session(token) for token in asked))
    assert len(statements) == 1
    users = [session and session.user.id for session in found]
    assert users == [ana.id, eva.id, None, None] * MANY


async def test_an_ended_session_is_not_remembered(everybody: Audience, ana: User) -> None:
    token = await tokens.issue(ana, TokenPurpose.SESSION)
    assert await everybody.session(token) is not None
    await tokens.revoke_all(ana.id, TokenPurpose.SESSION)
    assert await everybody.session(token) is None


async def test_the_model_in_service_is_read_once_for_all_who_ask_at_once(everybody: Audience) -> None:
    with counted() as statements:
        found = await asyncio.gather(*(everybody.model_in_service() for _ in range(MANY)))
    assert len(statements) == 1
    assert {model.number for model in found} == {1}


async def test_whoever_asks_after_a_promotion_gets_the_new_model(
    everybody: Audience, platform: Platform
) -> None:
    before = asyncio.create_task(everybody.model_in_service())
    await asyncio.sleep(0)  # it is asked for by now, and may be read before or after the promotion
    second = await model(2)
    await models.deploy(second.id, "It is better.", None)
    assert (await everybody.model_in_service()).id == second.id
    assert (await before).number in (1, 2)


async def test_what_an_event_shows_is_read_once_for_all_administrators(
    everybody: Audience, platform: Platform, ana: User
) -> None:
    prediction = await judged(ana, platform)
    chiefs = [await people.admin(f"chief-{n}@hospital.example") for n in range(MANY)]
    with counted() as statements:
        shown = await asyncio.gather(
            *(everybody.loaders(chief, 7).visible_predictions.load(prediction.id) for chief in chiefs)
        )
    assert len(statements) == 1
    assert {row.id for row in shown if row} == {prediction.id}


async def test_members_share_with_nobody(everybody: Audience, platform: Platform, ana: User) -> None:
    prediction = await judged(ana, platform)
    chief, eva = await people.admin(), await people.member("eva@hospital.example")
    seen = [
        await everybody.loaders(viewer, 7).visible_predictions.load(prediction.id)
        for viewer in (chief, eva, None, ana)
    ]
    assert [row is not None for row in seen] == [True, False, False, True]


async def test_another_event_is_read_anew_and_so_is_the_same_one_later(
    everybody: Audience, monkeypatch: pytest.MonkeyPatch
) -> None:
    chief = await people.admin()
    first = everybody.loaders(chief, 7)
    assert everybody.loaders(chief, 7) is first
    assert everybody.loaders(chief, 8) is not first
    monkeypatch.setattr(audience, "SHARED_SECONDS", -1.0)
    assert everybody.loaders(chief, 7) is not first


async def test_few_events_are_kept(everybody: Audience, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "EVENTS_SHARED", 2)
    chief = await people.admin()
    first = everybody.loaders(chief, 1)
    for position in (2, 3):
        everybody.loaders(chief, position)
    assert everybody.loaders(chief, 1) is not first


async def test_one_who_goes_away_does_not_take_it_from_the_others(
    everybody: Audience, platform: Platform, ana: User
) -> None:
    prediction, chief = await judged(ana, platform), await people.admin()

    async def read() -> Prediction | None:
        return await everybody.loaders(chief, 7).visible_predictions.load(prediction.id)

    impatient, patient = asyncio.create_task(read()), asyncio.create_task(read())
    await asyncio.sleep(0)
    impatient.cancel()
    row = await patient
    assert row is not None
    assert row.id == prediction.id
    assert impatient.cancelled()


async def test_an_event_costs_as_many_statements_for_many_subscribers_as_for_few(
    address: str, anybody: Asker, member: Asker
) -> None:
    chiefs = [await anybody.signed_in(await people.admin(f"chief-{n}@hospital.example")) for n in range(MANY)]
    taken = []
    async with AsyncExitStack() as stack:
        sockets = []
        for seed, more in enumerate((chiefs[:2], chiefs[2:])):
            for chief in more:
                sockets.append(await stack.enter_async_context(joined(address, chief.token)))
                await listen(sockets[-1], PREDICTIONS)
            with counted(everywhere=True) as statements:
                await upload(member, seed)
                for socket in sockets:
                    assert (await socket.event())["prediction"]["image"]["filename"] == f"{seed}.png"
            taken.append(sum("SELECT" in statement for statement in statements))
    # Batches fall as the event loop turns; a statement more for each would cost ten.
    assert taken[1] < taken[0] + MANY - 2, taken


async def test_members_whom_an_event_does_not_concern_are_not_looked_up(
    address: str, anybody: Asker, member: Asker
) -> None:
    evas = [await anybody.signed_in(await people.member(f"eva-{n}@hospital.example")) for n in range(MANY)]
    async with AsyncExitStack() as stack:
        for eva in evas:
            socket = await stack.enter_async_context(joined(address, eva.token))
            await listen(socket, PREDICTIONS)
        await asyncio.sleep(1.2)  # what is known of them is then older than an event that is shown allows
        with counted(everywhere=True) as statements:
            await upload(member, 1)
            await asyncio.sleep(0.5)
    told = "".join(statements)
    assert tokens.digest(str(member.token)) in told
    assert not [eva for eva in evas if tokens.digest(str(eva.token)) in told]
