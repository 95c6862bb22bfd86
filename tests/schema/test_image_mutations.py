"""Uploading, changing, deleting and labelling images through GraphQL."""

import pytest

from schema import ids
from store.tables import Evidence, Image, Label, Prediction, User
from tests.asking import Asker, codes
from tests.stand_ins import EverySecondPixel, picture
from tests.store_rows import image

GOOD = picture(1)


async def test_one_file(member: Asker) -> None:
    payload = await member.upload([("chest.png", GOOD)], "id filename predictionState uploadedBy { name }")
    (result,) = payload["results"]
    assert payload["errors"] == result["errors"] == []
    assert result["filename"] == "chest.png"
    assert result["duplicateOf"] is None
    assert ids.decode(result["image"].pop("id"))[0] == "Image"
    assert result["image"].pop("predictionState") in {"PENDING", "READY"}
    assert result["image"] == {"filename": "chest.png", "uploadedBy": {"name": "Ana"}}


async def test_many_files_each_on_its_own(member: Asker) -> None:
    files = [
        ("note.txt", b"hello"),
        ("good.png", GOOD),
        ("half.png", GOOD[: len(GOOD) // 2]),
        ("again.png", GOOD),
        ("empty.png", b""),
        ("good.jpg", picture(2, format="JPEG")),
        ("animated.gif", picture(3, format="GIF")),
        ("tiny.png", picture(4, size=(10, 10))),
    ]
    payload = await member.upload(files, "filename")
    results = payload["results"]
    assert [result["filename"] for result in results] == [name for name, _ in files]
    assert [codes(result) for result in results] == [
        [("UNSUPPORTED_FORMAT", ["input", "files", "0"])],
        [],
        [("CORRUPT_IMAGE", ["input", "files", "2"])],
        [],
        [("UNSUPPORTED_FORMAT", ["input", "files", "4"])],
        [],
        [("UNSUPPORTED_FORMAT", ["input", "files", "6"])],
        [("INVALID", ["input", "files", "7"])],
    ]
    # the same bytes twice: one is the image, the other repeats it, whichever came first
    assert sorted(bool(results[n]["image"]) for n in (1, 3)) == [False, True]
    assert sorted(bool(results[n]["duplicateOf"]) for n in (1, 3)) == [False, True]
    assert [bool(results[n]["image"] or results[n]["duplicateOf"]) for n in (0, 2, 4, 6, 7)] == [False] * 5
    assert await Image.all().count() == 2


async def test_tells_the_view_of_a_film(member: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = EverySecondPixel.prepare
    views = iter([None, "TURNED_90"])
    monkeypatch.setattr(
        EverySecondPixel, "prepare", lambda self, decoded: prepare(self, decoded)._replace(view=next(views))
    )
    for seed, view in ((1, None), (2, "TURNED_90")):
        payload = await member.upload(
            [("a.png", picture(seed))], "prediction { abstained view }", waitSeconds=10
        )
        abstained = "OUT_OF_DISTRIBUTION" if view else None
        assert payload["results"][0]["image"]["prediction"] == {"abstained": abstained, "view": view}


async def test_waits_for_the_findings(member: Asker) -> None:
    files = [("bright.png", picture(1, 0.9)), ("dark.png", picture(2, 0.1))]
    payload = await member.upload(files, "predictionState prediction { finding }", waitSeconds=10)
    assert [result["image"] for result in payload["results"]] == [
        {"predictionState": "READY", "prediction": {"finding": "COVID"}},
        {"predictionState": "READY", "prediction": {"finding": "NO_COVID"}},
    ]


async def test_a_repeat_of_an_earlier_upload(member: Asker, other: Asker) -> None:
    (first,) = (await member.upload([("chest.png", GOOD)], "id"))["results"]
    (again,) = (await member.upload([("other-name.png", GOOD)], "id filename"))["results"]
    assert again["image"] is None
    assert again["duplicateOf"] == {"id": first["image"]["id"], "filename": "chest.png"}
    (of_another,) = (await other.upload([("chest.png", GOOD)], "id"))["results"]
    assert of_another["duplicateOf"] is None, "what others have uploaded is not told"


async def test_a_repeat_with_the_same_label_adds_none(member: Asker) -> None:
    for _ in range(3):
        await member.upload([("chest.png", GOOD)], "id", label="COVID", evidence="CT")
    assert await Label.all().count() == 1


async def test_what_is_known_of_all_files(member: Asker) -> None:
    payload = await member.upload(
        [("a.png", picture(1)), ("b.png", picture(2))],
        "patientRef label { finding evidence submittedBy { name } }",
        patientRef=" P-100 ",
        label="NO_COVID",
        evidence="CT",
    )
    label = {"finding": "NO_COVID", "evidence": "CT", "submittedBy": {"name": "Ana"}}
    assert [result["image"] for result in payload["results"]] == [
        {"patientRef": "P-100", "label": label},
        {"patientRef": "P-100", "label": label},
    ]


async def test_details_that_cannot_be(member: Asker) -> None:
    details: list[tuple[dict[str, object], tuple[str, list[str]]]] = [
        ({"evidence": "CT"}, ("REQUIRED", ["input", "label"])),
        ({"waitSeconds": -1}, ("INVALID", ["input", "waitSeconds"])),
        ({"waitSeconds": 61}, ("INVALID", ["input", "waitSeconds"])),
        ({"patientRef": "x" * 101}, ("TOO_LARGE", ["input", "patientRef"])),
    ]
    for given, expected in details:
        payload = await member.upload([("chest.png", GOOD)], "id", **given)
        assert payload["results"] == []
        assert codes(payload) == [expected]
    assert await Image.all().count() == 0


async def test_no_file_and_too_many(member: Asker) -> None:
    nothing = await member.mutate("uploadImages", "results { filename }", files=[])
    assert codes(nothing) == [("REQUIRED", ["input", "files"])]
    too_many = await member.upload([(f"{n}.png", b"x") for n in range(101)], "id")
    assert codes(too_many) == [("TOO_LARGE", ["input", "files"])]
    assert too_many["results"] == []


async def test_what_is_no_file_is_a_bad_request(member: Asker) -> None:
    query = "mutation($input: UploadImagesInput!) { uploadImages(input: $input) { errors { code } } }"
    for files in (["chest.png"], [None], [5], [{"name": "chest.png"}], None, [["x"]]):
        assert await member.code(query, input={"files": files}) == "BAD_USER_INPUT", files
    literal = 'mutation { uploadImages(input: {files: ["chest.png"]}) { errors { code } } }'
    assert await member.code(literal) == "BAD_USER_INPUT"


# ------------------------------------------------------------------ update and delete


async def test_a_patient_reference_is_set_kept_and_cleared(member: Asker, ana: User) -> None:
    image_id = ids.encode("Image", (await image(ana)).id)
    fields = "image { patientRef }"
    for given, expected in (
        ({"patientRef": "P-100"}, "P-100"),
        ({}, "P-100"),
        ({"patientRef": None}, None),
    ):
        payload = await member.mutate("updateImage", fields, id=image_id, **given)
        assert payload == {"image": {"patientRef": expected}, "errors": []}
    too_long = await member.mutate("updateImage", fields, id=image_id, patientRef="x" * 101)
    assert codes(too_long) == [("TOO_LARGE", ["input", "patientRef"])]


async def test_an_image_gets_another_name(member: Asker) -> None:
    payload = await member.upload([("chest.png", GOOD)], "id")
    image_id = payload["results"][0]["image"]["id"]
    for given, expected in (
        ({"filename": " films/left.png "}, "left.png"),
        ({"filename": None, "patientRef": "P"}, "left.png"),
        ({"filename": "right.png", "patientRef": "P"}, "right.png"),
    ):
        payload = await member.mutate("updateImage", "image { filename }", id=image_id, **given)
        assert payload == {"image": {"filename": expected}, "errors": []}
    for wrong, code in ((" ", "REQUIRED"), ("x" * 256, "TOO_LARGE")):
        refused = await member.mutate("updateImage", "image { filename }", id=image_id, filename=wrong)
        assert codes(refused) == [(code, ["input", "filename"])]
    assert (await Image.get()).filename == "right.png"


async def test_an_image_is_deleted_with_all_that_belongs_to_it(member: Asker) -> None:
    payload = await member.upload([("chest.png", GOOD)], "id", label="COVID", waitSeconds=10)
    image_id = payload["results"][0]["image"]["id"]
    assert await Prediction.all().count() == await Label.all().count() == 1
    assert await member.mutate("deleteImage", "deletedId", id=image_id) == {
        "deletedId": image_id,
        "errors": [],
    }
    assert await member.data("query($id: ID!) { node(id: $id) { id } }", id=image_id) is None
    assert await Image.all().count() == await Prediction.all().count() == await Label.all().count() == 0
    again = await member.mutate("deleteImage", "deletedId", id=image_id)
    assert again["deletedId"] is None
    assert codes(again) == [("NOT_FOUND", ["input", "id"])]


async def test_administrators_change_and_delete_what_others_uploaded(admin: Asker, ana: User) -> None:
    image_id = ids.encode("Image", (await image(ana)).id)
    changed = await admin.mutate("updateImage", "image { patientRef }", id=image_id, patientRef="P-100")
    assert changed["image"] == {"patientRef": "P-100"}
    assert (await admin.mutate("deleteImage", "deletedId", id=image_id))["deletedId"] == image_id


async def test_other_peoples_images_are_not_there(other: Asker, ana: User) -> None:
    row = await image(ana)
    ids_of_nothing = [ids.encode("Image", row.id), ids.encode("User", ana.id), ids.encode("Image", 999), "x"]
    for image_id in ids_of_nothing:
        for name, given, field in (
            ("updateImage", {"id": image_id}, "id"),
            ("updateImage", {"id": image_id, "patientRef": "P"}, "id"),
            ("updateImage", {"id": image_id, "filename": "other.png"}, "id"),
            ("deleteImage", {"id": image_id}, "id"),
            ("submitLabel", {"imageId": image_id, "finding": "COVID"}, "imageId"),
        ):
            payload = await other.mutate(name, "__typename", **given)
            assert codes(payload) == [("NOT_FOUND", ["input", field])], (name, image_id)
    assert (await Image.get(id=row.id)).patient_ref is None
    assert await Label.all().count() == 0


# ------------------------------------------------------------------ labels


async def test_labels_make_a_ledger(member: Asker, ana: User) -> None:
    image_id = ids.encode("Image", (await image(ana)).id)
    fields = """label { finding evidence submittedBy { name } usedIn { number }
                        image { id label { finding } labels { totalCount } } }
                retraining { newLabels threshold run { id } }"""
    first = await member.mutate("submitLabel", fields, imageId=image_id, finding="COVID", evidence="RT_PCR")
    label = {
        "finding": "COVID",
        "evidence": "RT_PCR",
        "image": {"id": image_id, "label": {"finding": "COVID"}, "labels": {"totalCount": 1}},
        "submittedBy": {"name": "Ana"},
        "usedIn": [],
    }
    status = {"newLabels": 1, "threshold": 3, "run": None}
    assert first == {"label": label, "retraining": status, "errors": []}
    second = await member.mutate("submitLabel", fields, imageId=image_id, finding="NO_COVID")
    assert second["label"]["evidence"] == Evidence.UNSTATED
    assert second["label"]["image"]["label"] == {"finding": "COVID"}, "the stronger evidence counts"
    assert second["label"]["image"]["labels"] == {"totalCount": 2}
    assert second["retraining"] == {**status, "newLabels": 2}


async def test_mutations_side_by_side_see_what_those_before_them_did(member: Asker, ana: User) -> None:
    image_id = ids.encode("Image", (await image(ana)).id)
    fields = "label { image { label { finding } labels { totalCount } } }"
    answer = await member.ask(
        f"""mutation($id: ID!) {{
          a: submitLabel(input: {{imageId: $id, finding: COVID}}) {{ {fields} }}
          b: submitLabel(input: {{imageId: $id, finding: NO_COVID}}) {{ {fields} }} }}""",
        id=image_id,
    )
    seen = [answer["data"][name]["label"]["image"] for name in ("a", "b")]
    assert seen == [
        {"label": {"finding": "COVID"}, "labels": {"totalCount": 1}},
        {"label": {"finding": "NO_COVID"}, "labels": {"totalCount": 2}},
    ]
