"""What a study leaves behind: numbers for programs, tables and plots for people, and the caution."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ml.backbone import Backbone
from ml.base_set import BaseSet, stack
from ml.evaluation import evaluate
from ml.heads import NAMES
from services.studies import HeadStudy, Plan, Result, Study
from services.study_report import HEADER, PAPER, caution, tables, write


def data(covid_from: str = "one", others_from: str = "another") -> BaseSet:
    return BaseSet(
        features=np.zeros((30, 4), np.float16),
        labels=stack(["covid", "pneumonia", "no_finding"] * 10),
        patients=stack([f"p{number}" for number in range(30)]),
        sources=stack([covid_from, others_from, others_from] * 10),
        sha256=stack([str(number) for number in range(30)]),
        backbone=Backbone("vgg16", "a" * 64, "grey"),
    )


def result(seed: int, skill: float) -> Result:
    generator = np.random.default_rng(seed)
    covid = np.arange(30) % 3 == 0
    probabilities = 1 / (1 + np.exp(-generator.normal(skill * (2 * covid - 1), 1)))
    return Result(covid, probabilities, evaluate(covid, probabilities))


@pytest.fixture(scope="module")
def study() -> Study:
    heads = {
        name: HeadStudy(result(seed, 3), [result(seed, 3).evaluation], result(seed, 0))
        for seed, name in enumerate(NAMES)
    }
    return Study(data(), data("one", "one"), Plan(), {"covid_vs_others": heads, "covid_vs_pneumonia": heads})


@pytest.fixture(scope="module")
def folder(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "deep" / "out"
    write(study, out)
    return out


def metrics(folder: Path) -> Any:
    return json.loads((folder / "metrics.json").read_text())


def test_metrics_hold_each_heads_figures_with_intervals(study: Study, folder: Path) -> None:
    found = metrics(folder)
    for name in NAMES:
        expected = study.tasks["covid_vs_others"][name].pooled.evaluation
        for figure in ("sensitivity", "specificity", "auc"):
            assert set(found["heads"][name][figure]) == {"value", "low", "high"}
            assert found["heads"][name][figure]["value"] == getattr(expected, figure).value
    assert found["task"] == "covid_vs_others"
    assert found["tasks"]["covid_vs_pneumonia"]["heads"]["A"]["shifted"]["positives"] == 10
    assert found["data"]["labels"] == {"covid": 10, "no_finding": 10, "pneumonia": 10}
    assert found["paper"]["C"]["specificity"] == 0.9648


@pytest.mark.parametrize("name", ["roc", "calibration", "confusion"])
def test_each_plot_is_a_picture_with_something_in_it(folder: Path, name: str) -> None:
    with Image.open(BytesIO((folder / f"{name}.png").read_bytes())) as picture:
        assert min(picture.size) > 500
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 100


def test_the_papers_table_stands_beside_ours(study: Study, folder: Path) -> None:
    found = tables(study)
    rows = found["COVID against pneumonia (the paper's task)"]
    assert [row[0] for row in rows] == [f"{name}, {by}" for name in NAMES for by in ("ours", "paper")]
    assert rows[1][1:] == ["70.00", "92.75", "94.35"]
    assert rows[5][1:] == ["73.20", "96.48", "95.35"]
    assert [row[0] for row in found["COVID against all others"]] == ["A, ours", "B, ours", "C, ours"], (
        "the paper has none for it"
    )
    report = (folder / "report.md").read_text()
    assert f"| {' | '.join(HEADER)} |" in report
    assert f"| {' | '.join(rows[4])} |" in report


def test_the_shift_stands_beside_the_figure(study: Study) -> None:
    ours, shifted = list(tables(study).values())[:2]
    assert ours != shifted
    assert list(tables(study))[1].endswith("shown the other folder")


def test_the_report_says_what_it_is_not_for(folder: Path) -> None:
    assert "For research, not for diagnosis." in (folder / "report.md").read_text()
    assert metrics(folder)["notice"] == "For research, not for diagnosis."


def test_sources_of_one_class_alone_are_pointed_out(study: Study, folder: Path) -> None:
    said = caution(study)
    assert "those with COVID come from one, all others from another" in said
    assert "do not carry over to other hospitals" in said
    assert said in (folder / "report.md").read_text()


def test_shared_sources_are_not_accused(study: Study) -> None:
    mixed = Study(data("one", "one"), None, study.plan, study.tasks)
    assert "telling the sources apart" not in caution(mixed)
    assert "do not carry over to other hospitals" in caution(mixed)


def test_the_papers_table_is_that_of_table_ii() -> None:
    assert PAPER == {"A": (0.70, 0.9275, 0.9435), "B": (0.7231, 0.9497, 0.9518), "C": (0.732, 0.9648, 0.9535)}
