"""The benchmark of a hospital that joins: who is labelled and who judges, and what is said of them."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks import shift
from benchmarks.shift import LABELS, Film
from benchmarks.shift_plot import Figures, Stage, draw
from ml.default_model import FOLDER, TWINS_FILE


def film(number: int, covid: bool) -> Film:
    return Film(Path(f"{number}.png"), covid, f"patient {number}")


def test_classes_get_labels_in_turn_and_none_of_those_judges() -> None:
    films = [film(number, number % 3 > 0) for number in range(300)]
    labelled, others = shift.divided(films)
    assert len(labelled) == max(LABELS)
    for count in LABELS:
        assert sum(one.covid for one in labelled[:count]) == -(-count // 2)
    assert not {*labelled} & {*others}
    assert {*labelled} | {*others} == {*films}
    assert shift.divided(films) == (labelled, others)
    assert shift.divided(films, seed=1) != (labelled, others)


def test_films_that_two_collections_hold_judge_neither(site_a: Path, site_b: Path) -> None:
    pairs = json.loads((FOLDER / TWINS_FILE).read_text())
    left = sum(len(shift.films(site)) for site in (site_a, site_b))
    assert left == 890 + 417 - len({film for pair in pairs for film in pair})


def judged(*findings: tuple[bool, float, str | None]) -> Figures:
    """What is said of images by their truth, probability and finding."""
    truth = {str(number): covid for number, (covid, _, _) in enumerate(findings)}
    predictions: dict[str, dict[str, Any]] = {
        str(number): {"probability": probability, "finding": finding}
        for number, (_, probability, finding) in enumerate(findings)
    }
    return shift._judged(predictions, truth)


def test_what_is_left_open_counts_for_the_auc_alone() -> None:
    found = judged(
        (True, 0.9, "COVID"),
        (True, 0.8, "NO_COVID"),
        (True, 0.6, None),
        (False, 0.7, None),
        (False, 0.2, "NO_COVID"),
        (False, 0.1, "NO_COVID"),
    )
    auc, sensitivity, specificity, left_open = found.in_order()
    assert auc.value == pytest.approx(8 / 9)
    assert (sensitivity.value, specificity.value) == (0.5, 1)
    assert left_open.value == pytest.approx(1 / 3)


def test_the_table_and_the_plot_have_each_stage() -> None:
    worse = judged((True, 0.6, "COVID"), (True, 0.2, "NO_COVID"), (False, 0.4, "NO_COVID"))
    better = judged((True, 0.9, "COVID"), (True, 0.7, "COVID"), (False, 0.1, "NO_COVID"))
    stages = [
        Stage(0, "FIRST", "", better, worse, better, worse),
        Stage(10, "PROMOTED", "Promoted.", better, better, better, better),
        Stage(25, "REJECTED", "Rejected.", better, better, worse, better),
    ]
    lines = shift.table(stages).splitlines()
    assert [line.split()[:2] for line in lines[1:]][:2] == [["0", "FIRST"], ["0", "FIRST"]]
    assert sum("PROMOTED" in line for line in lines) == 2
    assert sum("REJECTED" in line for line in lines) == 4
    with Image.open(io.BytesIO(draw(stages))) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 300
