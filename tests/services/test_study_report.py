"""What a study leaves behind: numbers for programs, tables and plots for people, and the caution."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ml import chest
from ml.backbone import Backbone
from ml.base_set import BaseSet, stack
from ml.evaluation import Estimate
from ml.heads import NAMES, Head, HeadName
from ml.model_file import Model
from services.audit import UNCHANGED, Audit, Change
from services.judges import Judges
from services.studies import HeadStudy, Plan, Study
from services.study_report import write
from services.study_results import Result
from services.study_tables import FIGURES_HEADER, PAPER, Table, tables
from services.study_words import caution, reached

PLOTS = ("roc", "precision", "calibration", "confusion", "audit")


def data(covid_from: str = "one", others_from: str = "another") -> BaseSet:
    return BaseSet(
        features=np.zeros((30, 4), np.float16),
        labels=stack(["covid", "pneumonia", "no_finding"] * 10),
        patients=stack([f"p{number}" for number in range(30)]),
        sources=stack([covid_from, others_from, others_from] * 10),
        sha256=stack([str(number) for number in range(30)]),
        backbone=Backbone("vgg16", "a" * 64, chest.PREPROCESSING),
    )


def result(seed: int, skill: float, sources: tuple[str, str] = ("one", "another")) -> Result:
    generator = np.random.default_rng(seed)
    covid = np.arange(30) % 3 == 0
    probabilities = 1 / (1 + np.exp(-generator.normal(skill * (2 * covid - 1), 1)))
    return Result(
        covid,
        probabilities,
        np.full(30, 0.5),
        left_open=(probabilities > 0.1) & (probabilities < 0.9),
        sources=np.where(covid, *sources),
        patients=np.array([f"p{number}" for number in range(30)]),
        chosen=np.full(30, 0.4),
    )


def model(name: HeadName) -> Model:
    return Model(Head(name, {}), Backbone("vgg16", "a" * 64, chest.PREPROCESSING), 0.5, 0, 1, 1)


def head_study(name: HeadName, seed: int) -> HeadStudy:
    found = result(seed, 3)
    judges = Judges([model(name)], np.zeros(30, int))
    return HeadStudy(found, [found.evaluation], result(seed, 0, ("both", "both")), judges)


def found_in_audit(border: float) -> Audit:
    names = (UNCHANGED, "only the border shown", "blurred")
    areas = (0.9, border, 0.8)
    some = Estimate(0.1, 0.05, 0.2)
    changes = [
        Change(name, Estimate(area, area - 0.1, min(1, area + 0.1)), some, some)
        for name, area in zip(names, areas, strict=True)
    ]
    return Audit(30, [], changes, [], [])


@pytest.fixture(scope="module")
def study() -> Study:
    heads = {name: head_study(name, seed) for seed, name in enumerate(NAMES)}
    return Study(data(), data("one", "one"), Plan(), {"covid_vs_others": heads, "covid_vs_pneumonia": heads})


def by_title(study: Study) -> dict[str, Table]:
    return {table.title: table for table in tables(study)}


@pytest.fixture(scope="module")
def folder(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "deep" / "out"
    write(study, out, {"C": found_in_audit(0.85), "D": found_in_audit(0.55)})
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


@pytest.mark.parametrize("name", PLOTS)
def test_each_plot_is_a_picture_with_something_in_it(folder: Path, name: str) -> None:
    with Image.open(BytesIO((folder / f"{name}.png").read_bytes())) as picture:
        assert min(picture.size) > 400
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 100


def test_the_papers_table_stands_beside_ours(study: Study, folder: Path) -> None:
    rows = by_title(study)["COVID against pneumonia (the paper's task)"].rows
    papers = [f"{name}, {what}" for name in "ABC" for what in ("ours", "chosen threshold", "paper")]
    assert [row[0] for row in rows] == [*papers, "D, ours", "D, chosen threshold"]
    assert rows[2][1:] == ["70.00", "92.75", "94.35"]
    assert rows[8][1:] == ["73.20", "96.48", "95.35"]
    others = by_title(study)["COVID against all others"].rows
    assert not any("paper" in row[0] for row in others), "the paper has none for it"
    report = (folder / "report.md").read_text()
    assert f"| {' | '.join(FIGURES_HEADER)} |" in report
    assert f"| {' | '.join(rows[4])} |" in report


def test_heads_are_compared_where_nearly_all_without_are_cleared(study: Study, folder: Path) -> None:
    rows = by_title(study)["COVID against all others: where 99 % of those without are cleared"].rows
    assert [row[0] for row in rows] == [*"ABCD"]
    found = metrics(folder)["heads"]["D"]["sensitivity_at_specificity_99"]
    assert rows[3][1].startswith(f"{100 * found['value']:.1f} (")


def test_every_table_is_as_wide_as_its_header(study: Study) -> None:
    for table in tables(study):
        assert table.rows
        assert all(len(row) == len(table.header) for row in table.rows)


def test_the_shift_stands_beside_the_figure(study: Study) -> None:
    found = by_title(study)
    ours, shifted = (found[f"COVID against all others{where}"] for where in ("", ", shown the other folder"))
    assert ours.rows != shifted.rows


def test_what_is_left_open_stands_beside_the_figures_of_the_others(study: Study, folder: Path) -> None:
    (row,) = (
        row
        for row in by_title(study)["COVID against all others: UNCERTAIN, and the others"].rows
        if row[0] == "D"
    )
    pooled = study.tasks["covid_vs_others"]["D"].pooled
    assert row[1].startswith(f"{100 * pooled.open_share.value:.1f} (")
    found = metrics(folder)["heads"]["D"]
    assert found["left_open"]["value"] == pooled.open_share.value
    assert pooled.decided
    assert found["decided"]["auc"]["value"] == pooled.decided.auc.value
    assert found["at_chosen_threshold"]["threshold"] == pytest.approx(0.4)
    assert found["covered"]["covid"]["value"] == pooled.covered(True).value


def test_sources_have_tables_where_a_class_has_several(study: Study) -> None:
    assert not any("images of" in title for title in by_title(study)), "each class has one source"
    several = result(0, 3)
    sources = np.where(np.arange(30) < 15, "first", "second")
    several = Result(
        several.covid, several.probabilities, several.thresholds, several.left_open, sources, several.patients
    )
    one = head_study("D", 0)
    mixed = HeadStudy(several, one.folds, None, one.judges)
    found = by_title(Study(data(), None, Plan(), {"covid_vs_others": {"D": mixed}}))
    assert "COVID against all others, images of first (5 with COVID, 10 without)" in found


def test_a_head_that_follows_the_border_is_named(folder: Path) -> None:
    report = (folder / "report.md").read_text()
    assert "Head C follows the border: where the chest is greyed out, its AUC is 85.0" in report
    assert "Head D does not follow the border" in report
    audit = metrics(folder)["audit"]
    assert (audit["C"]["follows_border"], audit["D"]["follows_border"]) == (True, False)


def test_without_an_audit_there_is_no_word_of_it(study: Study, tmp_path: Path) -> None:
    write(study, tmp_path)
    assert not (tmp_path / "audit.png").exists()
    assert "audit" not in (tmp_path / "report.md").read_text()
    assert metrics(tmp_path)["audit"] == {}


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
    assert "Every source has images of both classes" in caution(mixed)
    assert "do not carry over to other hospitals: `covidxr evaluate --shifted DIR`" in caution(mixed)


def test_of_two_sites_the_sources_of_one_class_are_named(study: Study) -> None:
    base = data("one", "another")
    base.sources[:6] = "both"
    said = caution(Study(base, None, study.plan, study.tasks))
    assert "Images of both classes come from both alone" in said
    assert "all images of one are with COVID and all images of another are without COVID" in said


def test_heads_are_told_apart_by_what_they_are_shown(study: Study) -> None:
    only_d = Study(study.base, None, Plan(names=("D",)), study.tasks)
    assert "standardised chest" in caution(only_d)
    assert "whole picture" not in caution(only_d)
    assert "whole picture" in caution(study)


def test_the_papers_table_is_that_of_table_ii() -> None:
    assert PAPER == {"A": (0.70, 0.9275, 0.9435), "B": (0.7231, 0.9497, 0.9518), "C": (0.732, 0.9648, 0.9535)}


def test_it_says_what_is_reached_where(study: Study) -> None:
    head, said = study.tasks["covid_vs_others"]["D"], reached(study)
    assert head.shifted is not None
    home, there = (f"{100 * found.evaluation.auc.value:.1f} (" for found in (head.pooled, head.shifted))
    assert f"Head D reaches an AUC of {home}" in said
    assert f"and of {there}" in said
    assert "on images of one, which did not." in said


def test_where_no_other_hospital_was_shown_that_is_said(study: Study) -> None:
    alone = {
        task: {name: replace(head, shifted=None) for name, head in heads.items()}
        for task, heads in study.tasks.items()
    }
    said = reached(Study(study.base, None, study.plan, alone))
    assert said.count("at a hospital that it has not seen was not measured.") == len(NAMES)
