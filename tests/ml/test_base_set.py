"""The base set at rest: a byte a feature, nothing else lost, and damage is seen."""

import dataclasses

import numpy as np
import pytest

from ml import base_set as base_sets
from ml.base_set import COLUMNS, STEP, BaseSet, BaseSetError, join, load, rounded, save, stack
from ml.recipes import CHEST
from ml.recipes import CHESTS as CHESTS_BY_NETWORK
from ml.splits import in_holdout
from ml.vgg16 import CHEST_FEATURES
from tests.feature_sets import CHESTS, WHOLES, base_set, chest_features


def small(count: int = 6) -> BaseSet:
    labels = ["covid", "pneumonia", "no_finding"] * (count // 3)
    return base_set(labels, chest_features(np.array(labels) == "covid"))


def test_all_but_the_features_comes_back_as_it_was() -> None:
    base = small()
    found = load(save(base))
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(base, name))
    assert found.backbone == base.backbone
    assert len(found) == 6
    np.testing.assert_array_equal(found.features[:, CHEST_FEATURES:], base.features[:, CHEST_FEATURES:])


def test_features_come_back_as_rounded_says() -> None:
    base = small()
    found = load(save(base))
    assert found.features.dtype == np.float16
    assert found.features.shape == base.features.shape
    np.testing.assert_array_equal(found.features, rounded(base).features)
    errors = np.float32(found.features[:, :CHEST_FEATURES]) - base.features[:, :CHEST_FEATURES]
    assert 0 < np.abs(errors).max() <= STEP / 2


def test_rounding_again_changes_nothing() -> None:
    once = rounded(small())
    np.testing.assert_array_equal(rounded(once).features, once.features)
    assert save(once) == save(small())


def test_rounding_leaves_the_set_itself_alone() -> None:
    base = small()
    before = base.features.copy()
    rounded(base)
    np.testing.assert_array_equal(base.features, before)


def test_features_beyond_a_byte_are_the_largest_that_fits() -> None:
    base = small()
    base.features[0, :3] = [1, 255 * STEP, 0]
    assert rounded(base).features[0, :3].tolist() == [255 * STEP, 255 * STEP, 0]


def test_the_same_set_gives_the_same_bytes() -> None:
    assert save(small()) == save(load(save(small())))


def test_covid_is_the_positive_class() -> None:
    assert small().covid.tolist() == [True, False, False, True, False, False]


def test_the_holdout_is_that_of_the_patients() -> None:
    base = dataclasses.replace(small(), patients=stack(["a", "a", "b", "c", "d", "e"]))
    assert base.holdout.tolist() == [in_holdout(patient) for patient in base.patients]


def test_two_sets_are_joined_in_order() -> None:
    first, second = small(3), small(6)
    both = join(first, second)
    assert len(both) == 9
    for name in ("features", *COLUMNS):
        np.testing.assert_array_equal(getattr(both, name)[:3], getattr(first, name))
        np.testing.assert_array_equal(getattr(both, name)[3:], getattr(second, name))
    assert both.backbone == CHESTS


def test_features_of_two_kinds_do_not_mix() -> None:
    with pytest.raises(BaseSetError, match="do not mix"):
        join(small(), dataclasses.replace(small(), backbone=WHOLES))


@pytest.mark.parametrize("damage", ["truncated", "altered", "foreign", "empty"])
def test_a_damaged_base_set_is_an_error(damage: str) -> None:
    data = save(small())
    middle = len(data) // 2
    hurt = {
        "truncated": data[:middle],
        "altered": data[:middle] + bytes(100) + data[middle + 100 :],
        "foreign": b"PK is how a zip begins, and this is none",
        "empty": b"",
    }
    with pytest.raises(BaseSetError, match="damaged"):
        load(hurt[damage])


def test_a_base_set_of_an_unknown_recipe_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = dataclasses.replace(small(), backbone=dataclasses.replace(CHESTS, preprocessing="another"))
    with monkeypatch.context() as newer:
        newer.setattr(base_sets, "of", lambda backbone: CHEST)
        data = save(unknown)
    with pytest.raises(BaseSetError, match="another"):
        load(data)


@pytest.mark.parametrize("network", ["resnet50", "inceptionv3", "mobilenetv2"])
def test_a_base_set_of_another_network_keeps_its_own_features(network: str) -> None:
    recipe = CHESTS_BY_NETWORK[network]
    features = np.random.default_rng(0).random((4, recipe.features)).astype(np.float16) / 10
    base = base_set(["covid", "no_finding"] * 2, features, recipe.backbone("b" * 64))
    found = load(save(base))
    assert found.backbone == base.backbone
    np.testing.assert_array_equal(
        found.features[:, -1], base.features[:, -1], "measures are kept as they are"
    )
    assert np.abs(np.float32(found.features) - base.features).max() <= STEP / 2
    with pytest.raises(BaseSetError, match="do not mix"):
        join(base, base_set(["covid"] * 4, features, recipe.backbone("c" * 64)))


def test_features_of_another_width_are_an_error() -> None:
    narrow = dataclasses.replace(small(), features=small().features[:, :-1])
    with pytest.raises(BaseSetError, match="does not hold what it names"):
        load(save(narrow))
