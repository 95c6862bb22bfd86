"""Retraining and promotion through GraphQL."""

from typing import Any

import pytest

from api.wiring import Parts
from ml.splits import in_holdout
from schema import ids
from store.tables import Deployment, Label, ModelState, RunState, TrainingRun, User
from tests.asking import Asker, codes
from tests.people import eventually
from tests.stand_ins import ScriptedTrainer, picture
from tests.store_rows import image, model

REQUEST = """mutation { requestRetraining {
  run { state trigger labels requestedBy { name } } errors { code path } } }"""
CANCEL = "mutation { cancelRetraining { run { state error finishedAt } errors { code path } } }"
HISTORY = "{ models { nodes { number deployments { since until reason decidedBy { name email } } } } }"
RUNS = """{ trainingRuns { nodes {
  state epoch epochs error finishedAt model { number state verdict } } } }"""


@pytest.fixture
def trainer(parts: Parts) -> ScriptedTrainer:
    assert isinstance(parts.trainer, ScriptedTrainer)
    return parts.trainer


async def labelled(owner: User, count: int) -> None:
    for n in range(count):
        await Label.create(image=await image(owner, f"{n}.png"), finding="COVID", submitted_by=owner)


async def ended() -> TrainingRun | None:
    return await TrainingRun.filter(slot=None).order_by("-id").first()


async def test_a_run_from_request_to_verdict(admin: Asker, trainer: ScriptedTrainer) -> None:
    assert not in_holdout("P-1"), "else the image would judge the model, not teach it"
    await admin.upload([("a.png", picture(1))], "id", label="COVID", patientRef="P-1", waitSeconds=10)
    payload = await admin.data(REQUEST)
    run = {"state": "QUEUED", "trigger": "ADMIN", "labels": 1, "requestedBy": {"name": "Chief"}}
    assert payload == {"run": run, "errors": []}
    await eventually(ended)
    (listed,) = (await admin.data(RUNS))["nodes"]
    assert listed.pop("finishedAt")
    assert listed == {
        "state": "PROMOTED",
        "epoch": 2,
        "epochs": 20,
        "error": None,
        "model": {"number": 2, "state": "IN_SERVICE", "verdict": "Promoted: as the test asked."},
    }
    (label,) = (await admin.data("{ images { nodes { label { usedIn { number } } } } }"))["nodes"]
    assert label["label"]["usedIn"] == [{"number": 2}]


async def test_a_run_needs_labels_and_comes_alone(admin: Asker, ana: User, trainer: ScriptedTrainer) -> None:
    trainer.pause = 60
    assert codes(await admin.data(REQUEST)) == [("NOT_ENOUGH_LABELS", None)]
    await labelled(ana, 1)
    assert codes(await admin.data(REQUEST)) == []
    again = await admin.data(REQUEST)
    assert again["run"] is None
    assert codes(again) == [("ALREADY_RUNNING", None)]


async def test_a_run_is_cancelled_and_sets_its_labels_free(
    admin: Asker, ana: User, trainer: ScriptedTrainer
) -> None:
    trainer.pause = 60
    await labelled(ana, 1)
    await admin.data(REQUEST)
    assert (await admin.data("{ retraining { newLabels run { state } } }"))["newLabels"] == 0
    await eventually(TrainingRun.filter(fence__gt=0).exists)
    payload = await admin.data(CANCEL)
    assert payload["errors"] == []
    assert payload["run"]["finishedAt"]
    assert payload["run"]["state"] == RunState.CANCELLED
    assert await admin.data("{ retraining { newLabels run { state } } }") == {"newLabels": 1, "run": None}
    assert codes(await admin.data(CANCEL)) == [("NOT_FOUND", None)]


async def promote(admin: Asker, model_id: str, reason: str) -> Any:
    return await admin.mutate("promoteModel", "model { number state }", id=model_id, reason=reason)


async def test_an_earlier_model_is_put_in_service_again(admin: Asker) -> None:
    await admin.upload([("a.png", picture(1, 0.9))], "id", label="COVID", waitSeconds=10)
    await admin.data(REQUEST)
    await eventually(ended)
    first = (await admin.data("{ models { nodes { id number } } }"))["nodes"][1]
    assert first["number"] == 1
    payload = await promote(admin, first["id"], "The new one is too eager.")
    assert payload == {"model": {"number": 1, "state": "IN_SERVICE"}, "errors": []}
    assert await admin.data("{ model { number } }") == {"number": 1}
    assert await Deployment.all().order_by("number").values_list("model__number", flat=True) == [1, 2, 1]


async def test_who_put_which_model_in_service_and_why_can_be_read(admin: Asker) -> None:
    await Deployment.filter(number=1).update(reason="The first start.")
    await admin.upload([("a.png", picture(1, 0.9))], "id", label="COVID", waitSeconds=10)
    await admin.data(REQUEST)
    await eventually(ended)
    first = (await admin.data("{ models { nodes { id number } } }"))["nodes"][1]
    await promote(admin, first["id"], "The new one is too eager.")
    retrained, first = (await admin.data(HISTORY))["nodes"]
    now, before = first["deployments"]
    (between,) = retrained["deployments"]
    assert before["since"] < before["until"] == between["since"] < between["until"] == now["since"]
    assert now["until"] is None
    assert [(term["reason"], term["decidedBy"]) for term in (now, between, before)] == [
        ("The new one is too eager.", {"name": "Chief", "email": "chief@hospital.example"}),
        ("Promoted: as the test asked.", None),
        ("The first start.", None),
    ]


async def test_a_model_that_never_served_has_no_deployments(admin: Asker) -> None:
    await model(2, ModelState.REJECTED)
    assert (await admin.data(HISTORY))["nodes"][0] == {"number": 2, "deployments": []}


async def test_promotions_that_cannot_be(admin: Asker, ana: User) -> None:
    serving = (await admin.data("{ model { id } }"))["id"]
    rejected = ids.encode("ModelVersion", (await model(2, ModelState.REJECTED)).id)
    for model_id, reason, expected in (
        (serving, "r", ("CONFLICT", ["input", "id"])),
        (rejected, " ", ("REQUIRED", ["input", "reason"])),
        (rejected, "x" * 501, ("TOO_LARGE", ["input", "reason"])),
        (ids.encode("ModelVersion", 999), "r", ("NOT_FOUND", ["input", "id"])),
        (ids.encode("Image", 1), "r", ("NOT_FOUND", ["input", "id"])),
        ("nonsense", "r", ("NOT_FOUND", ["input", "id"])),
    ):
        payload = await promote(admin, model_id, reason)
        assert payload["model"] is None
        assert codes(payload)[-1] == expected
    assert await Deployment.all().count() == 1
