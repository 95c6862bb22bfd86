"""What the trainer does with a folder: learn, judge against the model in service, leave the outcome."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ml import default_model, model_file, rows
from ml.classifier import BackboneMismatch
from ml.default_model import BaseSet, DefaultModel
from ml.evaluation import evaluate
from ml.gate import Judged, Margins, judge
from ml.making import Images, probabilities, teach
from ml.model_file import Model
from ml.runner import Runner
from ml.training import TrainingConfig
from ml.verdict import Verdict
from services import model_record, origins, training_set, version_audit
from services.origins import Origins
from services.pace import Pace, Phase, expected


class Report(Protocol):
    """Whoever hears of the steps."""

    def __call__(
        self, state: str, epoch: int, loss: float | None, seconds_left: float | None = None
    ) -> None: ...


def learn(folder: Path, report: Report, beginning: Path = default_model.FOLDER) -> None:
    """Train a candidate on what `services.training_set` laid out and on the base set, and judge it.

    The base set is that of the default model, in the folder ``beginning``. Reports TRAINING with the mean
    loss and the time left after each epoch, and with that of the last epoch as the calibration goes on; then
    EVALUATING. Keeps checkpoints in the folder, and goes on from one of the same training that lies there:
    what is reported first is then the last epoch that it has. Leaves the candidate's file and the outcome:
    whether to promote it or to await an administrator's word, the verdict, its evaluation and record, the
    number of images it was trained on.
    Raises BackboneMismatch where the model in service reads other features than the base set's.
    """
    task = json.loads((folder / training_set.TASK_FILE).read_text())
    incumbent = model_file.load((folder / training_set.INCUMBENT_FILE).read_bytes())
    shipped = default_model.load(beginning)
    if incumbent.backbone != shipped.model.backbone:
        raise BackboneMismatch(
            f"the model in service reads {incumbent.backbone.name}, "
            f"and the base set holds {shipped.model.backbone.name}"
        )
    lessons, exam = divide(shipped.base_set, folder)
    config = TrainingConfig(head=task["head"], epochs=task["epochs"], seed=task["seed"])
    losses: list[float] = []
    pace = Pace(config.head, config.epochs, time.monotonic(), expected(config.head, task.get("costs")))

    def on_resume(epoch: int, loss: float) -> None:
        losses.append(loss)
        pace.resumed, pace.began = epoch, time.monotonic()
        report("TRAINING", epoch, loss)

    def on_epoch(epoch: int, loss: float) -> None:
        losses.append(loss)
        phase = Phase.EPOCH if pace.took[Phase.FIRST] else Phase.FIRST
        report("TRAINING", epoch, loss, pace.done(phase, time.monotonic()))

    def on_fold() -> None:
        report("TRAINING", config.epochs, losses[-1], pace.done(Phase.FOLD, time.monotonic()))

    candidate = teach(
        lessons,
        incumbent.backbone,
        config,
        on_epoch,
        shipped.model.novelty,
        on_fold,
        on_resume,
        Runner(checkpoints=folder / training_set.CHECKPOINTS),
    )
    report("EVALUATING", config.epochs, losses[-1], pace.done(Phase.NOVELTY, time.monotonic()))
    at_home = np.arange(len(exam.covid)) < shipped.base_set.holdout.sum()  # they come first
    verdict = _verdict(exam, at_home, incumbent, candidate, Margins(**task["margins"]))
    evaluation = evaluate(exam.covid, probabilities(candidate.head, exam.features), candidate.threshold)
    record = _record(shipped, beginning, folder, candidate, config, exam)
    pace.done(Phase.JUDGING, time.monotonic())
    outcome = {
        "promote": verdict.promote,
        "awaits": verdict.awaits,
        "verdict": verdict.sentence,
        "evaluation": evaluation.as_dict(),
        "trainedOn": len(lessons.covid),
        "head": candidate.head.name,
        "record": record | {"verdict": verdict.as_dict(), "pace": pace.measured()},
    }
    (folder / training_set.CANDIDATE_FILE).write_bytes(model_file.save(candidate))
    (folder / training_set.OUTCOME_FILE).write_text(json.dumps(outcome))


def divide(base: BaseSet, folder: Path) -> tuple[Images, Images]:
    """What is learned from and what is judged on: the base set's part and the platform's of each.

    An image that is in both counts once: to learn from, with the platform's truth, which people gave later;
    to be judged on, with the base set's, so that nobody can move the yardstick. The platform's features are
    read from the folder when they are needed, some at a time.
    """
    given = np.load(folder / training_set.IMAGES_FILE)
    platform = training_set.features_in(folder, len(given["covid"]), base.features.shape[1])
    everything = Images(
        rows.join(base.features, platform),
        np.concatenate([base.covid, given["covid"]]),
        np.concatenate([base.patients, given["group"]]),
    )
    taught, judged = _parts(base, given)
    return everything[np.concatenate(taught)], everything[np.concatenate(judged)]


def trace(base: BaseSet, folder: Path) -> tuple[Origins, Origins]:
    """Where the images come from that are learned from and judged on, in the order of `divide`."""
    given = np.load(folder / training_set.IMAGES_FILE)
    taught, judged = (
        origins.join(origins.of_base(base, known), origins.of_platform(given, new))
        for known, new in _parts(base, given)
    )
    return taught, judged


_Rows = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def _parts(base: BaseSet, given: Mapping[str, NDArray[Any]]) -> tuple[_Rows, _Rows]:
    """Which images of the base set and of the platform teach, and which of each judge."""
    superseded = np.isin(base.sha256, given["sha256"])
    repeated = np.isin(given["sha256"], base.sha256)
    teaching = ~given["holdout"] & ~np.isin(given["sha256"], base.sha256[base.holdout])
    return (~base.holdout & ~superseded, teaching), (base.holdout, given["holdout"] & ~repeated)


def _verdict(
    exam: Images, at_home: NDArray[np.bool_], incumbent: Model, candidate: Model, margins: Margins
) -> Verdict:
    old, new = (
        Judged(probabilities(model.head, exam.features), model.threshold) for model in (incumbent, candidate)
    )
    return judge(exam.covid, old, new, exam.groups.tolist(), margins, home=at_home)


def _record(
    shipped: DefaultModel,
    beginning: Path,
    folder: Path,
    candidate: Model,
    config: TrainingConfig,
    exam: Images,
) -> dict[str, Any]:
    """The candidate's record. How well features tell sources apart, and what such models reach elsewhere, was
    found with the base set once: the features are the same, and it takes longer than the training.
    """
    known = default_model.load_record(beginning)
    told = version_audit.told_of(known["audit"]["told"])
    audit = version_audit.audited(candidate, shipped.base_set, default_model.load_audit_set(beginning), told)
    taught, judged = trace(shipped.base_set, folder)
    made = model_record.recorded(candidate, config, taught, judged, exam.features, audit)
    return made | {"elsewhere": known["elsewhere"]}
