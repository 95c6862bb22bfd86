"""The default model: what is shipped is what its base set makes."""

import json
import re

import numpy as np
import pytest

from ml import default_model, heads, model_file
from ml import weights as weights_room
from ml.backbone import Backbone
from ml.default_model import DefaultModel
from ml.evaluation import evaluate
from ml.gate import Judged, judge
from ml.image import PREPROCESSING
from ml.training import TrainingConfig, fit


@pytest.fixture(scope="module")
def shipped() -> DefaultModel:
    return default_model.load()


@pytest.fixture(scope="module")
def again(shipped: DefaultModel) -> DefaultModel:
    return default_model.make(shipped.base_set)


def test_the_base_set_is_that_of_site_a(shipped: DefaultModel) -> None:
    base = shipped.base_set
    labels, counts = np.unique(base.labels, return_counts=True)
    assert dict(zip(labels.tolist(), counts.tolist(), strict=True)) == {
        "covid": 101,
        "no_finding": 389,
        "pneumonia": 400,
    }
    assert base.features.shape == (890, 25_088)
    assert len(set(base.sha256.tolist())) == 889, "two files of one patient are the same"
    assert (default_model.FOLDER / default_model.BASE_SET_FILE).stat().st_size <= 12_000_000


def test_no_image_and_no_patient_is_on_both_sides_of_the_holdout(shipped: DefaultModel) -> None:
    base = shipped.base_set
    for column in (base.sha256, base.patients):
        assert not set(column[base.holdout].tolist()) & set(column[~base.holdout].tolist())


def test_no_patient_is_named(shipped: DefaultModel) -> None:
    assert all(re.fullmatch("[0-9a-f]{16}", patient) for patient in shipped.base_set.patients)


def test_it_is_of_the_backbone_that_serves(shipped: DefaultModel) -> None:
    serving = Backbone("vgg16", weights_room.IMAGENET_SHA256, PREPROCESSING)
    assert shipped.base_set.backbone == shipped.model.backbone == serving


def test_the_figures_are_those_of_the_shipped_head_on_the_holdout(shipped: DefaultModel) -> None:
    base = shipped.base_set
    probabilities = np.asarray(heads.probability(shipped.model.head.params, base.features[base.holdout]))
    found = evaluate(base.covid[base.holdout], probabilities, shipped.model.threshold)
    assert found.counts == shipped.evaluation.counts
    assert found.auc.value == pytest.approx(shipped.evaluation.auc.value, abs=1e-3)
    assert shipped.evaluation.auc.value > 0.97


@pytest.mark.slow
def test_the_base_set_makes_the_same_head_again(shipped: DefaultModel, again: DefaultModel) -> None:
    """To the byte on the machine that made it; on others sums differ in their last digits."""
    features = shipped.base_set.features
    found = np.asarray(heads.probability(again.model.head.params, features))
    expected = np.asarray(heads.probability(shipped.model.head.params, features))
    kernels = [np.float32(made.model.head.params["dense1"]["kernel"]).ravel() for made in (again, shipped)]
    assert np.mean((found >= 0.5) == (expected >= 0.5)) > 0.98
    assert np.median(np.abs(found - expected)) < 1e-3
    assert np.corrcoef(kernels)[0, 1] > 0.8, "heads of other seeds have nothing in common"
    assert again.model.positives == shipped.model.positives == 67
    assert again.model.negatives == shipped.model.negatives == 597


@pytest.mark.slow
def test_making_it_twice_gives_the_same_bytes(shipped: DefaultModel, again: DefaultModel) -> None:
    assert model_file.save(default_model.make(shipped.base_set).model) == model_file.save(again.model)


@pytest.mark.slow
def test_a_model_taught_the_opposite_is_refused(shipped: DefaultModel) -> None:
    base = shipped.base_set
    flipped = fit(base.features[~base.holdout], ~base.covid[~base.holdout], TrainingConfig(epochs=3))
    exam = base.features[base.holdout]
    old, new = (np.asarray(heads.probability(head.params, exam)) for head in (shipped.model.head, flipped))
    verdict = judge(base.covid[base.holdout], Judged(old), Judged(new), base.patients[base.holdout].tolist())
    assert not verdict.promote
    assert verdict.auc_difference.high < 0


def test_it_survives_being_saved(shipped: DefaultModel, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("default")
    default_model.save(shipped, folder)
    for name in (default_model.MODEL_FILE, default_model.EVALUATION_FILE):
        assert (folder / name).read_bytes() == (default_model.FOLDER / name).read_bytes()
    assert json.loads((folder / default_model.EVALUATION_FILE).read_text())["positives"] == 34
    np.testing.assert_array_equal(default_model.load(folder).base_set.features, shipped.base_set.features)
