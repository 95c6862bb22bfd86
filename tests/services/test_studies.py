"""The study: nobody is judged by a model that has seen them, and what is missing is said."""

import dataclasses

import numpy as np
import pytest

from ml.backbone import Backbone
from ml.base_set import BaseSet, stack
from ml.training import OnEpoch
from ml.vgg16 import FEATURES
from services import studies
from services.studies import Plan, StudyError, study, tasks, trainings

PLAN = Plan(names=("C",), folds=3, epochs=3)


def made_up(per_label: int = 8, labels: tuple[str, ...] = ("covid", "pneumonia", "no_finding")) -> BaseSet:
    """Features whose first hundreds tell the label; two images a patient."""
    names = np.repeat(labels, per_label)
    generator = np.random.default_rng(0)
    features = np.maximum(generator.normal(-0.9, 1, (len(names), FEATURES)), 0)
    for number, label in enumerate(("covid", "pneumonia", "no_finding")):
        features[names == label, number * 1000 : (number + 1) * 1000] += 1
    return BaseSet(
        features.astype(np.float16),
        labels=stack(names.tolist()),
        patients=stack([f"p{number // 2}" for number in range(len(names))]),
        sources=stack(["here"] * len(names)),
        sha256=stack([f"{number:064x}" for number in range(len(names))]),
        backbone=Backbone("vgg16", "a" * 64, "grey"),
    )


def silent(what: str) -> OnEpoch:
    return lambda epoch, loss: None


def test_both_tasks_are_studied() -> None:
    found = study(made_up(), None, PLAN, silent)
    assert list(found.tasks) == ["covid_vs_others", "covid_vs_pneumonia"]
    others, pneumonia = (found.tasks[task]["C"].pooled for task in found.tasks)
    assert (len(others.covid), len(pneumonia.covid)) == (24, 16)
    assert others.evaluation.auc.value > 0.9
    assert len(found.tasks["covid_vs_others"]["C"].folds) == 3
    assert found.tasks["covid_vs_others"]["C"].shifted is None


def test_no_image_is_judged_by_a_model_that_saw_its_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each image's first feature names its patient; a fold's training set is asked for it."""
    base = made_up()
    patient_of = np.unique(base.patients, return_inverse=True)[1]
    base.features[:, 0] = patient_of
    trained_on: list[set[float]] = []
    fit = studies.fit
    monkeypatch.setattr(
        studies,
        "fit",
        lambda features, *rest: (trained_on.append(set(features[:, 0].tolist())), fit(features, *rest))[1],
    )
    study(base, None, dataclasses.replace(PLAN, epochs=1), silent)
    everyone = set(patient_of.tolist())
    held_out = [everyone - seen for seen in trained_on[:3]]
    assert all(held_out)
    assert sum(map(len, held_out)) == len(everyone)


def test_other_hospitals_are_shown_to_heads_trained_on_all() -> None:
    elsewhere = made_up(4, ("covid", "no_finding"))
    found = study(made_up(), elsewhere, PLAN, silent)
    shown = found.tasks["covid_vs_others"]["C"].shifted
    assert shown is not None
    assert len(shown.covid) == 8
    assert found.tasks["covid_vs_pneumonia"]["C"].shifted is None, "it has no pneumonia"


def test_the_trainings_are_counted_beforehand() -> None:
    heard: list[str] = []

    def follow(what: str) -> OnEpoch:
        heard.append(what)
        return lambda epoch, loss: None

    base, elsewhere = made_up(), made_up(4, ("covid", "no_finding"))
    study(base, elsewhere, PLAN, follow)
    assert trainings(base, elsewhere, PLAN) == len(heard) == 7
    assert heard[0] == "head C, fold 1"


def test_only_tasks_with_images_are_there() -> None:
    assert list(tasks(made_up(2, ("covid", "no_finding")))) == ["covid_vs_others"]
    assert list(tasks(made_up(2, ("covid", "pneumonia")))) == ["covid_vs_pneumonia"], "both would be the same"
    assert tasks(made_up(2, ("no_finding",))) == {}


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (made_up(4, ("pneumonia", "no_finding")), "with COVID and images without"),
        (made_up(4, ("covid",)), "with COVID and images without"),
        (made_up(4), "covid: 2 patients are too few for 3 folds"),
    ],
)
def test_too_few_images_are_an_error(base: BaseSet, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        study(base, None, PLAN, silent)
