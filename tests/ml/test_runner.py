"""Checkpoints: a training that was cut short goes on to the same bytes, and takes up none but its own."""

import logging
import signal
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from ml import model_file, training_checkpoint
from ml.heads import HeadName
from ml.making import FOLDS, Images, teach
from ml.runner import Runner
from ml.training import TrainingConfig
from ml.training_checkpoint import CheckpointDamaged, Progress, fingerprint
from tests.feature_sets import CHESTS, WHOLES, lessons
from tests.live import ROOT

EPOCHS = 4


class CutShort(Exception):
    """The process that trained is gone."""


def images(head: HeadName) -> Images:
    """What a head learns from."""
    if head == "D":
        return lessons(60)
    generator, covid = np.random.default_rng(0), np.arange(24) % 2 == 0
    features = np.maximum(generator.normal(-0.9, 1, (24, 25_088)), 0) + covid[:, None] * 0.1
    return Images(features.astype(np.float16), covid, np.arange(24).astype(str))


def learned(
    head: HeadName, folder: Path | None, until: int = EPOCHS, until_fold: int = FOLDS, seed: int = 3
) -> tuple[bytes, list[int], list[int]]:
    """A model's bytes, the epochs that were run for it and those that were taken up.

    Raises CutShort after so many epochs, and after so many folds.
    """
    run, resumed, folds = list[int](), list[int](), list[int]()

    def on_epoch(epoch: int, loss: float) -> None:
        run.append(epoch)
        if epoch == until < EPOCHS:
            raise CutShort

    def on_fold() -> None:
        folds.append(1)
        if len(folds) == until_fold < FOLDS:
            raise CutShort

    model = teach(
        images(head),
        CHESTS if head == "D" else WHOLES,
        TrainingConfig(head, epochs=EPOCHS, seed=seed),
        on_epoch,
        on_fold=on_fold,
        on_resume=lambda epoch, loss: resumed.append(epoch),
        runner=Runner(checkpoints=folder, every_seconds=0),
    )
    return model_file.save(model), run, resumed


@pytest.mark.parametrize("head", ["C", "D"])
@pytest.mark.parametrize("until", [1, 3])
def test_taken_up_it_comes_to_the_same_bytes(head: HeadName, until: int, tmp_path: Path) -> None:
    whole, *_ = learned(head, None)
    with pytest.raises(CutShort):
        learned(head, tmp_path, until)
    again, run, resumed = learned(head, tmp_path)
    assert (run, resumed) == (list(range(until + 1, EPOCHS + 1)), [until])
    assert again == whole


def test_the_folds_that_calibrate_are_taken_up_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, *_ = learned("D", None)
    with pytest.raises(CutShort):
        learned("D", tmp_path, until_fold=2)
    from ml import logistic

    epochs, train_epoch = list[int](), logistic.train_epoch
    monkeypatch.setattr(logistic, "train_epoch", lambda *given: (epochs.append(1), train_epoch(*given))[1])
    again, run, resumed = learned("D", tmp_path)
    assert (run, resumed, again == whole) == ([], [EPOCHS], True)
    assert len(epochs) == EPOCHS * (FOLDS - 2)


def test_what_is_learned_from_other_images_or_settings_begins_anew(tmp_path: Path) -> None:
    with pytest.raises(CutShort):
        learned("C", tmp_path, until=2)
    _, run, resumed = learned("C", tmp_path, seed=4)
    assert (run, resumed) == ([1, 2, 3, 4], [])


def test_every_part_of_what_is_learned_from_tells_trainings_apart() -> None:
    features, covid = np.zeros((4, 6), np.float16), np.zeros(4, bool)
    others = [
        ("settings", features + np.float16(1), covid),
        ("settings", features, ~covid),
        ("other", features, covid),
        ("settings", features.reshape(6, 4), covid),
        ("settings", features.view(np.int16), covid),
    ]
    found = {fingerprint(*parts) for parts in [("settings", features, covid), *others]}
    assert len(found) == 1 + len(others)
    assert fingerprint("settings", features.copy(), covid) in found


@pytest.mark.parametrize("harm", ["cut", "changed", "of another", "no file of ours"])
def test_a_damaged_checkpoint_is_not_taken_up(
    harm: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(CutShort):
        learned("C", tmp_path, until=2)
    (file,) = tmp_path.iterdir()
    data = bytearray(file.read_bytes())
    data[-5] ^= harm == "changed"
    changed = {"cut": data[: len(data) // 2], "no file of ours": b"[]", "of another": None}.get(harm, data)
    if changed is None:
        with pytest.raises(CutShort):
            learned("C", tmp_path / "other", until=2, seed=4)
        (other,) = (tmp_path / "other").iterdir()
        changed = other.read_bytes()
    file.write_bytes(changed)
    with caplog.at_level(logging.WARNING):
        _, run, resumed = learned("C", tmp_path)
    assert (run, resumed) == ([1, 2, 3, 4], [])
    assert "begins anew" in caplog.text


def test_a_checkpoint_of_another_state_is_refused() -> None:
    saved = training_checkpoint.save(Progress({"a": np.zeros(3, np.float32)}, [1.0]), "task")
    assert training_checkpoint.load(saved, "task", {"a": np.ones(3, np.float32)}).losses == [1.0]
    for other in ({"a": np.zeros(4, np.float32)}, {"a": np.zeros(3, np.int32)}, {"b": np.zeros(3)}):
        with pytest.raises(CheckpointDamaged):
            training_checkpoint.load(saved, "task", other)


def test_a_loss_that_has_diverged_is_kept() -> None:
    saved = training_checkpoint.save(Progress({}, [0.25, float("nan")]), "task")
    assert str(training_checkpoint.load(saved, "task", {}).losses) == "[0.25, nan]"


def test_between_checkpoints_lies_some_time(tmp_path: Path) -> None:
    """Each costs a write to the disk; the last is always kept, since more trainings may follow."""
    runner = Runner(checkpoints=tmp_path, every_seconds=3600)
    kept: list[int] = []
    state = {"a": np.zeros(3, np.float32)}

    def epoch(state: dict[str, jax.Array], _: int) -> tuple[dict[str, jax.Array], jax.Array]:
        return state, jax.numpy.zeros(())

    runner.run("task", state, epoch, 3, lambda number, _: kept.append(len(list(tmp_path.iterdir()))))
    assert kept == [0, 0, 1]


KILLED = """
import sys
from pathlib import Path
from ml import training_checkpoint
file, size = Path(sys.argv[1]), 30_000_000
print("ready", flush=True)
number = 0
while True:
    number += 1
    training_checkpoint.write(file, bytes([number % 256]) * size)
"""


def test_killed_while_it_is_written_a_checkpoint_is_the_last_whole_one(tmp_path: Path) -> None:
    file = tmp_path / "task.safetensors"
    for wait in (0.05, 0.12, 0.2):
        command = [sys.executable, "-c", KILLED, str(file)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writing:
            assert writing.stdout is not None
            writing.stdout.readline()
            while not file.exists():
                pass
            try:
                writing.wait(wait)
            except subprocess.TimeoutExpired:
                writing.send_signal(signal.SIGKILL)
        found = np.frombuffer(file.read_bytes(), np.uint8)
        assert len(found) == 30_000_000
        assert (found == found[0]).all()
