"""The audit set at rest: a byte a feature as in the base set, and damage or another base set is seen."""

import dataclasses

import numpy as np
import pytest

from ml import base_set as base_sets
from ml.audit_set import AuditSet, load, save
from ml.base_set import BaseSet, BaseSetError, rounded
from ml.vgg16 import CHEST_FEATURES
from tests.feature_sets import CHESTS, WHOLES, base_set, chest_features

COVID = np.array([True, False, True])


def films(base: BaseSet) -> AuditSet:
    """The first three films after two changes."""
    altered = {name: chest_features(COVID, seed) for seed, name in enumerate(("blurred", "gamma"), 3)}
    return AuditSet(base.sha256[:3], altered, CHESTS)


@pytest.fixture
def base() -> BaseSet:
    return base_set(["covid", "no_finding"] * 3, chest_features(np.arange(6) % 2 == 0))


def test_it_comes_back_with_its_features_as_a_base_set_keeps_them(base: BaseSet) -> None:
    before = films(base)
    found = load(save(before))
    assert list(found.altered) == ["blurred", "gamma"]
    assert found.backbone == CHESTS
    assert len(found) == 3
    for name, features in before.altered.items():
        kept = rounded(base_set(["covid"] * 3, features))
        np.testing.assert_array_equal(found.altered[name], kept.features)
        np.testing.assert_array_equal(found.altered[name][:, CHEST_FEATURES:], features[:, CHEST_FEATURES:])


def test_the_same_set_gives_the_same_bytes(base: BaseSet) -> None:
    assert save(films(base)) == save(load(save(films(base))))


def test_it_finds_its_films_wherever_they_are_in_the_base_set(base: BaseSet) -> None:
    columns = {name: getattr(base, name)[::-1] for name in ("features", *base_sets.COLUMNS)}
    turned = BaseSet(**columns, backbone=base.backbone)
    assert films(base).rows(base).tolist() == [0, 1, 2]
    assert films(base).rows(turned).tolist() == [5, 4, 3]


def test_a_film_that_the_base_set_lacks_is_an_error(base: BaseSet) -> None:
    other = dataclasses.replace(base, sha256=np.array([f"other {row}" for row in range(6)]))
    with pytest.raises(BaseSetError, match="another base set"):
        films(base).rows(other)


def test_damage_is_seen(base: BaseSet) -> None:
    data = save(films(base))
    for damaged in (b"", data[:-40], data[: len(data) // 2]):
        with pytest.raises(BaseSetError, match="check it out again"):
            load(damaged)


def test_features_of_another_size_than_it_names_are_an_error(base: BaseSet) -> None:
    with pytest.raises(BaseSetError, match="does not hold what it names"):
        load(save(dataclasses.replace(films(base), backbone=WHOLES)))
