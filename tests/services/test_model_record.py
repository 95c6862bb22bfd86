"""The record of a version: its method as the model has it, its figures as the holdout shows them."""

import dataclasses
import json

import numpy as np
import pytest

from ml.heads import pack
from ml.model_file import Model
from ml.training import TrainingConfig
from ml.vgg16 import CHEST_FEATURES
from services.model_record import curves, recorded
from services.origins import Origins
from services.study_results import Result
from tests.feature_sets import CHESTS

SAID = np.array([0.9, 0.55, 0.2, 0.1, 0.8, 0.3])
COVID = np.array([True, True, True, False, False, False])


def model() -> Model:
    """Its first feature is the log-odds; between 0.5 and 0.6 it leaves its finding open."""
    kernel = np.zeros((CHEST_FEATURES, 1))
    kernel[0] = 1
    head = pack("D", {"linear": {"kernel": kernel, "bias": np.zeros(1)}})
    return Model(head, CHESTS, 0.5, 3, 9, 9, calibration="by hand", band=(0.5, 0.6), error=0.1)


def judged() -> Origins:
    count = len(SAID)
    return Origins(
        np.array(["here", "there"] * (count // 2)),
        np.where(COVID, "covid", "pneumonia"),
        np.array(["UNSTATED"] * count),
        np.array([f"p{row}" for row in range(count)]),
    )


@pytest.fixture
def record() -> dict[str, object]:
    features = np.zeros((len(SAID), CHEST_FEATURES + 1), np.float32)
    features[:, 0] = np.log(SAID / (1 - SAID))
    config = TrainingConfig(head="D", epochs=4, seed=3)
    made = recorded(model(), config, judged(), judged(), features, {"not_audited": "since this is a test"})
    return dict(json.loads(json.dumps(made)))


def test_the_method_is_that_of_the_model(record: dict[str, dict[str, object]]) -> None:
    method = record["method"]
    expected = {"head": "D", "threshold": 0.5, "calibration": "by hand", "band": [0.5, 0.6], "error": 0.1}
    assert {name: method[name] for name in expected} == expected
    assert (method["seed"], method["epochs"], method["novelty"]) == (3, 4, None)
    assert {name: method[name] for name in dataclasses.asdict(CHESTS)} == dataclasses.asdict(CHESTS)


def test_the_figures_are_by_source_and_of_the_band(record: dict[str, dict[str, dict[str, object]]]) -> None:
    figures = record["figures"]
    here, there = figures["by_source"]["here"], figures["by_source"]["there"]
    assert (here["positives"], here["negatives"], there["negatives"]) == (2, 1, 2)
    assert here["sensitivity"]["value"] == 0.5  # type: ignore[index]
    assert there["specificity"]["value"] == 1  # type: ignore[index]
    assert figures["left_open"]["value"] == pytest.approx(1 / 6)
    assert figures["covered"]["covid"]["value"] == pytest.approx(2 / 3)  # type: ignore[index]
    assert figures["covered"]["no_covid"]["value"] == pytest.approx(2 / 3)  # type: ignore[index]


def test_the_curves_are_of_the_images_that_judged(record: dict[str, dict[str, object]]) -> None:
    roc = record["curves"]["roc"]
    assert roc["specificity"] == pytest.approx([1, 1, 2 / 3, 2 / 3, 1 / 3, 1 / 3, 0])  # type: ignore[index]
    assert roc["sensitivity"] == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1, 1])  # type: ignore[index]
    calibration = record["curves"]["calibration"]
    assert [one["images"] for one in calibration] == [1, 1, 1, 1, 1, 1]  # type: ignore[attr-defined]


def test_no_more_points_of_a_curve_are_kept_than_can_be_told_apart() -> None:
    covid = np.arange(1000) % 2 == 0
    said = np.linspace(1, 0, 1000)
    nobody = np.array([""] * 1000)
    kept = curves(Result(covid, said, said, covid, nobody, nobody))["roc"]
    assert len(kept["sensitivity"]) == len(kept["specificity"]) == 200
    assert (kept["sensitivity"][0], kept["sensitivity"][-1]) == (0, 1)


def test_the_reference_is_what_the_holdout_showed(record: dict[str, dict[str, object]]) -> None:
    reference = record["reference"]
    assert (reference["images"], reference["labelled"], reference["agreed"]) == (6, 5, 3)
    assert reference["abstained"] == {"NOT_A_CHEST_XRAY": 0, "OUT_OF_DISTRIBUTION": 0, "UNCERTAIN": 1}
    assert reference["probability"]["mean"] == pytest.approx(SAID.mean(), abs=1e-6)  # type: ignore[index]
    assert reference["distance"] == {"count": 0, "mean": 0, "deviation": 0}
    assert reference["median"] is None
