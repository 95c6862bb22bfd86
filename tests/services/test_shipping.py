"""What is shipped beside the default model: its record and its audit set are those of the model itself."""

import json

import numpy as np
import pytest

from ml import alterations, default_model
from ml.default_model import DefaultModel
from services import model_record, origins, version_audit
from services.audit import border_of
from tests.live import ROOT

MOST_BYTES = 6_000_000


@pytest.fixture(scope="module")
def shipped() -> DefaultModel:
    return default_model.load()


def recorded(shipped: DefaultModel) -> dict[str, object]:
    """The record made again, but for what takes minutes."""
    base, known = shipped.base_set, default_model.load_record()
    films = default_model.load_audit_set()
    told = version_audit.told_of(known["audit"]["told"])
    return model_record.recorded(
        shipped.model,
        default_model.CONFIG,
        origins.of_base(base, ~base.holdout),
        origins.of_base(base, base.holdout),
        base.features[base.holdout],
        version_audit.audited(shipped.model, base, films, told),
    )


def test_the_record_is_that_of_the_model_as_shipped(shipped: DefaultModel) -> None:
    known, again = default_model.load_record(), json.loads(json.dumps(recorded(shipped)))
    for part in (known, again):
        del part["method"]["software"]  # of the machine that made it
    assert again["data"] == known["data"]
    assert again["method"] == known["method"]
    for mine, theirs in zip(again["audit"]["changes"], known["audit"]["changes"], strict=True):
        assert mine["auc"] == pytest.approx(theirs["auc"], abs=0.01)
        assert mine["changed"]["value"] == pytest.approx(theirs["changed"]["value"], abs=0.02)
    assert area(again["curves"]["roc"]) == pytest.approx(shipped.evaluation.auc.value, abs=0.001)
    assert area(known["curves"]["roc"]) == pytest.approx(shipped.evaluation.auc.value, abs=0.001)
    assert [one["images"] for one in known["curves"]["calibration"]] == pytest.approx(
        [one["images"] for one in again["curves"]["calibration"]], abs=2
    )
    assert again["audit"]["films"] == known["audit"]["films"]


def area(roc: dict[str, list[float]]) -> float:
    return float(np.trapezoid(roc["sensitivity"], 1 - np.array(roc["specificity"])))


def test_the_audit_set_is_small_and_of_the_holdout(shipped: DefaultModel) -> None:
    films, base = default_model.load_audit_set(), shipped.base_set
    assert (default_model.FOLDER / default_model.AUDIT_SET_FILE).stat().st_size <= MOST_BYTES
    assert tuple(films.altered) == alterations.NAMES
    assert base.holdout[films.rows(base)].all()
    assert films.rows(base).tolist() == version_audit.chosen(shipped.model, base).tolist()


def test_the_record_says_what_is_reached_elsewhere(shipped: DefaultModel) -> None:
    found = default_model.load_record()["elsewhere"]
    assert {source for one in found for source in one["shown"]} == set(shipped.base_set.sources.tolist())
    for one in found:
        assert not set(one["shown"]) & set(one["taught_by"])
        shown = np.isin(shipped.base_set.sources, one["shown"])
        assert one["figures"]["positives"] + one["figures"]["negatives"] == shown.sum()


def test_films_are_changed_and_still_themselves(shipped: DefaultModel) -> None:
    """What hardly changes a picture leaves its features nearer than what takes the chest away."""
    films, base = default_model.load_audit_set(), shipped.base_set
    assert films.backbone == base.backbone
    unchanged = base.features[films.rows(base)]
    for name, features in films.altered.items():
        distance = np.linalg.norm(np.float32(features - unchanged), axis=1)
        assert distance.max() > 0, name  # the chest alone is seen: letters rarely reach it
    halved, border = (
        np.linalg.norm(np.float32(films.altered[name] - unchanged), axis=1).mean()
        for name in ("half the size", alterations.BORDER_ONLY)
    )
    assert halved < border


def test_it_refuses_pictures_of_the_border_alone(shipped: DefaultModel) -> None:
    """As the README of the default model says."""
    films = default_model.load_audit_set()
    reasons = shipped.model.strangeness(films.altered[alterations.BORDER_ONLY])
    assert reasons == ["NOT_A_CHEST_XRAY"] * len(films)
    own = (default_model.FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"refuse all {len(films)} of these pictures" in own.replace("\n", " ")


def in_words(estimate: dict[str, float]) -> str:
    return "{value:.2f} ({low:.2f} to {high:.2f})".format(**estimate)


def test_what_is_written_of_other_hospitals_is_what_the_record_says() -> None:
    """The record is the one source: its figures stand in the README and in the default model's."""
    known = default_model.load_record()
    readme, own = (
        (folder / "README.md").read_text(encoding="utf-8") for folder in (ROOT, default_model.FOLDER)
    )
    figures = [one["figures"]["auc"] for one in known["elsewhere"]]
    for figure in figures:
        assert in_words(figure) in own
    worst = min(figure["value"] for figure in figures)
    assert f"reached {worst:.2f} at another" in readme.replace("\n> ", " ")
    assert in_words(vars(border_of(known["audit"]).auc)) in own
