"""The paper's study on a folder of images: every head cross-validated, and shown another hospital."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import numpy as np

from ml import heads
from ml.base_set import POSITIVE, BaseSet
from ml.evaluation import Evaluation, evaluate
from ml.heads import HeadName
from ml.making import THRESHOLD
from ml.splits import SplitError, grouped_folds
from ml.training import OnEpoch, TrainingConfig, fit

# What COVID is told from. The first task is the platform's, the second the paper's.
TASKS = {"covid_vs_others": ("pneumonia", "no_finding"), "covid_vs_pneumonia": ("pneumonia",)}


class StudyError(Exception):
    """The images do not suffice for what is asked of them."""


@dataclass(frozen=True, eq=False)
class Result:
    """Probabilities (N,) of images that a head was not trained on, their truth (N,) bool, and the figures."""

    covid: np.ndarray
    probabilities: np.ndarray
    evaluation: Evaluation


@dataclass(frozen=True, eq=False)
class HeadStudy:
    """One head on one task: pooled over the folds, and, trained on all, shown the other hospital's images."""

    pooled: Result
    folds: list[Evaluation]
    shifted: Result | None


@dataclass(frozen=True)
class Plan:
    """Which heads are studied, on how many folds, and how they are trained."""

    names: Sequence[HeadName] = heads.NAMES
    folds: int = 5
    seed: int = 0
    epochs: int = 20

    def config(self, name: HeadName) -> TrainingConfig:
        """How a head is trained."""
        return TrainingConfig(head=name, seed=self.seed, epochs=self.epochs)


@dataclass(frozen=True, eq=False)
class Study:
    """What was studied, and what was found: by task, by head."""

    base: BaseSet
    shifted: BaseSet | None
    plan: Plan
    tasks: dict[str, dict[HeadName, HeadStudy]]


def tasks(base: BaseSet) -> dict[str, np.ndarray]:
    """The tasks that there are images for, with their rows (M,); of two with the same rows the paper's."""
    present = set(base.labels.tolist())
    if POSITIVE not in present or present == {POSITIVE}:
        return {}
    found = {
        name: np.flatnonzero(np.isin(base.labels, (POSITIVE, *negatives)))
        for name, negatives in TASKS.items()
        if present & set(negatives)
    }
    if present == {POSITIVE, "pneumonia"}:
        del found["covid_vs_others"]
    return found


def trainings(base: BaseSet, shifted: BaseSet | None, plan: Plan) -> int:
    """How many heads a study trains."""
    shown = set(tasks(base)) & set(tasks(shifted) if shifted else ())
    return len(plan.names) * (plan.folds * len(tasks(base)) + len(shown))


def study(base: BaseSet, shifted: BaseSet | None, plan: Plan, follow: Callable[[str], OnEpoch]) -> Study:
    """Cross-validate every head on every task that the folder has images for, and show it the other folder.

    Patients stay together in the folds. ``follow`` is told what is trained next and gives back what is to
    hear of its epochs. Raises StudyError where images, patients or a class are too few.
    """
    if not tasks(base):
        raise StudyError("there must be images with COVID and images without")
    try:
        found = {
            task: {name: _study_head(name, task, base, shifted, plan, follow) for name in plan.names}
            for task in tasks(base)
        }
    except SplitError as error:
        raise StudyError(str(error)) from error
    return Study(base, shifted, plan, found)


def _study_head(
    name: HeadName,
    task: str,
    base: BaseSet,
    shifted: BaseSet | None,
    plan: Plan,
    follow: Callable[[str], OnEpoch],
) -> HeadStudy:
    rows = tasks(base)[task]
    features, covid = base.features[rows], base.covid[rows]
    probabilities = np.empty(len(rows), np.float32)
    folds = grouped_folds(base.labels[rows].tolist(), base.patients[rows].tolist(), plan.folds, plan.seed)
    for number, fold in enumerate(folds, 1):
        others = np.setdiff1d(np.arange(len(rows)), fold)
        head = fit(features[others], covid[others], plan.config(name), follow(f"head {name}, fold {number}"))
        probabilities[fold] = heads.probability(head.params, features[fold])
    pooled = _result(covid, probabilities)
    by_fold = [evaluate(covid[fold], probabilities[fold], THRESHOLD) for fold in folds]
    if shifted is None or task not in tasks(shifted):
        return HeadStudy(pooled, by_fold, None)
    head = fit(features, covid, plan.config(name), follow(f"head {name}, all"))
    seen = tasks(shifted)[task]
    return HeadStudy(
        pooled, by_fold, _result(shifted.covid[seen], heads.probability(head.params, shifted.features[seen]))
    )


def _result(covid: np.ndarray, probabilities: np.ndarray | jax.Array) -> Result:
    plain = np.asarray(probabilities)
    return Result(covid, plain, evaluate(covid, plain, THRESHOLD))
