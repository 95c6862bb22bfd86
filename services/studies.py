"""The paper's study on a folder of images: every head cross-validated, and shown another hospital."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml import heads
from ml.base_set import POSITIVE, BaseSet
from ml.evaluation import Evaluation, evaluate
from ml.heads import HeadName
from ml.making import Images, images_of, probabilities, teach
from ml.model_file import Model
from ml.splits import SplitError, grouped_folds
from ml.training import OnEpoch, TrainingConfig

# What COVID is told from. The first task is the platform's, the second the paper's.
TASKS = {"covid_vs_others": ("pneumonia", "no_finding"), "covid_vs_pneumonia": ("pneumonia",)}


class StudyError(Exception):
    """The images do not suffice for what is asked of them."""


Folder = Mapping[HeadName, BaseSet]
"""A folder of images as each head sees it: the same images, as the features that the head reads."""


@dataclass(frozen=True, eq=False)
class Result:
    """Probabilities (N,) of images that a head was not trained on, their truth (N,) bool, and the figures.

    ``left_open`` (N,) bool says where the model would have left its finding open, and ``decided`` holds the
    figures of the others; it is none where a class has no others.
    """

    covid: np.ndarray
    probabilities: np.ndarray
    left_open: np.ndarray
    evaluation: Evaluation
    decided: Evaluation | None


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


def trainings(base: Folder, shifted: Folder | None, plan: Plan) -> int:
    """How many heads a study trains."""
    tasks_here, tasks_there = (set(tasks(_any(folder))) if folder else set() for folder in (base, shifted))
    return len(plan.names) * (plan.folds * len(tasks_here) + len(tasks_here & tasks_there))


def study(base: Folder, shifted: Folder | None, plan: Plan, follow: Callable[[str], OnEpoch]) -> Study:
    """Cross-validate every head on every task that the folder has images for, and show it the other folder.

    Patients stay together in the folds. ``follow`` is told what is trained next and gives back what is to
    hear of its epochs. Raises StudyError where images, patients or a class are too few.
    """
    if not tasks(_any(base)):
        raise StudyError("there must be images with COVID and images without")
    try:
        found = {
            task: {
                name: _study_head(name, task, base[name], shifted[name] if shifted else None, plan, follow)
                for name in plan.names
            }
            for task in tasks(_any(base))
        }
    except SplitError as error:
        raise StudyError(str(error)) from error
    return Study(_any(base), _any(shifted) if shifted else None, plan, found)


def _any(folder: Folder) -> BaseSet:
    return next(iter(folder.values()))


def _study_head(
    name: HeadName,
    task: str,
    base: BaseSet,
    shifted: BaseSet | None,
    plan: Plan,
    follow: Callable[[str], OnEpoch],
) -> HeadStudy:
    rows = tasks(base)[task]
    images = images_of(base)[rows]
    folds = grouped_folds(base.labels[rows].tolist(), base.patients[rows].tolist(), plan.folds, plan.seed)
    judged = _Judged(len(rows))
    by_fold = []
    for number, fold in enumerate(folds, 1):
        others = np.setdiff1d(np.arange(len(rows)), fold)
        heard = follow(f"head {name}, fold {number}")
        judged.by(teach(images[others], base.backbone, plan.config(name), heard), images, fold)
        by_fold.append(judged.result(images.covid, fold).evaluation)
    pooled = judged.result(images.covid, np.arange(len(rows)))
    if shifted is None or task not in tasks(shifted):
        return HeadStudy(pooled, by_fold, None)
    model = teach(images, base.backbone, plan.config(name), follow(f"head {name}, all"))
    elsewhere = images_of(shifted)[tasks(shifted)[task]]
    everyone = np.arange(len(elsewhere.covid))
    seen = _Judged(len(everyone))
    seen.by(model, elsewhere, everyone)
    return HeadStudy(pooled, by_fold, seen.result(elsewhere.covid, everyone))


class _Judged:
    """What models said of N images, each with the threshold and the band of the model that said it."""

    def __init__(self, count: int) -> None:
        self.probabilities = np.empty(count, np.float32)
        self.thresholds = np.empty(count)
        self.left_open = np.zeros(count, bool)

    def by(self, model: Model, images: Images, rows: np.ndarray) -> None:
        """Have a model judge some of the images."""
        found = probabilities(model.head, images.features[rows])
        self.probabilities[rows], self.thresholds[rows] = found, model.threshold
        self.left_open[rows] = model.leaves_open(found)

    def result(self, covid: np.ndarray, rows: np.ndarray) -> Result:
        """The figures of some of the images."""
        truth, found, thresholds = covid[rows], self.probabilities[rows], self.thresholds[rows]
        decided = ~self.left_open[rows]
        both = truth[decided].any() and not truth[decided].all()
        return Result(
            truth,
            found,
            ~decided,
            evaluate(truth, found, thresholds),
            evaluate(truth[decided], found[decided], thresholds[decided]) if both else None,
        )
