"""A retraining's memory does not grow with its images as they would in memory, and what measures it works."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.retraining.__main__ import rows_of, turns, whole_loop
from benchmarks.retraining.laying_out import lay_out
from benchmarks.retraining.trainer import Cost, TrainerEnded, run
from ml.heads import HeadName
from ml.recipes import read_by
from services import training_set
from tests.live import ROOT

linux = pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the system has no /proc")

KIB, SINGLE = 1024, 4


@linux
@pytest.mark.slow
@pytest.mark.parametrize(("head", "few", "many"), [("D", 3000, 6000), ("C", 1500, 4000)])
def test_an_image_more_takes_far_less_memory_than_its_features(
    head: HeadName, few: int, many: int, tmp_path: Path
) -> None:
    """Held in memory once as float32, as it was several times, it would take all of them.

    Head D keeps what fits into 512 MB as float16, half of it, and reads the rest again and again; what it
    looks at to tell chests has an end at 2,000.
    """
    costs = {count: run(*lay_out(tmp_path / str(count), head, count, epochs=1)) for count in (few, many)}
    grown = KIB * KIB * (costs[many].peak_mib - costs[few].peak_mib) / (many - few)
    vector = SINGLE * read_by(head).features
    assert grown < (0.9 if head == "D" else 0.4) * vector
    assert (tmp_path / str(many) / "run" / training_set.CANDIDATE_FILE).is_file()


@linux
def test_a_trainer_that_fails_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(TrainerEnded, match=r"task\.json"):
        run(tmp_path, tmp_path)


def test_growth_is_of_the_peak_from_one_size_to_the_next() -> None:
    steps = [("TRAINING", 1, 5.0), ("TRAINING", 2, 0.5), ("TRAINING", 3, 0.4), ("EVALUATING", 3, 0.1)]
    rows = rows_of({100: Cost(10.0, steps, 500.0, 300.0), 1124: Cost(20.0, steps, 510.0, 305.0)})
    assert [row["kib_an_image_more"] for row in rows] == [None, 10.0]
    assert rows[0]["epoch_ms_an_image"] == pytest.approx(4.0)
    assert [row["seconds"] for row in rows] == [10.0, 20.0]


def test_the_whole_loop_counts_training_and_features() -> None:
    row = {"images": 100, "seconds": 10.0}
    assert whole_loop(row, anew=0.2, read=0.001) == pytest.approx(30 / 10.1)


def test_contenders_take_turns() -> None:
    took = turns(["features of chests read", "features of pictures read"], 20, 2)
    assert all(0 < seconds < 1 for seconds in took.values())


def test_a_contender_that_there_is_not_ends_the_measurement() -> None:
    with pytest.raises(RuntimeError, match="cannot take part"):
        turns(["nobody"], 1, 1)


@linux
@pytest.mark.slow
def test_the_benchmark_ends_with_one_line_of_json() -> None:
    command = [sys.executable, "-m", "benchmarks.retraining", "--sizes", "200", "300"]
    options = ["--epochs", "2", "--images", "20", "--films", "1", "--rounds", "1", "--heads", "C"]
    ended = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(ended.stdout.splitlines()[-1])
    assert [row["images"] for row in found["C"]["sizes"]] == [200, 300]
    assert found["beside_keras"]["keras_over_ours"] > 0
    assert found["C"]["sizes"][0]["anew_over_kept"] > 1
