"""Makes a model from a set of images: taught outside the holdout, examined on it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ml import calibration, heads, logistic, novelty, recipes
from ml.backbone import Backbone
from ml.base_set import BaseSet
from ml.blocks import Blocks
from ml.evaluation import Evaluation, evaluate
from ml.heads import Head
from ml.lbfgs import State
from ml.logistic import Lessons
from ml.model_file import Model
from ml.novelty import Novelty, NoveltyError
from ml.rows import Features, blocks
from ml.runner import OnEpoch, Runner, unheard
from ml.splits import grouped_folds
from ml.training import TrainingConfig, fit

OnFold = Callable[[], None]
THRESHOLD = 0.5  # the paper calls the larger of the two outputs
FOLDS = 5


def uncounted() -> None:
    """For whoever does not follow the calibration."""


@dataclass(frozen=True, eq=False)
class Images:
    """Features (N, F), truth (N,) bool and patients (N,) of some images."""

    features: Features
    covid: np.ndarray
    groups: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> "Images":
        return Images(self.features[rows], self.covid[rows], self.groups[rows])


def images_of(base: BaseSet) -> Images:
    """What there is to learn from in a base set."""
    return Images(base.features, base.covid, base.patients)


def teach(
    lessons: Images,
    backbone: Backbone,
    config: TrainingConfig,
    on_epoch: OnEpoch = unheard,
    known: Novelty | None = None,
    on_fold: OnFold = uncounted,
    on_resume: OnEpoch = unheard,
    runner: Runner | None = None,
) -> Model:
    """A model trained on images: the same bytes from the same images on one machine.

    The paper's heads are taken as they are. Head D is calibrated on images that others of the same patients
    did not teach, and the band that it leaves open is chosen there too. Its threshold is the share of images
    with COVID: where probabilities are calibrated, sensitivity + specificity is largest there, since what is
    seen is as likely with COVID as without (Bayes' rule). Looked for among the images the largest sum lies
    now here, now there, and two models would differ by that luck. The threshold is kept within the band, so
    that on either side of it a finding is what the band's error allows. What chests look like it learns from
    the images that ``known`` takes for chests, or from all. ``on_fold`` hears of each fold that has been run
    to calibrate it, ``on_resume`` of an epoch that a checkpoint of the runner's has; see `ml.training.fit`.
    """
    positives = int(lessons.covid.sum())
    counts = positives, len(lessons.covid) - positives
    if config.head in heads.PAPER:
        head = fit(lessons.features, lessons.covid, config, on_epoch, on_resume, runner)
        return Model(head, backbone, THRESHOLD, config.seed, *counts)
    recipe = recipes.of(backbone)
    course = Course.of(lessons, recipe.of_network, config, runner or Runner())
    point = _converge(course, np.ones(len(lessons.covid)), on_epoch, on_resume)
    folds = _folds(lessons)
    if not folds:
        return Model(course.lessons.head(point), backbone, THRESHOLD, config.seed, *counts)
    scores = _cross_fitted(course, folds, on_fold)
    line = calibration.platt(scores, lessons.covid)
    probabilities = line.probability(scores)
    band = calibration.open_band(probabilities, lessons.covid)
    return Model(
        course.lessons.head(point, *line),
        backbone,
        float(np.clip(lessons.covid.mean(), *band)),
        config.seed,
        *counts,
        calibration=f"Platt's scaling, cross-fitted in {len(folds)} folds by patient",
        band=band,
        error=calibration.ERROR,
        # Without its likeness to a chest, which a whole picture has not, nothing says what is none.
        novelty=_novelty(lessons, known) if recipe.measures else None,
    )


def passes(head: str) -> int:
    """How often the epochs are run to teach a head: once, and again for each fold that calibrates it."""
    return 1 if head in heads.PAPER else 1 + FOLDS


def held_out_threshold(
    lessons: Images, backbone: Backbone, config: TrainingConfig, on_epoch: OnEpoch = unheard
) -> float:
    """A threshold for a head that has none of its own choice: the best for a head that learned from four
    fifths of the patients, on the images of the others. The usual one where a class has a single patient.
    """
    folds = _folds(lessons)
    if not folds:
        return THRESHOLD
    held = folds[0]
    others = np.setdiff1d(np.arange(len(lessons.covid)), held)
    taught = teach(lessons[others], backbone, config, on_epoch)
    return calibration.best_threshold(probabilities(taught.head, lessons[held].features), lessons.covid[held])


def examine(model: Model, base: BaseSet) -> Evaluation:
    """The model's figures on the holdout. Raises EvaluationError where it lacks one of the classes."""
    held = base.holdout
    return evaluate(base.covid[held], probabilities(model.head, base.features[held]), model.threshold)


def probabilities(head: Head, features: Features) -> np.ndarray:
    """The probability of COVID (N,) float32 for features (N, F)."""
    found = [np.asarray(heads.probability(head.params, block)) for block in blocks(features)]
    return np.concatenate(found)


def _novelty(lessons: Images, known: Novelty | None) -> Novelty | None:
    """What the images that ``known`` takes have in common; ``known`` where they are too few to tell.

    A label makes no chest of a photograph: were all that is labelled learned from, odd pictures would make
    odd pictures acceptable, and a little more with each retraining. So the platform gives the novelty of the
    model that it began with, which no retraining moves. Of a hospital that joins it takes all but the few
    films that lie outside (8 in 1,000 of one that the base set lacks); these draw centre and directions
    towards its films, so that some of the few come inside. The rest teach the head too, and have no finding.
    """
    chests = lessons
    if known is not None:
        chests = lessons[np.array([reason is None for reason in known.reasons(lessons.features)])]
    try:
        return novelty.fit(chests.features, chests.groups.tolist())
    except NoveltyError:
        return known


def _folds(lessons: Images) -> list[np.ndarray]:
    """Row numbers of up to five folds by patient; none where a class has a single patient."""
    kinds = lessons.covid.astype(str)
    fewest = min(len(set(lessons.groups[kinds == kind])) for kind in ("True", "False"))
    return grouped_folds(kinds.tolist(), lessons.groups.tolist(), min(FOLDS, fewest)) if fewest > 1 else []


@dataclass(frozen=True, eq=False)
class Course:
    """What head D learns from, again and again, divided over the devices."""

    runner: Runner
    task: str
    lessons: Lessons
    epochs: int

    @classmethod
    def of(cls, images: Images, inputs: int, config: TrainingConfig, runner: Runner) -> "Course":
        task = runner.task(repr(config), images.features, images.covid)
        scale = logistic.scale_of(images.features, inputs)
        lessons = Lessons(Blocks(images.features, runner.mesh), scale, images.covid.astype(np.float32))
        return cls(runner, task, lessons, config.epochs)


def _cross_fitted(course: Course, folds: list[np.ndarray], on_fold: OnFold) -> np.ndarray:
    """Scores (N,) of every image by a head that did not learn from its patient."""
    count = sum(map(len, folds))
    scores = np.empty(count)
    for fold in folds:
        used = np.ones(count)
        used[fold] = 0
        scores[fold] = course.lessons.log_odds(_converge(course, used))[fold]
        on_fold()
    return scores


def _converge(
    course: Course, used: np.ndarray, on_epoch: OnEpoch = unheard, on_resume: OnEpoch = unheard
) -> np.ndarray:
    """Weights and bias (P + 1,) that the images which are used teach."""
    runner = course.runner

    def epoch(state: State, _: int) -> tuple[State, np.ndarray]:
        return logistic.train_epoch(state, course.lessons, used)

    task, beginning = runner.task(course.task, used), logistic.start(course.lessons.inputs)
    return np.asarray(runner.run(task, beginning, epoch, course.epochs, on_epoch, on_resume).point)
