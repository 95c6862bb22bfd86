"""The paper's study on folders of images: every head cross-validated, and shown another hospital."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml import heads
from ml.base_set import POSITIVE, BaseSet
from ml.evaluation import Evaluation
from ml.heads import HeadName
from ml.making import Images, held_out_threshold, images_of, teach
from ml.model_file import Model
from ml.runner import OnEpoch
from ml.splits import SplitError, grouped_folds
from ml.training import TrainingConfig
from services.judges import NOBODY, Judges
from services.study_results import LeftOut, Result

# What COVID is told from. The first task is the platform's, the second the paper's.
TASKS = {"covid_vs_others": ("pneumonia", "no_finding"), "covid_vs_pneumonia": ("pneumonia",)}


class StudyError(Exception):
    """The images do not suffice for what is asked of them."""


Folder = Mapping[HeadName, BaseSet]
"""A folder of images as each head sees it: the same images, as the features that the head reads."""

Follow = Callable[[str], OnEpoch]
"""Is told what is trained next, and gives back what is to hear of its epochs."""


@dataclass(frozen=True, eq=False)
class HeadStudy:
    """One head on one task: pooled over the folds, and, trained on all, shown the other hospital's images.

    ``judges`` are the folds' models, by image of the whole folder; ``folds`` are their own figures, where a
    fold has both classes.
    """

    pooled: Result
    folds: list[Evaluation]
    shifted: Result | None
    judges: Judges


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
    """How many heads a study trains: of the paper's, each once more for its threshold."""
    tasks_here, tasks_there = (set(tasks(_any(folder))) if folder else set() for folder in (base, shifted))
    rounds = plan.folds * len(tasks_here) + len(tasks_here & tasks_there)
    return rounds * sum(2 if name in heads.PAPER else 1 for name in plan.names)


def study(base: Folder, shifted: Folder | None, plan: Plan, follow: Follow) -> Study:
    """Cross-validate every head on every task that the folder has images for, and show it the other folder.

    Patients stay together in the folds. Raises StudyError where images, patients or a class are too few.
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
    name: HeadName, task: str, base: BaseSet, shifted: BaseSet | None, plan: Plan, follow: Follow
) -> HeadStudy:
    rows = tasks(base)[task]
    judges = cross_validated(name, base, rows, plan, follow)
    by_fold = [judges.result(base, np.flatnonzero(judges.of == fold)) for fold in range(plan.folds)]
    seen = None
    if shifted is not None and task in tasks(shifted):
        everyone = taught(name, base, rows, shifted, plan, follow(f"head {name}, all"))
        seen = everyone.result(shifted, tasks(shifted)[task])
    return HeadStudy(judges.result(base, rows), _figures(by_fold), seen, judges)


def cross_validated(name: HeadName, base: BaseSet, rows: np.ndarray, plan: Plan, follow: Follow) -> Judges:
    """The models of the folds over some of the images (M,). Raises SplitError."""
    folds = grouped_folds(base.labels[rows].tolist(), base.patients[rows].tolist(), plan.folds, plan.seed)
    of = np.full(len(base), NOBODY)
    made = []
    for number, fold in enumerate(folds):
        lessons = images_of(base)[np.setdiff1d(rows, rows[fold])]
        made.append(_made(name, lessons, base, plan, follow(f"head {name}, fold {number + 1}")))
        of[rows[fold]] = number
    return _judges(made, of)


def taught(
    name: HeadName, base: BaseSet, rows: np.ndarray, others: BaseSet, plan: Plan, on_epoch: OnEpoch
) -> Judges:
    """A model that some of the images (M,) taught, to judge all of others."""
    made = _made(name, images_of(base)[rows], base, plan, on_epoch)
    return _judges([made], np.zeros(len(others), int))


def leave_sources_out(name: HeadName, base: BaseSet, plan: Plan, follow: Follow) -> list[LeftOut]:
    """What a head that all other sources taught says of each, where those have both classes between them."""
    found = []
    for source in np.unique(base.sources):
        there = base.sources == source
        elsewhere = ~there & ~np.isin(base.patients, base.patients[there])
        if 0 < base.covid[elsewhere].sum() < elsewhere.sum():
            heard = follow(f"head {name} without {source}")
            judges = taught(name, base, np.flatnonzero(elsewhere), base, plan, heard)
            result = judges.result(base, np.flatnonzero(there))
            found.append(LeftOut(str(source), result.among(np.ones(len(result.covid), bool))))
    return found


_Made = tuple[Model, float | None]


def _made(name: HeadName, lessons: Images, base: BaseSet, plan: Plan, on_epoch: OnEpoch) -> _Made:
    """A model, and for the paper's heads a threshold that is chosen as the others' are."""
    model = teach(lessons, base.backbone, plan.config(name), on_epoch)
    if name not in heads.PAPER:
        return model, None
    return model, held_out_threshold(lessons, base.backbone, plan.config(name), on_epoch)


def _judges(made: Sequence[_Made], of: np.ndarray) -> Judges:
    chosen = [threshold for _, threshold in made if threshold is not None]
    return Judges([model for model, _ in made], of, chosen or None)


def _figures(results: Sequence[Result]) -> list[Evaluation]:
    """Of those that have both classes."""
    return [result.evaluation for result in results if 0 < result.covid.sum() < len(result.covid)]
