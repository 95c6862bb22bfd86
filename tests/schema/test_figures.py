"""What a version's record says of it through the API, and to whom."""

from ml import default_model
from schema import ids
from store.tables import ModelState, Prediction, User
from tests.asking import Asker
from tests.store_rows import image, model

RECORDS = """{ models { nodes { number
  curves { roc { specificity sensitivity } calibration { probability frequency { value low high } images } }
  audit { films followsBorder border { value } borderLimit verdict
  changes { name auc { value } changed { value } reversed { value } refused { value } }
  sourcesTold { label sources images auc { value } } }
  elsewhere { taughtBy shown positives negatives sensitivity { value } auc { value } } } } }"""
CARD = "cardUrl audit { films }"


async def test_the_record_of_a_version(admin: Asker) -> None:
    known = default_model.load_record()
    first_change, second_change = known["audit"]["changes"][:2]
    first_change["refused"] = {"value": 0.25, "low": 0.2, "high": 0.3}
    second_change.pop("refused", None)  # as records were before
    await model(2, record=known)
    newest, first = (await admin.data(RECORDS))["nodes"]
    assert newest["curves"] == {
        "roc": [
            {"specificity": specificity, "sensitivity": sensitivity}
            for specificity, sensitivity in zip(*known["curves"]["roc"].values(), strict=True)
        ],
        "calibration": known["curves"]["calibration"],
    }
    audit = newest["audit"]
    assert audit["films"] == known["audit"]["altered"]
    assert audit["followsBorder"] == known["audit"]["follows_border"]
    assert f"{100 * audit['border']['value']:.1f} (" in audit["verdict"]
    for mine, theirs in zip(audit["changes"], known["audit"]["changes"], strict=True):
        assert (mine["name"], mine["auc"]["value"]) == (theirs["name"], theirs["auc"]["value"])
    assert [change["refused"] for change in audit["changes"][:2]] == [{"value": 0.25}, None]
    for mine, theirs in zip(audit["sourcesTold"], known["audit"]["told"], strict=True):
        assert (mine["sources"], mine["images"]) == (theirs["sources"], theirs["images"])
    for mine, theirs in zip(newest["elsewhere"], known["elsewhere"], strict=True):
        assert (mine["shown"], mine["taughtBy"]) == (theirs["shown"], theirs["taught_by"])
        assert mine["positives"] == theirs["figures"]["positives"]
    assert (first["audit"], first["curves"], first["elsewhere"]) == (None, None, [])


async def test_a_version_that_was_not_audited_has_no_audit(admin: Asker) -> None:
    await model(2, record={"audit": {"not_audited": "since this is a test"}})
    newest, _ = (await admin.data(RECORDS))["nodes"]
    assert newest["audit"] is None


async def test_card_and_audit_of_what_never_served_are_for_administrators(
    anybody: Asker, member: Asker, admin: Asker, ana: User
) -> None:
    refused = await model(2, ModelState.REJECTED, record=default_model.load_record())
    seen = await image(ana)
    await Prediction.create(image=seen, model=refused, probability=0.5, margin=0)  # so that Ana sees it
    node = f'node(id: "{ids.encode("ModelVersion", refused.id)}")'
    query = f"{{ {node} {{ ... on ModelVersion {{ {CARD} }} }} }}"
    assert await member.data(query) == {"cardUrl": None, "audit": None}
    shown = await admin.data(query)
    assert "/models/2?expires=" in shown["cardUrl"]
    assert shown["audit"]["films"] > 0
    serving = await anybody.data(f"{{ model {{ {CARD} }} }}")
    assert serving["cardUrl"].endswith("/models/1")
