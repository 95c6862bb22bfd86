"""The policy of retraining through GraphQL."""

from tests.asking import Asker, codes

FIELDS = """threshold minutesBetween labelsPerClass sensitivityMargin specificityMargin aucMargin sharePerUser
  changedAt changedBy { name }"""
POLICY = f"{{ retrainingPolicy {{ {FIELDS} }} }}"
DEFAULT = {
    "threshold": 3,
    "minutesBetween": 0,
    "labelsPerClass": 0,
    "sensitivityMargin": 0.1,
    "specificityMargin": 0.05,
    "aucMargin": 0.02,
    "sharePerUser": 1,
    "changedAt": None,
    "changedBy": None,
}


async def test_is_read_set_and_kept(admin: Asker) -> None:
    assert await admin.data(POLICY) == DEFAULT
    wanted = {"threshold": 40, "minutesBetween": 90, "aucMargin": 0.01}
    payload = await admin.mutate("setRetrainingPolicy", f"policy {{ {FIELDS} }}", **wanted)
    assert payload["errors"] == []
    assert payload["policy"].pop("changedAt")
    assert payload["policy"] == {
        **{name: value for name, value in DEFAULT.items() if name != "changedAt"},
        **wanted,
        "changedBy": {"name": "Chief"},
    }
    assert (await admin.data("{ retraining { threshold } }"))["threshold"] == 40
    await admin.mutate("setRetrainingPolicy", "policy { threshold }", threshold=50, labelsPerClass=None)
    history = await admin.data("{ retrainingPolicies { totalCount nodes { threshold minutesBetween } } }")
    assert history == {
        "totalCount": 2,
        "nodes": [{"threshold": 50, "minutesBetween": 90}, {"threshold": 40, "minutesBetween": 90}],
    }


async def test_tells_all_that_is_wrong_with_its_path(admin: Asker) -> None:
    payload = await admin.mutate("setRetrainingPolicy", "policy { threshold }", threshold=0, sharePerUser=2)
    assert payload["policy"] is None
    assert codes(payload) == [("INVALID", ["input", "threshold"]), ("INVALID", ["input", "sharePerUser"])]
    empty = await admin.mutate("setRetrainingPolicy", "policy { threshold }")
    assert codes(empty) == [("REQUIRED", ["input"])]


async def test_what_a_run_waits_for_is_told(admin: Asker, member: Asker) -> None:
    waits = (await member.data("{ retraining { waitsFor } }"))["waitsFor"]
    assert waits == "There are 0 new labels, and 3 start a run."


async def test_is_found_again_by_its_id(admin: Asker) -> None:
    again = (
        "query($id: ID!) { node(id: $id) { ... on RetrainingPolicy { id threshold changedBy { name } } } }"
    )
    operators = await admin.data("{ retrainingPolicy { id } }")
    payload = await admin.mutate("setRetrainingPolicy", "policy { id }", threshold=40)
    assert payload["policy"] == await admin.data("{ retrainingPolicy { id } }") != operators
    for policy, threshold, changed_by in (
        (operators, 3, None),
        (payload["policy"], 40, {"name": "Chief"}),
    ):
        found = await admin.data(again, **policy)
        assert found == {**policy, "threshold": threshold, "changedBy": changed_by}
