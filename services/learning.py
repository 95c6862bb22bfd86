"""What the trainer does with a folder: learn, judge against the model in service, leave the outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import default_model, model_file
from ml.default_model import BaseSet
from ml.evaluation import evaluate
from ml.gate import Judged, judge
from ml.making import Images, images_of, probabilities, teach
from ml.model_file import Model
from ml.training import TrainingConfig
from services import training_set

Report = Callable[[str, int, float | None], None]


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

    candidate = teach(lessons, incumbent.backbone, config, on_epoch)
    report("EVALUATING", config.epochs, losses[-1])
    outcome = _examine(exam, incumbent, candidate) | {
        "trainedOn": len(lessons.covid),
        "head": candidate.head.name,
    }
    (folder / training_set.CANDIDATE_FILE).write_bytes(model_file.save(candidate))
    (folder / training_set.OUTCOME_FILE).write_text(json.dumps(outcome))


def divide(base: BaseSet, folder: Path) -> tuple[Images, Images]:
    """What is learned from and what is judged on: the base set's part and the platform's of each.

    An image that is in both counts once: to learn from, with the platform's truth, which people gave later;
    to be judged on, with the base set's, so that nobody can move the yardstick.
    """
    given = np.load(folder / training_set.IMAGES_FILE)
    features = training_set.features_in(folder, len(given["covid"]), base.features.shape[1])
    platform = Images(features, given["covid"], given["group"])
    known = images_of(base)
    superseded = np.isin(base.sha256, given["sha256"])
    repeated = np.isin(given["sha256"], base.sha256)
    lessons = _join(known, ~base.holdout & ~superseded, platform, ~given["holdout"])
    exam = _join(known, base.holdout, platform, given["holdout"] & ~repeated)
    return lessons, exam


def _join(
    base: Images, of_base: NDArray[np.bool_], platform: Images, of_platform: NDArray[np.bool_]
) -> Images:
    chosen = base[of_base], platform[of_platform]
    columns = ("features", "covid", "groups")
    return Images(*(np.concatenate([getattr(part, name) for part in chosen]) for name in columns))


def _examine(exam: Images, incumbent: Model, candidate: Model) -> dict[str, Any]:
    old, new = (probabilities(model.head, exam.features) for model in (incumbent, candidate))
    verdict = judge(
        exam.covid, Judged(old, incumbent.threshold), Judged(new, candidate.threshold), list(exam.groups)
    )
    evaluation = evaluate(exam.covid, new, candidate.threshold)
    return {"promote": verdict.promote, "verdict": verdict.sentence, "evaluation": evaluation.as_dict()}
