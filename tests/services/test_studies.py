"""The study: nobody is judged by a model that has seen them, and what is missing is said."""

import dataclasses

import numpy as np
import pytest

from ml import chest
from ml.backbone import Backbone
from ml.base_set import BaseSet, stack
from ml.heads import HeadName
from ml.making import Images
from ml.model_file import Model
from ml.training import OnEpoch
from ml.vgg16 import CHEST_FEATURES, FEATURES
from services import studies
from services.judges import NOBODY, single
from services.studies import Folder, Plan, StudyError, leave_sources_out, study, tasks, trainings

PLAN = Plan(names=("C",), folds=3, epochs=3)
PLAN_D = Plan(names=("D",), folds=3, epochs=3)
LABELS = ("covid", "pneumonia", "no_finding")


def made_up(per_label: int = 8, labels: tuple[str, ...] = LABELS, features: int = FEATURES) -> BaseSet:
    """Features whose first hundreds tell the label; two images a patient."""
    names = np.repeat(labels, per_label)
    generator = np.random.default_rng(0)
    values = np.maximum(generator.normal(-0.9, 1, (len(names), features)), 0)
    for number, label in enumerate(LABELS):
        values[names == label, number * 1000 : (number + 1) * 1000] += 1
    return BaseSet(
        values.astype(np.float16),
        labels=stack(names.tolist()),
        patients=stack([f"p{number // 2}" for number in range(len(names))]),
        sources=stack(["here"] * len(names)),
        sha256=stack([f"{number:064x}" for number in range(len(names))]),
        backbone=Backbone("vgg16", "a" * 64, chest.PREPROCESSING),
    )


def seen(base: BaseSet, name: HeadName = "C") -> Folder:
    return {name: base}


def silent(what: str) -> OnEpoch:
    return lambda epoch, loss: None


def test_both_tasks_are_studied() -> None:
    found = study(seen(made_up()), None, PLAN, silent)
    assert list(found.tasks) == ["covid_vs_others", "covid_vs_pneumonia"]
    others, pneumonia = (found.tasks[task]["C"].pooled for task in found.tasks)
    assert (len(others.covid), len(pneumonia.covid)) == (24, 16)
    assert others.evaluation.auc.value > 0.9
    assert len(found.tasks["covid_vs_others"]["C"].folds) == 3
    assert found.tasks["covid_vs_others"]["C"].shifted is None


def test_no_image_is_judged_by_a_model_that_saw_its_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    taught: dict[str, set[str]] = {}
    teach = studies.teach

    def remembered(lessons: Images, *rest: object) -> Model:
        model = teach(lessons, *rest)  # type: ignore[arg-type]
        taught[model.name] = set(lessons.groups.tolist())
        return model

    monkeypatch.setattr(studies, "teach", remembered)
    base = made_up(features=CHEST_FEATURES + 1)
    judges = study(seen(base, "D"), None, PLAN_D, silent).tasks["covid_vs_others"]["D"].judges
    assert set(judges.of.tolist()) == {0, 1, 2}
    for patient, judge in zip(base.patients.tolist(), judges.of.tolist(), strict=True):
        assert patient not in taught[judges.models[judge].name]


def test_images_outside_a_task_are_judged_by_nobody() -> None:
    base = made_up(features=CHEST_FEATURES + 1)
    judges = study(seen(base, "D"), None, PLAN_D, silent).tasks["covid_vs_pneumonia"]["D"].judges
    assert set(base.labels[judges.of == NOBODY]) == {"no_finding"}


def test_the_papers_heads_have_a_threshold_of_their_training_too() -> None:
    one = study(seen(made_up()), None, PLAN, silent).tasks["covid_vs_others"]["C"]
    assert set(one.pooled.thresholds) == {0.5}
    assert one.pooled.at_chosen is not None
    assert one.pooled.at_chosen.auc == one.pooled.evaluation.auc


def test_head_d_has_one_threshold_and_it_is_chosen_by_fold() -> None:
    base = made_up(features=CHEST_FEATURES + 1)
    pooled = study(seen(base, "D"), None, PLAN_D, silent).tasks["covid_vs_others"]["D"].pooled
    assert pooled.at_chosen is None
    assert len(set(pooled.thresholds.tolist())) == 3


def test_other_hospitals_are_shown_to_heads_trained_on_all() -> None:
    elsewhere = made_up(4, ("covid", "no_finding"))
    found = study(seen(made_up()), seen(elsewhere), PLAN, silent)
    shown = found.tasks["covid_vs_others"]["C"].shifted
    assert shown is not None
    assert len(shown.covid) == 8
    assert found.tasks["covid_vs_pneumonia"]["C"].shifted is None, "it has no pneumonia"


def test_the_trainings_are_counted_beforehand() -> None:
    heard: list[int] = []

    def follow(what: str) -> OnEpoch:
        return lambda epoch, loss: heard.append(epoch)

    base, elsewhere = seen(made_up()), seen(made_up(4, ("covid", "no_finding")))
    study(base, elsewhere, PLAN, follow)
    assert trainings(base, elsewhere, PLAN) * PLAN.epochs == len(heard) == 42


def test_a_source_is_left_out_where_the_others_have_both_classes() -> None:
    base = made_up(features=CHEST_FEATURES + 1)
    one_or_two = np.where(base.labels == "covid", "one", "two")
    sources = np.where(np.arange(24) % 2, one_or_two, "both")
    base = dataclasses.replace(base, patients=stack([f"p{n}" for n in range(24)]), sources=sources)
    found = {one.name: one.figures for one in leave_sources_out("D", base, PLAN_D, silent)}
    assert {name: (one.positives, one.negatives) for name, one in found.items()} == {
        "both": (4, 8),
        "one": (4, 0),
        "two": (0, 8),
    }
    assert found["two"].sensitivity is None
    confounded = dataclasses.replace(base, sources=np.where(base.labels == "covid", "one", "two"))
    assert leave_sources_out("D", confounded, PLAN_D, silent) == []


def test_a_source_left_out_takes_its_patients_films_elsewhere_along(monkeypatch: pytest.MonkeyPatch) -> None:
    lessons: list[int] = []
    teach = studies.teach
    monkeypatch.setattr(
        studies, "teach", lambda given, *rest: (lessons.append(len(given.covid)), teach(given, *rest))[1]
    )
    base = made_up(features=CHEST_FEATURES + 1)
    sources = np.array(["first", "second"] * 12)  # every patient has a film in each
    assert leave_sources_out("D", dataclasses.replace(base, sources=sources), PLAN_D, silent) == []
    assert lessons == []


def test_a_single_model_judges_the_holdout_alone() -> None:
    base = made_up(features=CHEST_FEATURES + 1)
    model = study(seen(base, "D"), None, PLAN_D, silent).tasks["covid_vs_others"]["D"].judges.models[0]
    judges = single(model, base)
    assert ((judges.of == NOBODY) == ~base.holdout).all()


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
        study(seen(base), None, PLAN, silent)
