"""What queries answer, and how many statements they take."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.platform import Platform
from store.tables import (
    ContactMessage,
    Deployment,
    Evidence,
    Finding,
    Image,
    Label,
    ModelState,
    NewsPost,
    Prediction,
    RunState,
    RunTrigger,
    TrainingRun,
    User,
)
from tests import people
from tests.addressed import asked
from tests.asking import Asker
from tests.rendered import rendered
from tests.stand_ins import EVALUATION, picture
from tests.store_rows import image, model


async def test_the_viewer(anybody: Asker, member: Asker, ana: User) -> None:
    assert await anybody.data("{ viewer { id } }") is None
    viewer = await member.data("{ viewer { email name role emailVerified createdAt } }")
    created_at = datetime.fromisoformat(viewer.pop("createdAt"))
    assert abs(created_at - ana.created_at) < timedelta(milliseconds=1)
    assert viewer == {
        "email": "ana@hospital.example",
        "name": "Ana",
        "role": "MEMBER",
        "emailVerified": True,
    }


async def test_the_model_in_service(anybody: Asker) -> None:
    fields = "value low high"
    query = f"""{{ model {{ number state backbone head trainedOn verdict evaluation {{
      sensitivity {{ {fields} }} specificity {{ {fields} }} auc {{ {fields} }}
      calibrationError positives negatives }} }} }}"""
    evaluation = {**EVALUATION, "calibrationError": EVALUATION["calibration_error"]}
    del evaluation["calibration_error"]
    assert await anybody.data(query) == {
        "number": 1,
        "state": "IN_SERVICE",
        "backbone": "vgg16",
        "head": "C",
        "trainedOn": 10,
        "verdict": "The first model.",
        "evaluation": evaluation,
    }


async def test_which_model_served_at_a_moment(admin: Asker) -> None:
    query = "query($time: DateTime!) { modelAt(time: $time) { number } }"
    first = await Deployment.all().first()
    assert first is not None
    second = await model(2, ModelState.IN_SERVICE)
    since = first.since + timedelta(hours=1)
    await Deployment.create(number=2, model=second, reason="r", since=since)
    moments = [first.since - timedelta(seconds=1), since - timedelta(seconds=1), since + timedelta(seconds=1)]
    served = [await admin.data(query, time=moment.isoformat()) for moment in moments]
    assert served == [None, {"number": 1}, {"number": 2}]


# ------------------------------------------------------------------ images


async def test_an_image_from_upload_to_finding(member: Asker, anybody: Asker) -> None:
    bright = picture(1, 0.9)
    (result,) = (await member.upload([("/home/ana/bright.png", bright)], "id", waitSeconds=10))["results"]
    node = await member.data(
        """query($id: ID!) { node(id: $id) { ... on Image { filename sha256 width height patientRef failure
        url predictionState uploadedBy { name } label { finding }
        prediction { finding probability abstained heatmapUrl model { number } image { id } } } } }""",
        id=result["image"]["id"],
    )
    prediction = node.pop("prediction")
    assert node.pop("url").startswith("http://127.0.0.1:8000/images/")
    assert len(node.pop("sha256")) == 64
    assert node == {
        "filename": "bright.png",
        "width": 96,
        "height": 80,
        "patientRef": None,
        "failure": None,
        "predictionState": "READY",
        "uploadedBy": {"name": "Ana"},
        "label": None,
    }
    assert prediction.pop("heatmapUrl").startswith("http://127.0.0.1:8000/heatmaps/")
    assert prediction.pop("probability") == pytest.approx(0.9, abs=0.05)
    assert prediction == {
        "finding": "COVID",
        "abstained": None,
        "model": {"number": 1},
        "image": {"id": result["image"]["id"]},
    }


async def test_what_is_no_chest_has_no_heatmap(member: Asker) -> None:
    fields = "prediction { finding abstained heatmapUrl }"
    upload = await member.upload([("black.png", picture(1, -1))], fields, waitSeconds=10)
    assert upload["results"][0]["image"]["prediction"] == {
        "finding": None,
        "abstained": "NOT_A_CHEST_XRAY",
        "heatmapUrl": None,
    }


async def test_an_image_waits_or_fails(member: Asker, ana: User) -> None:
    await image(ana, "waits.png")
    await Image.filter(id=(await image(ana, "failed.png")).id).update(failure="unreadable")
    nodes = (
        await member.data("{ images { nodes { filename predictionState failure prediction { id } } } }")
    )["nodes"]
    assert nodes == [
        {
            "filename": "failed.png",
            "predictionState": "FAILED",
            "failure": "unreadable",
            "prediction": None,
        },
        {"filename": "waits.png", "predictionState": "PENDING", "failure": None, "prediction": None},
    ]


async def test_a_prediction_by_another_model_is_not_the_current_one(member: Asker, ana: User) -> None:
    row = await image(ana)
    retired = await model(2)
    await Prediction.create(image=row, model=retired, probability=0.9, margin=0.4, finding=Finding.COVID)
    (node,) = (
        await member.data(
            "{ images { nodes { predictionState prediction { id } predictions { totalCount } } } }"
        )
    )["nodes"]
    assert node == {"predictionState": "PENDING", "prediction": None, "predictions": {"totalCount": 1}}


async def test_the_label_that_counts(member: Asker, ana: User) -> None:
    row = await image(ana)
    for finding, evidence in (
        (Finding.COVID, Evidence.RT_PCR),
        (Finding.NO_COVID, Evidence.RT_PCR),
        (Finding.COVID, Evidence.UNSTATED),
    ):
        await Label.create(image=row, finding=finding, evidence=evidence, submitted_by=ana)
    (node,) = (await member.data("{ images { nodes { label { finding evidence } } } }"))["nodes"]
    assert node["label"] == {"finding": "NO_COVID", "evidence": "RT_PCR"}


async def test_the_address_of_the_pixels_serves_them(
    member: Asker, admin: Asker, platform: Platform, ana: User
) -> None:
    data = picture(1)
    (result,) = (await member.upload([("chest.png", data)], "url"))["results"]
    (node,) = (await admin.data("{ images { nodes { url } } }"))["nodes"]
    for url, email in ((result["image"]["url"], ana.email), (node["url"], "chief@hospital.example")):
        assert asked(url).viewer == str((await User.get(email=email)).id)
        found = await platform.pictures.png(asked(url))
        assert found is not None
        assert rendered(b"".join(found)) == rendered(data)


@pytest.fixture
async def gallery(platform: Platform, ana: User) -> None:
    """Four of Ana's images and one of somebody else's, whose names tell what they are."""
    serving, retired = await platform.models.in_service(), await model(2)
    eva = await people.member("eva@hospital.example")
    now = datetime.now(UTC)
    for n, (owner, name, finding, labelled, patient) in enumerate(
        [
            (ana, "covid-labelled.png", Finding.COVID, True, "P-100"),
            (ana, "covid.png", Finding.COVID, False, None),
            (ana, "other_%.png", Finding.NO_COVID, False, "p-200"),
            (ana, "pending.png", None, True, None),
            (eva, "covid-of-eva.png", Finding.COVID, True, "P-100"),
        ]
    ):
        row = await image(owner, name, patient_ref=patient)
        await Image.filter(id=row.id).update(uploaded_at=now - timedelta(days=n))
        await Prediction.create(image=row, model=retired, finding=Finding.COVID, probability=0.9, margin=0.4)
        if finding:
            await Prediction.create(image=row, model=serving, finding=finding, probability=0.5, margin=n / 10)
        if labelled:
            await Label.create(image=row, finding=Finding.COVID, submitted_by=owner)


FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"covid-labelled", "covid", "other_%", "pending"}),
    ({"finding": "COVID"}, {"covid-labelled", "covid"}),
    ({"finding": "NO_COVID"}, {"other_%"}),
    ({"labelled": True}, {"covid-labelled", "pending"}),
    ({"labelled": False}, {"covid", "other_%"}),
    ({"finding": "COVID", "labelled": False}, {"covid"}),
    ({"search": "COVID"}, {"covid-labelled", "covid"}),
    ({"search": "p-1"}, {"covid-labelled"}),
    ({"search": "%"}, {"other_%"}),
    ({"search": "r_"}, {"other_%"}),
    ({"search": "'; DROP TABLE image"}, set()),
    ({"uploadedAfter": -1.5}, {"covid-labelled", "covid"}),
    ({"uploadedBefore": -1.5}, {"other_%", "pending"}),
    ({"uploadedAfter": -2.5, "uploadedBefore": -0.5}, {"covid", "other_%"}),
    (
        {"finding": None, "labelled": None, "search": None},
        {"covid-labelled", "covid", "other_%", "pending"},
    ),
]


@pytest.mark.usefixtures("gallery")
async def test_filters(member: Asker) -> None:
    query = "query($filter: ImageFilter) { images(filter: $filter) { totalCount nodes { filename } } }"
    now = datetime.now(UTC)
    for wanted, expected in FILTERS:
        given = {
            name: (now + timedelta(days=value)).isoformat() if isinstance(value, float) else value
            for name, value in wanted.items()
        }
        connection = await member.data(query, filter=given)
        found = {node["filename"].removesuffix(".png") for node in connection["nodes"]}
        assert (found, connection["totalCount"]) == (expected, len(expected)), wanted


@pytest.mark.usefixtures("gallery")
async def test_images_in_an_order(member: Asker) -> None:
    query = """query($order: ImageOrder, $after: String) {
      images(first: 2, after: $after, orderBy: $order) { nodes { filename } pageInfo { endCursor } } }"""
    first = await member.data(query, order="NAME")
    rest = await member.data(query, order="NAME", after=first["pageInfo"]["endCursor"])
    found = [node["filename"].removesuffix(".png") for node in first["nodes"] + rest["nodes"]]
    assert found == ["covid-labelled", "covid", "other_%", "pending"]
    assert await member.code(query, order="NEWEST", after=first["pageInfo"]["endCursor"]) == "BAD_USER_INPUT"


@pytest.mark.usefixtures("gallery")
async def test_an_admin_sees_everyones(member: Asker, admin: Asker) -> None:
    query = "{ images { totalCount nodes { filename } } }"
    assert (await admin.data(query))["totalCount"] == 5
    assert (await member.data(query))["totalCount"] == 4
    assert (await member.data("{ predictions { totalCount } }"))["totalCount"] == 7
    assert (await admin.data("{ predictions { totalCount } }"))["totalCount"] == 9


@pytest.mark.usefixtures("gallery")
async def test_the_label_queue_has_what_is_judged_and_unlabelled(member: Asker) -> None:
    queue = (await member.data("{ labelQueue { nodes { filename labelReason } } }"))["nodes"]
    assert [node["filename"] for node in queue] == ["covid.png", "other_%.png"]
    assert all(node["labelReason"].startswith("The model is ") for node in queue)
    images = (await member.data("{ images { nodes { labelReason } } }"))["nodes"]
    assert {node["labelReason"] for node in images} == {None}


# ------------------------------------------------------------------ admins' lists


async def test_what_administrators_list(admin: Asker, ana: User) -> None:
    await NewsPost.create(title="t", body="b", author=ana)
    await ContactMessage.create(
        name="n", email="e@x.example", subject="s", body="b", delivered_at=datetime.now(UTC)
    )
    version = await model(2, ModelState.REJECTED)
    await TrainingRun.create(
        trigger=RunTrigger.ADMIN,
        state=RunState.REJECTED,
        requested_by=ana,
        model=version,
        label_count=3,
        epoch=20,
        epochs=20,
        loss=0.25,
        left_out={"OVER_SHARE": 4, "HELD_OUT": 2},
        finished_at=datetime.now(UTC),
    )
    answer = await admin.ask(
        """{ users { nodes { email } } models { nodes { number state verdict } }
        contactMessages { nodes { name email subject body delivered } }
        trainingRuns { nodes { state trigger labels epoch epochs loss error finishedAt
                               leftOut { cause images } requestedBy { name } model { number } } } }"""
    )
    data = answer["data"]
    assert [node["email"] for node in data["users"]["nodes"]] == [
        "ana@hospital.example",
        "chief@hospital.example",
    ]
    assert data["models"]["nodes"] == [
        {"number": 2, "state": "REJECTED", "verdict": None},
        {"number": 1, "state": "IN_SERVICE", "verdict": "The first model."},
    ]
    assert data["contactMessages"]["nodes"] == [
        {"name": "n", "email": "e@x.example", "subject": "s", "body": "b", "delivered": True}
    ]
    (run,) = data["trainingRuns"]["nodes"]
    assert run.pop("finishedAt") is not None
    assert run == {
        "state": "REJECTED",
        "trigger": "ADMIN",
        "labels": 3,
        "epoch": 20,
        "epochs": 20,
        "loss": 0.25,
        "error": None,
        "leftOut": [{"cause": "HELD_OUT", "images": 2}, {"cause": "OVER_SHARE", "images": 4}],
        "requestedBy": {"name": "Ana"},
        "model": {"number": 2},
    }


async def test_the_retraining_status(member: Asker, ana: User) -> None:
    query = "{ retraining { newLabels threshold run { state requestedBy { name } model { id } loss } } }"
    assert await member.data(query) == {"newLabels": 0, "threshold": 3, "run": None}
    row = await image(ana)
    await Label.create(image=row, finding=Finding.COVID, submitted_by=ana)
    # a loss that has diverged is no number of JSON's
    await TrainingRun.create(slot=1, trigger=RunTrigger.THRESHOLD, epochs=2, loss=None)
    run = {"state": "QUEUED", "requestedBy": None, "model": None, "loss": None}
    assert await member.data(query) == {"newLabels": 1, "threshold": 3, "run": run}


@pytest.mark.usefixtures("gallery")
async def test_how_far_features_are_after_a_change_of_the_network(admin: Asker) -> None:
    query = "{ featureProgress { extractor done failed total } }"
    rows = await Image.all().order_by("id")
    await Image.all().update(features="pixels/test")
    await Image.filter(id=rows[0].id).update(features="another/network")
    await Image.filter(id=rows[1].id).update(features=None, failure="it cannot be read")
    expected = {"extractor": "pixels/test", "done": 3, "failed": 1, "total": 5}
    assert await admin.data(query) == expected
