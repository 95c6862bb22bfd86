"""What was acknowledged survives a server that is killed at random moments, and each fault would be seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schema.ids import encode
from store.tables import ModelState, RunState
from tests.torture.ordeal import torture
from tests.torture.story import Story
from tests.torture.truth import Truth, faults

SECONDS = 10.0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("engine", ["sqlite", "mariadb"])
def test_nothing_is_lost_or_repeated_when_the_server_is_killed_again_and_again(
    engine: str, site_b: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = request.getfixturevalue("own_database") if engine == "mariadb" else ""
    figures = torture(tmp_path, site_b, SECONDS, database=database)
    assert figures["faults"] == []
    assert figures["kills"] >= 2
    assert figures["acknowledged_uploads"] > 0
    assert figures["acknowledged_labels"] > 0
    assert sum(figures["runs"].values()) > 0


def gid(kind: str, number: int) -> str:
    return str(encode(kind, number))


BEGAN = datetime(2020, 3, 1, tzinfo=UTC)
ENTRIES: list[tuple[str, dict[str, Any]]] = [
    ("PredictionMade", {"prediction_id": 1}),
    ("TrainingProgressed", {"run_id": 1, "state": "QUEUED", "epoch": 0}),
    ("TrainingProgressed", {"run_id": 1, "state": "TRAINING", "epoch": 1}),
    ("TrainingProgressed", {"run_id": 1, "state": "PROMOTED", "epoch": 1}),
    ("ModelPromoted", {"model_id": 2, "previous_id": 1}),
    ("PredictionMade", {"prediction_id": 2}),
    ("FindingChanged", {"change_id": 1}),
    ("TrainingProgressed", {"run_id": 2, "state": "QUEUED", "epoch": 0}),
    ("TrainingProgressed", {"run_id": 2, "state": "FAILED", "epoch": 0}),
    ("ModelPromoted", {"model_id": 1, "previous_id": 2}),
    ("FindingChanged", {"change_id": 2}),
]
FOUND = Truth(
    images=[{"id": 1}],
    labels=[{"id": 1, "image_id": 1, "claimed_by_id": 1}],
    predictions=[
        {"id": 1, "image_id": 1, "model_id": 1, "finding": "COVID"},
        {"id": 2, "image_id": 1, "model_id": 2, "finding": "NO_COVID"},
    ],
    changes=[
        {"id": 1, "image_id": 1, "deployment_id": 2, "prediction_id": 2, "previous_id": 1},
        {"id": 2, "image_id": 1, "deployment_id": 3, "prediction_id": 1, "previous_id": 2},
    ],
    models=[
        {"id": 1, "number": 1, "state": ModelState.IN_SERVICE},
        {"id": 2, "number": 2, "state": ModelState.RETIRED},
    ],
    deployments=[
        {"number": number, "model_id": model, "reason": reason, "since": BEGAN + timedelta(hours=number)}
        for number, model, reason in ((1, 1, "the first"), (2, 2, "it passed"), (3, 1, "back"))
    ],
    runs=[
        {
            "id": 1,
            "state": RunState.PROMOTED,
            "slot": None,
            "error": None,
            "finished_at": BEGAN,
            "label_count": 1,
            "model_id": 2,
            "lost": 0,
        },
        {
            "id": 2,
            "state": RunState.FAILED,
            "slot": None,
            "error": "why",
            "finished_at": BEGAN,
            "label_count": 1,
            "model_id": None,
            "lost": 3,
        },
    ],
    journal=[{"position": n, "kind": kind, "payload": told} for n, (kind, told) in enumerate(ENTRIES, 1)],
    trail=[
        {"kind": "MODEL_PROMOTED", "subjects": {"ModelVersion": 1}},
        {"kind": "LABEL_SUBMITTED", "subjects": {"Label": 1, "Image": 1}},
        {"kind": "RETRAINING_STARTED", "subjects": {"TrainingRun": 1}},
        {"kind": "MODEL_PROMOTED", "subjects": {"ModelVersion": 2}},
        {"kind": "RETRAINING_STARTED", "subjects": {"TrainingRun": 2}},
        {"kind": "MODEL_PROMOTED", "subjects": {"ModelVersion": 1}},
    ],
)
KINDS = ("PredictionMade", "FindingChanged", "TrainingProgressed", "ModelPromoted")
STORY = Story(
    images={gid("Image", 1): "COVID"},
    labels={gid("Label", 1): gid("Image", 1)},
    runs={gid("TrainingRun", 1), gid("TrainingRun", 2)},
    promotions=["back"],
    heard={kind: [FOUND.told(kind)] for kind in KINDS},
)

Change = Callable[[Story, Truth], object]


def test_where_all_is_well_there_is_no_fault() -> None:
    assert faults(STORY, FOUND) == []


def heard(change: Callable[[list[tuple[int, str]]], object], kind: str = "TrainingProgressed") -> Change:
    return lambda story, found: change(story.heard[kind][0])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            lambda story, found: story.images.update({gid("Image", 2): "COVID"}),
            "was acknowledged and is gone",
        ),
        (lambda story, found: found.predictions.pop(0), "has 0 predictions by the model in service"),
        (lambda story, found: found.predictions.append(found.predictions[0]), "has 2 predictions"),
        (lambda story, found: found.changes.pop(), "another finding than its owner was told"),
        (lambda story, found: found.labels.pop(), "label TGFiZWw6MQ== was acknowledged and is gone"),
        (lambda story, found: found.labels.append({**found.labels[0], "id": 2}), "and has 2 labels"),
        (lambda story, found: story.runs.add(gid("TrainingRun", 3)), "was acknowledged and is gone"),
        (lambda story, found: found.runs[1].update(state=RunState.TRAINING), "run 2 has not ended"),
        (lambda story, found: found.runs[1].update(slot=1), "run 2 has not ended"),
        (lambda story, found: found.runs[1].update(error=None), "run 2 ended without a verdict and does not"),
        (
            lambda story, found: found.labels[0].update(claimed_by_id=2),
            "run 2 ended without a verdict and keeps",
        ),
        (lambda story, found: found.labels[0].update(claimed_by_id=None), "run 1 took 1 labels and holds 0"),
        (lambda story, found: found.runs[1].update(model_id=2), "model 2 came of 2 runs"),
        (lambda story, found: found.deployments.pop(1), "has gaps: [1, 3]"),
        (lambda story, found: found.deployments[2].update(since=BEGAN), "deployment 3 began before"),
        (lambda story, found: found.models[1].update(state=ModelState.IN_SERVICE), "in service are [1, 2]"),
        (
            lambda story, found: story.promotions.append("forth"),
            "'forth' was acknowledged and is there 0 times",
        ),
        (lambda story, found: found.journal.pop(0), "PredictionMade: row 1 was told 0 times"),
        (lambda story, found: found.journal.pop(9), "promotions were not told as they went"),
        (lambda story, found: found.journal.pop(8), "run 2 ended FAILED and was told as ['QUEUED']"),
        (lambda story, found: found.trail.pop(), "has MODEL_PROMOTED of [1, 2], and was done of [1, 1, 2]"),
        (lambda story, found: found.trail.append(found.trail[1]), "has LABEL_SUBMITTED of [1, 1]"),
        (heard(lambda events: events.pop(1)), "subscriber 0 of TrainingProgressed: never heard"),
        (heard(lambda events: events.append(events[-1])), "once too often"),
        (heard(lambda events: events.reverse()), "out of order"),
    ],
)
def test_each_fault_is_found(change: Change, fault: str) -> None:
    story, found = deepcopy(STORY), Truth(**deepcopy(dataclasses.asdict(FOUND)))
    change(story, found)
    told = faults(story, found)
    assert any(fault in one for one in told), told
