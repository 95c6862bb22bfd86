"""The audit of a version: what is found of a head is what its films show, and it is kept in plain numbers."""

import dataclasses
import json

import numpy as np
import pytest

from ml import alterations
from ml.alterations import BORDER_ONLY
from ml.base_set import BaseSet, stack
from ml.heads import pack
from ml.model_file import Model
from ml.vgg16 import CHEST_FEATURES
from services.version_audit import FILMS_OF_A_KIND, audited, chosen, gathered, told_of
from tests.feature_sets import CHESTS, WHOLES, base_set

COUNT = 400
CHEST, BORDER = 0, 1  # what the features of these tests say of the chest, and of what is around it


@pytest.fixture(scope="module")
def base() -> BaseSet:
    """Half with COVID, which chest and border both tell; two sources of each class."""
    covid = np.arange(COUNT) // 2 % 2 == 0
    features = np.random.default_rng(0).normal(0, 0.2, (COUNT, CHEST_FEATURES + 1))
    features[:, [CHEST, BORDER]] += 2 * covid[:, None] - 1
    made = base_set(np.where(covid, "covid", "no_finding").tolist(), features.astype(np.float16))
    second = np.arange(COUNT) % 8 >= 4
    return dataclasses.replace(made, sources=stack(np.where(second, "second", "first").tolist()))


def reading(feature: int) -> Model:
    """A head that goes by one feature."""
    kernel = np.zeros((CHEST_FEATURES, 1))
    kernel[feature] = 5
    return Model(pack("D", {"linear": {"kernel": kernel, "bias": np.zeros(1)}}), CHESTS, 0.5, 0, 1, 1)


def found_of(feature: int, base: BaseSet) -> dict[str, object]:
    model = reading(feature)
    rows = chosen(model, base)
    altered = {name: base.features[rows].copy() for name in alterations.NAMES}
    altered[BORDER_ONLY][:, CHEST] = 0
    altered["blurred"][:, CHEST] *= -1
    return audited(model, base, gathered(base, rows, altered))


def test_films_are_of_the_holdout_and_of_every_source_and_class(base: BaseSet) -> None:
    rows = chosen(reading(CHEST), base)
    assert base.holdout[rows].all()
    kinds = list(zip(base.sources[rows].tolist(), base.covid[rows].tolist(), strict=True))
    held = list(zip(base.sources[base.holdout].tolist(), base.covid[base.holdout].tolist(), strict=True))
    assert {kind: kinds.count(kind) for kind in kinds} == {
        kind: min(FILMS_OF_A_KIND, held.count(kind)) for kind in held
    }


def test_a_head_that_follows_the_border_is_recorded_so(base: BaseSet) -> None:
    of_border, of_chest = (found_of(feature, base) for feature in (BORDER, CHEST))
    assert (of_border["follows_border"], of_chest["follows_border"]) == (True, False)


def test_each_changed_film_is_compared_with_itself(base: BaseSet) -> None:
    found = json.loads(json.dumps(found_of(CHEST, base)))
    changes = {change["name"]: change for change in found["changes"]}
    assert changes["blurred"]["reversed"]["value"] == 1
    assert changes["gamma 0.7"]["changed"]["value"] == 0
    assert found["altered"] == sum(kind["images"] for kind in found["films"])


def test_what_tells_sources_apart_is_taken_where_it_is_known(base: BaseSet) -> None:
    model = reading(CHEST)
    rows = chosen(model, base)
    films = gathered(base, rows, dict.fromkeys(alterations.NAMES, base.features[rows]))
    plain = json.loads(json.dumps(audited(model, base, films)))["told"]
    assert [one["label"] for one in plain] == ["covid", "no_finding"]
    plain[0]["images"] = 7
    again = audited(model, base, films, told_of(plain))["told"]
    assert json.loads(json.dumps(again)) == plain


def test_a_model_of_other_features_says_why_it_was_not_audited(base: BaseSet) -> None:
    model = dataclasses.replace(reading(CHEST), backbone=WHOLES)
    rows = chosen(reading(CHEST), base)
    found = audited(model, base, gathered(base, rows, {"blurred": base.features[rows]}))
    assert list(found) == ["not_audited"]
    assert WHOLES.name in found["not_audited"]
