"""What the trainer does with a folder: learn, judge against the model in service, leave the outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import default_model, heads, model_file
from ml.default_model import BaseSet
from ml.evaluation import evaluate
from ml.gate import Judged, judge
from ml.model_file import Model
from ml.training import TrainingConfig, fit
from services import training_set

Report = Callable[[str, int, float | None], None]


@dataclass(frozen=True)
class Images:
    """Features (N, 25088) float16, truth (N,) bool and patients (N,) of some images."""

    features: NDArray[np.float16]
    covid: NDArray[np.bool_]
    groups: NDArray[np.str_]


def learn(folder: Path, report: Report) -> None:
    """Train a candidate on what `services.training_set` laid out and on the base set, and judge it.

    Reports TRAINING with the mean loss after each epoch, then EVALUATING. Leaves the candidate's file and the
    outcome: whether to promote it, the verdict, its evaluation, the number of images it was trained on.
    """
    task = json.loads((folder / training_set.TASK_FILE).read_text())
    incumbent = model_file.load((folder / training_set.INCUMBENT_FILE).read_bytes())
    lessons, exam = divide(default_model.load().base_set, folder)
    config = TrainingConfig(head=task["head"], epochs=task["epochs"], seed=task["seed"])
    losses: list[float] = []

    def on_epoch(epoch: int, loss: float) -> None:
        losses.append(loss)
        report("TRAINING", epoch, loss)

    head = fit(lessons.features, lessons.covid, config, on_epoch)
    report("EVALUATING", config.epochs, losses[-1])
    positives = int(lessons.covid.sum())
    candidate = Model(
        head, incumbent.backbone, incumbent.threshold, config.seed, positives, len(lessons.covid) - positives
    )
    outcome = _examine(exam, incumbent, candidate) | {"trainedOn": len(lessons.covid), "head": head.name}
    (folder / training_set.CANDIDATE_FILE).write_bytes(model_file.save(candidate))
    (folder / training_set.OUTCOME_FILE).write_text(json.dumps(outcome))


def divide(base: BaseSet, folder: Path) -> tuple[Images, Images]:
    """What is learned from and what is judged on: the base set's part and the platform's of each.

    An image that is in both counts once: to learn from, with the platform's truth, which people gave later;
    to be judged on, with the base set's, so that nobody can move the yardstick.
    """
    given = np.load(folder / training_set.IMAGES_FILE)
    features = np.load(folder / training_set.FEATURES_FILE, mmap_mode="r")[: len(given["covid"])]
    platform = Images(features, given["covid"], given["group"])
    known = Images(base.features, base.covid, base.patients)
    superseded = np.isin(base.sha256, given["sha256"])
    repeated = np.isin(given["sha256"], base.sha256)
    lessons = _join(known, ~base.holdout & ~superseded, platform, ~given["holdout"])
    exam = _join(known, base.holdout, platform, given["holdout"] & ~repeated)
    return lessons, exam


def _join(
    base: Images, of_base: NDArray[np.bool_], platform: Images, of_platform: NDArray[np.bool_]
) -> Images:
    return Images(
        np.concatenate([base.features[of_base], platform.features[of_platform]]),
        np.concatenate([base.covid[of_base], platform.covid[of_platform]]),
        np.concatenate([base.groups[of_base], platform.groups[of_platform]]),
    )


def _examine(exam: Images, incumbent: Model, candidate: Model) -> dict[str, Any]:
    old, new = _probabilities(incumbent, exam), _probabilities(candidate, exam)
    verdict = judge(
        exam.covid, Judged(old, incumbent.threshold), Judged(new, candidate.threshold), list(exam.groups)
    )
    evaluation = evaluate(exam.covid, new, candidate.threshold)
    return {"promote": verdict.promote, "verdict": verdict.sentence, "evaluation": evaluation.as_dict()}


def _probabilities(model: Model, exam: Images) -> NDArray[np.floating[Any]]:
    return np.asarray(heads.probability(model.head.params, exam.features))
