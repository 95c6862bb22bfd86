"""The audit: a head that reads the border is found out, and one that reads the chest is not."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from ml import alterations, chest, novelty
from ml.backbone import Backbone
from ml.base_set import BaseSet, stack
from ml.evaluation import Estimate, wilson
from ml.formats.image_error import ImageError
from ml.heads import pack
from ml.image import decode
from ml.model_file import Model
from ml.vgg16 import CHEST_FEATURES
from services import audit_report
from services.audit import UNCHANGED, Audit, alter, audit, sample, sources_told, verdict
from services.judges import Judges
from services.study_results import LeftOut, OfSome
from tests.radiographs import small_site
from tests.stand_ins import EverySecondPixel

BACKBONE = Backbone("vgg16", "a" * 64, chest.PREPROCESSING)
COUNT = 120
CHEST, BORDER = 0, 1  # the features of these tests: what is in the chest, and what is around it


def base(count: int = COUNT) -> BaseSet:
    """Half with COVID, which chest and border both tell; two sources of each class, which feature 2 tells."""
    covid = np.arange(count) % 2 == 0
    second = np.arange(count) % 4 >= 2
    features = np.random.default_rng(0).normal(0, 0.2, (count, CHEST_FEATURES + 1))
    features[:, CHEST] += 2 * covid - 1
    features[:, BORDER] += 2 * covid - 1
    features[:, 2:40] += second[:, None]
    return BaseSet(
        features.astype(np.float16),
        labels=stack(np.where(covid, "covid", "no_finding").tolist()),
        patients=stack([f"p{number // 8 if number < 16 else number}" for number in range(count)]),
        sources=stack(np.where(second, "second", "first").tolist()),
        sha256=stack([str(number) for number in range(count)]),
        backbone=BACKBONE,
    )


def reading(feature: int, band: tuple[float, float] | None = None) -> Model:
    """A head that goes by one feature."""
    kernel = np.zeros((CHEST_FEATURES, 1))
    kernel[feature] = 5
    head = pack("D", {"linear": {"kernel": kernel, "bias": np.zeros(1)}})
    return Model(head, BACKBONE, 0.5, 0, 1, 1, band=band)


def audited(model: Model, of: BaseSet | None = None) -> Audit:
    """The change that greys out the chest takes its feature away, and the other that of the border."""
    given = of or base()
    judges = Judges([model], np.zeros(len(given), int))
    rows = sample(given, judges, 20)
    altered = {name: given.features[rows].copy() for name in alterations.NAMES}
    altered[alterations.BORDER_ONLY][:, CHEST] = 0
    altered[alterations.CHEST_ONLY][:, BORDER] = 0
    altered["gamma 0.7"][:, CHEST] *= -1
    return audit(given, judges, rows, altered, sources=[LeftOut("first", OfSome(1, 2, None, None, None))])


def test_a_head_that_reads_the_border_is_reported_so() -> None:
    found = audited(reading(BORDER))
    assert found.follows_border
    assert found.border.auc.value > 0.95
    assert "follows the border" in audit_report.verdict("D", found)


def test_a_head_that_reads_the_chest_is_not() -> None:
    found = audited(reading(CHEST))
    assert not found.follows_border
    assert found.border.auc.value == 0.5
    assert "does not follow the border" in audit_report.verdict("D", found)


@pytest.mark.parametrize(("value", "low", "high"), [(0.7, 0.6, 0.8), (0.8, 0.71, 0.89)])
def test_of_a_verdict_that_hangs_on_the_films_it_is_said(value: float, low: float, high: float) -> None:
    clear = next(change for change in audited(reading(BORDER)).changes if change.name == UNCHANGED)
    unsure = dataclasses.replace(clear, auc=Estimate(value, low, high))
    assert "other films may say otherwise" in verdict("D", unsure)
    assert "other films" not in verdict("D", clear)


def test_findings_that_turn_are_counted() -> None:
    changes = {change.name: change for change in audited(reading(CHEST)).changes}
    assert list(changes) == [UNCHANGED, *alterations.NAMES]
    assert changes["gamma 0.7"].reversed.value == changes["gamma 0.7"].changed.value == 1
    assert changes["gamma 0.7"].auc.value < 0.05
    assert changes["blurred"].changed.value == 0


def test_findings_that_are_left_open_have_changed_and_are_not_reversed() -> None:
    changes = {change.name: change for change in audited(reading(CHEST, band=(0.45, 0.55))).changes}
    border = changes[alterations.BORDER_ONLY]
    assert (border.changed.value, border.reversed.value) == (1, 0)


def test_pictures_that_are_taken_for_no_chests_are_counted() -> None:
    given = base(160)
    knowing = dataclasses.replace(
        reading(BORDER), novelty=novelty.fit(given.features, given.patients.tolist())
    )
    rows = sample(given, Judges([knowing], np.zeros(160, int)), 20)
    altered = {name: given.features[rows].copy() for name in alterations.NAMES}
    altered[alterations.BORDER_ONLY][:, -1] = -50  # nothing there looks like a chest
    altered["blurred"][:20, -1] = -50
    both = Judges([knowing, reading(BORDER)], np.arange(160) % 2)
    for judges, share in ((Judges([knowing], np.zeros(160, int)), 1), (both, 0.5)):
        found = audit(given, judges, rows, altered)
        changes = {change.name: change.refused for change in found.changes}
        assert changes[alterations.BORDER_ONLY] == wilson(round(80 * share), 80)
        assert changes["blurred"]
        assert changes["blurred"].value == pytest.approx(share / 4, abs=0.05)
        assert changes[UNCHANGED]
        assert changes[UNCHANGED].value < 0.05
    told = audit_report.verdict("D", audit(given, Judges([knowing], np.zeros(160, int)), rows, altered))
    assert told.endswith("It would refuse 100.0 (95.4-100.0) % of such pictures as no chest X-ray.")


def test_a_model_that_judges_whatever_it_is_shown_is_said_to_refuse_nothing() -> None:
    found = audited(reading(BORDER))
    assert [change.refused for change in found.changes] == [None] * len(found.changes)
    assert "refuse" not in audit_report.verdict("D", found)
    assert all(row[-1] == "-" for row in audit_report.tables({"D": found})[0].rows)


def test_the_source_is_told_from_what_the_head_reads_alone() -> None:
    given = base()
    assert [(told.label, told.images) for told in sources_told([given], CHEST_FEATURES)] == [
        ("covid", 60),
        ("no_finding", 60),
    ]
    assert all(told.auc.value > 0.95 for told in sources_told([given], CHEST_FEATURES))
    assert all(told.auc.value < 0.8 for told in sources_told([given], 2))


def test_a_source_of_few_patients_is_told_from_none() -> None:
    assert sources_told([base(24)], CHEST_FEATURES) == []


def test_large_publications_have_a_line_and_small_ones_share_one() -> None:
    found = audited(reading(CHEST)).publications
    assert [one.figures.positives for one in found] == [4, 4, 52]
    assert all(one.figures.sensitivity and one.figures.sensitivity.value == 1 for one in found)
    assert found[2].name == "the 52 with fewer than 4 images"


def test_the_sample_has_all_kinds_and_only_what_can_be_judged() -> None:
    given = base()
    of = np.where(np.arange(COUNT) < 100, 0, -1)
    rows = sample(given, Judges([reading(CHEST)], of), 10)
    assert rows.max() < 100
    kinds = [(given.sources[row], bool(given.covid[row])) for row in rows]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        (source, covid): 10 for source in ("first", "second") for covid in (True, False)
    }


def test_files_are_changed_from_the_first_on(tmp_path: Path) -> None:
    files = sorted(small_site(tmp_path / "site", 3).glob("*.png"))
    heard: list[tuple[int, int]] = []
    extractor = EverySecondPixel()
    found = alter(files, extractor, lambda done, of: heard.append((done, of)))
    assert list(found) == list(alterations.NAMES)
    assert heard == [(1, 3), (2, 3), (3, 3)]
    for row, file in enumerate(files):
        views = zip(alterations.NAMES, alterations.views(decode(file.read_bytes())), strict=True)
        for name, view in views:
            expected = extractor.extract([extractor.prepare(view)])[0]
            assert (found[name][row] == expected).all(), name


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(ImageError):
        alter([tmp_path / "text.png"], EverySecondPixel(), lambda done, of: None)


def test_an_audit_is_told_in_tables_and_in_json() -> None:
    found: audit_report.Audits = {"D": audited(reading(BORDER))}
    titles = [table.title for table in audit_report.tables(found)]
    assert titles == [
        "After a change to the picture (80 images)",
        "The source, told from the features",
        "With a publication left out of the training",
        "With a source left out of the training",
    ]
    for table in audit_report.tables(found):
        assert all(len(row) == len(table.header) for row in table.rows)
    plain = json.loads(json.dumps(audit_report.plain(found)))
    assert plain["D"]["follows_border"] is True
    assert plain["D"]["sources"][0]["name"] == "first"
