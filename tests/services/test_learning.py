"""What the trainer learns and how it judges: truth is promoted, lies are not, the yardstick stays."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml import alterations, default_model, model_file
from ml.base_set import BaseSet
from ml.classifier import BackboneMismatch
from ml.gate import Margins
from ml.making import FOLDS, examine
from ml.training import TrainingConfig
from services import training_set
from services.audit import UNCHANGED
from services.learning import divide, learn, trace
from services.origins import PLATFORM
from services.pace import OF_HEAD_D
from tests.feature_sets import base_set, chest_features

POISONED = 70  # of each class


@pytest.fixture(scope="module")
def known() -> BaseSet:
    """The base set that every training learns from."""
    return default_model.load().base_set


def lay_out(folder: Path, base: BaseSet, rows: np.ndarray, covid: np.ndarray) -> Path:
    """A run on images of a base set that people labelled again, as the platform lays it out."""
    base.features[rows].astype("<f2").tofile(folder / training_set.FEATURES_FILE)
    np.savez(
        folder / training_set.IMAGES_FILE,
        covid=covid,
        group=base.patients[rows],
        holdout=base.holdout[rows],
        sha256=base.sha256[rows],
        evidence=np.array(["RT_PCR"] * len(rows), str),
    )
    (folder / training_set.INCUMBENT_FILE).write_bytes(model_file.save(default_model.load_model()))
    task = {
        "head": "D",
        "epochs": TrainingConfig().epochs,
        "seed": 0,
        "margins": dataclasses.asdict(Margins()),
    }
    (folder / training_set.TASK_FILE).write_text(json.dumps(task))
    return folder


def some_of_each(base: BaseSet) -> np.ndarray:
    """Images outside the holdout, the first with COVID and the first with no finding."""
    taught = np.flatnonzero(~base.holdout)
    return np.concatenate(
        [taught[base.labels[taught] == label][:POISONED] for label in ("covid", "no_finding")]
    )


def outcome(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / training_set.OUTCOME_FILE).read_text())
    return found


@pytest.mark.slow
def test_true_labels_are_promoted(known: BaseSet, tmp_path: Path) -> None:
    heard: list[tuple[str, int]] = []
    left: list[float | None] = []

    def hear(state: str, epoch: int, loss: float | None, seconds_left: float | None = None) -> None:
        heard.append((state, epoch))
        left.append(seconds_left)

    rows = some_of_each(known)
    folder = lay_out(tmp_path, known, rows, known.covid[rows])
    learn(folder, hear)
    found = outcome(folder)
    assert found["promote"], found["verdict"]
    assert (found["head"], found["trainedOn"]) == ("D", int((~known.holdout).sum()))
    assert found["evaluation"]["auc"]["value"] > 0.93
    epochs = TrainingConfig().epochs
    folds = [("TRAINING", epochs)] * FOLDS
    assert heard == [*(("TRAINING", epoch) for epoch in range(1, epochs + 1)), *folds, ("EVALUATING", epochs)]
    assert all(seconds is not None and seconds > 0 for seconds in left)
    assert set(found["record"]["pace"]) == {phase.value for phase in OF_HEAD_D}
    candidate = model_file.load((folder / training_set.CANDIDATE_FILE).read_bytes())
    assert candidate.head.name == "D"
    assert candidate.calibration is not None
    record = found["record"]
    assert [one["name"] for one in record["verdict"]["comparisons"]] == ["sensitivity", "specificity", "AUC"]
    assert not found["awaits"]
    rt_pcr = [kind["taught"] for kind in record["data"]["kinds"] if kind["evidence"] == "RT_PCR"]
    assert sorted(rt_pcr) == [POISONED, POISONED], "the images that people labelled again, of each class"
    assert record["data"]["taught"]["images"] == found["trainedOn"]
    assert record["method"]["threshold"] == candidate.threshold
    shipped = default_model.load_record()
    assert record["audit"]["films"] == shipped["audit"]["films"]
    assert [change["name"] for change in record["audit"]["changes"]] == [UNCHANGED, *alterations.NAMES]
    assert record["elsewhere"] == shipped["elsewhere"]


@pytest.mark.slow
def test_flipped_labels_are_refused(known: BaseSet, tmp_path: Path) -> None:
    rows = some_of_each(known)
    folder = lay_out(tmp_path, known, rows, ~known.covid[rows])
    learn(folder, lambda *step: None)
    found = outcome(folder)
    assert not found["promote"]
    assert "beyond the margin" in found["verdict"]


@pytest.mark.slow
def test_noise_is_refused(known: BaseSet, tmp_path: Path) -> None:
    """As many of each class as there are, dealt out by chance among all that teaches."""
    rows = np.flatnonzero(~known.holdout)
    folder = lay_out(tmp_path, known, rows, np.random.default_rng(0).permutation(known.covid[rows]))
    learn(folder, lambda *step: None)
    found = outcome(folder)
    assert (found["promote"], found["awaits"]) == (False, False), found["verdict"]
    assert "beyond the margin" in found["verdict"]


@pytest.mark.slow
def test_where_uploads_judge_too_home_is_asked_again(known: BaseSet, tmp_path: Path) -> None:
    rows = some_of_each(known)
    folder = lay_out(tmp_path, known, rows, known.covid[rows])
    given = dict(np.load(folder / training_set.IMAGES_FILE))
    new = np.array([f"{number:064x}" for number in rows])
    held = np.arange(len(rows)) % 4 == 0
    np.savez(folder / training_set.IMAGES_FILE, **given | {"sha256": new, "holdout": held})
    learn(folder, lambda *step: None)
    *others, home = outcome(folder)["record"]["verdict"]["comparisons"]
    assert [one["name"] for one in others] == ["sensitivity", "specificity", "AUC"]
    assert home["name"] == "AUC at home"
    assert home["incumbent"] == pytest.approx(examine(default_model.load_model(), known).auc.value, abs=1e-6)
    assert others[2]["incumbent"] > home["incumbent"], "it has learned the uploads"


@pytest.mark.slow
def test_labelled_photographs_do_not_become_chests(known: BaseSet, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    photographs = known.features[:60].copy()
    photographs[:, :-1] = generator.permuted(photographs[:, :-1], axis=1)
    photographs[:, -1] = 0.3
    rows = np.arange(30)
    folder = lay_out(tmp_path, known, rows, rows % 2 == 0)
    photographs[:30].astype("<f2").tofile(folder / training_set.FEATURES_FILE)
    given = dict(np.load(folder / training_set.IMAGES_FILE))
    new = np.array([f"{number:064x}" for number in rows])
    np.savez(folder / training_set.IMAGES_FILE, **given | {"sha256": new, "holdout": rows < 0})
    learn(folder, lambda *step: None)
    candidate = model_file.load((folder / training_set.CANDIDATE_FILE).read_bytes())
    assert candidate.strangeness(photographs[30:]) == ["NOT_A_CHEST_XRAY"] * 30


@pytest.mark.slow
def test_cut_short_it_goes_on_from_its_checkpoint_to_the_same_model(known: BaseSet, tmp_path: Path) -> None:
    rows = some_of_each(known)
    for name in ("whole", "cut"):
        folder = tmp_path / name
        folder.mkdir()
        lay_out(folder, known, rows, known.covid[rows])
        task = json.loads((folder / training_set.TASK_FILE).read_text())
        (folder / training_set.TASK_FILE).write_text(json.dumps(task | {"epochs": 4}))
    heard: list[tuple[Any, ...]] = []

    def until_its_third_fold(*step: Any) -> None:
        heard.append(step[:3])
        if len(heard) == 4 + 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        learn(tmp_path / "cut", until_its_third_fold)
    last = heard[-1]
    heard.clear()
    learn(tmp_path / "cut", lambda *step: heard.append(step[:3]))
    learn(tmp_path / "whole", lambda *step: None)
    assert heard == [last, *[last] * FOLDS, ("EVALUATING", *last[1:])], "no epoch is run or told of again"
    candidates = [tmp_path / name / training_set.CANDIDATE_FILE for name in ("whole", "cut")]
    assert candidates[0].read_bytes() == candidates[1].read_bytes()
    assert outcome(tmp_path / "cut")["record"]["pace"] == {
        phase.value: cost for phase, cost in OF_HEAD_D.items()
    }


# ------------------------------------------------------------------ lessons and exam


@pytest.fixture
def small() -> BaseSet:
    """Forty images of twenty patients, some of them held out."""
    labels = ["covid", "no_finding"] * 20
    return base_set(labels, chest_features(np.array(labels) == "covid"))


def test_without_labels_the_base_set_alone_teaches_and_judges(small: BaseSet, tmp_path: Path) -> None:
    nothing = np.arange(0)
    lessons, exam = divide(small, lay_out(tmp_path, small, nothing, nothing.astype(bool)))
    np.testing.assert_array_equal(lessons.features, small.features[~small.holdout])
    np.testing.assert_array_equal(exam.covid, small.covid[small.holdout])


def test_an_image_that_is_in_both_is_learned_once_with_the_later_truth(
    small: BaseSet, tmp_path: Path
) -> None:
    rows = np.flatnonzero(~small.holdout)[:3]
    lessons, exam = divide(small, lay_out(tmp_path, small, rows, ~small.covid[rows]))
    assert len(lessons.covid) == (~small.holdout).sum()
    assert lessons.covid[-3:].tolist() == (~small.covid[rows]).tolist()
    np.testing.assert_array_equal(lessons.features[-3:], small.features[rows])
    np.testing.assert_array_equal(exam.features, small.features[small.holdout])


def test_what_judges_keeps_the_truth_of_the_base_set(small: BaseSet, tmp_path: Path) -> None:
    rows = np.flatnonzero(small.holdout)
    assert len(rows) > 2
    lessons, exam = divide(small, lay_out(tmp_path, small, rows, ~small.covid[rows]))
    np.testing.assert_array_equal(exam.covid, small.covid[rows])
    np.testing.assert_array_equal(lessons.covid, small.covid[~small.holdout])


def test_new_images_teach_and_judge_as_they_were_divided(small: BaseSet, tmp_path: Path) -> None:
    new = base_set(["covid"] * 40, chest_features(np.ones(40, bool), seed=9))
    new.sha256[:] = [f"new {number}" for number in range(40)]
    lessons, exam = divide(small, lay_out(tmp_path, new, np.arange(40), new.covid))
    for part, held in ((lessons, False), (exam, True)):
        rows = small.holdout == held
        mine = new.holdout == held
        np.testing.assert_array_equal(
            part.features, np.concatenate([small.features[rows], new.features[mine]])
        )
        np.testing.assert_array_equal(part.groups, np.concatenate([small.patients[rows], new.patients[mine]]))


def test_what_teaches_and_judges_is_traced_in_the_same_order(small: BaseSet, tmp_path: Path) -> None:
    new = base_set(["covid"] * 40, chest_features(np.ones(40, bool), seed=9))
    new.sha256[:] = [f"new {number}" for number in range(40)]
    new.sha256[:5] = small.sha256[:5]
    folder = lay_out(tmp_path, new, np.arange(40), new.covid)
    for part, origins in zip(divide(small, folder), trace(small, folder), strict=True):
        np.testing.assert_array_equal(part.groups, origins.patients)
        np.testing.assert_array_equal(part.covid, origins.labels == "covid")
        uploaded = origins.sources == PLATFORM
        assert (origins.evidence[uploaded] == "RT_PCR").all()
        assert (origins.evidence[~uploaded] == "UNSTATED").all()


def test_a_model_of_other_features_than_the_base_sets_learns_nothing(known: BaseSet, tmp_path: Path) -> None:
    """Of the same width: nothing but the names tells them apart."""
    rows = some_of_each(known)
    folder = lay_out(tmp_path, known, rows, known.covid[rows])
    incumbent = default_model.load_model()
    other = dataclasses.replace(incumbent, backbone=dataclasses.replace(incumbent.backbone, weights="b" * 64))
    (folder / training_set.INCUMBENT_FILE).write_bytes(model_file.save(other))
    with pytest.raises(BackboneMismatch, match="bbbbbbbbbbbb"):
        learn(folder, lambda *_: None)
    assert not (folder / training_set.CANDIDATE_FILE).exists()


def test_what_the_base_set_judges_with_teaches_nothing_wherever_it_is_from(
    known: BaseSet, tmp_path: Path
) -> None:
    """An image may have been uploaded before the base set that holds it out was put in service."""
    rows = np.flatnonzero(known.holdout)[:10]
    folder = lay_out(tmp_path, known, rows, known.covid[rows])
    given = dict(np.load(folder / training_set.IMAGES_FILE))
    np.savez(folder / training_set.IMAGES_FILE, **given | {"holdout": np.zeros(10, bool)})
    lessons, exam = divide(known, folder)
    assert len(lessons.covid) == int((~known.holdout).sum())
    assert len(exam.covid) == int(known.holdout.sum())
