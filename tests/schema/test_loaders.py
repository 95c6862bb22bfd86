"""Queries take as many statements for one row as for many."""

from datetime import UTC, datetime

from services.platform import Platform
from store.tables import Deployment, Finding, Label, Prediction, User
from tests.asking import Asker
from tests.statements import counted
from tests.store_rows import image, model

DEEP = """{ images(first: 50) { nodes { id predictionState
  prediction { finding model { number } image { id } }
  uploadedBy { name } label { finding submittedBy { name } usedIn { number } }
  predictions { totalCount nodes { model { number } image { uploadedBy { name } } } }
  labels { nodes { usedIn { number } submittedBy { name } image { id label { id } } } } } } }"""


async def test_a_deep_query_takes_as_many_statements_for_one_row_as_for_many(
    admin: Asker, platform: Platform, ana: User
) -> None:
    serving, retired = await platform.models.in_service(), await model(2)
    taken = []
    for count in (1, 12):
        for n in range(count):
            row = await image(ana, f"{count}-{n}.png")
            for version in (serving, retired):
                await Prediction.create(image=row, model=version, probability=0.5, margin=0.1)
            label = await Label.create(image=row, finding=Finding.COVID, submitted_by=ana)
            await label.used_in.add(retired)
        with counted() as statements:
            connection = await admin.data(DEEP)
        taken.append(len(statements))
    assert len(connection["nodes"]) == 13
    # A loader's keys may come in one batch or in two, as the database answers; a row more would cost 12.
    assert abs(taken[0] - taken[1]) <= 1
    assert max(taken) <= 15


async def test_the_history_of_service_takes_as_many_statements_for_one_model_as_for_many(
    admin: Asker, platform: Platform, ana: User
) -> None:
    query = "{ models(first: 50) { nodes { number deployments { until reason decidedBy { name } } } } }"
    taken, number = [], 1
    for count in (1, 6):
        for _ in range(count):
            number += 1
            term = {"reason": "a test", "decided_by": ana, "since": datetime.now(UTC)}
            await Deployment.create(number=number, model=await model(number), **term)
        with counted() as statements:
            listed = (await admin.data(query))["nodes"]
        taken.append(len(statements))
    assert len(listed) == number
    assert taken == [5, 5]  # the session, the models, their deployments, those that followed, Ana


async def test_a_small_public_query_takes_no_more_than_it_needs(anybody: Asker) -> None:
    with counted() as statements:
        await anybody.data("{ model { number } }")
    assert len(statements) == 1


async def test_many_nodes_are_loaded_at_once(member: Asker, ana: User) -> None:
    rows = [await image(ana, f"{n}.png") for n in range(10)]
    listed = (await member.data("{ images { nodes { id } } }"))["nodes"]
    with counted() as statements:
        found = await member.data(
            "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[node["id"] for node in listed]
        )
    assert len(found) == len(rows)
    assert len(statements) == 2  # the session, the images
