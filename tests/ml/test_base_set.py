"""The base set at rest: nothing is lost, and damage is seen."""

import dataclasses

import numpy as np
import pytest

from ml.backbone import Backbone
from ml.base_set import COLUMNS, BaseSet, BaseSetError, load, save, stack
from ml.splits import in_holdout
from ml.vgg16 import FEATURES


def small(count: int = 6) -> BaseSet:
    features = np.maximum(np.random.default_rng(0).normal(-1, 1, (count, FEATURES)), 0).astype(np.float16)
    features[0, :4] = [65_504, 6e-8, 1e-3, 0]
    return BaseSet(
        features,
        labels=stack(["covid", "pneumonia", "no_finding"] * (count // 3)),
        patients=stack([f"patient {number}" for number in range(count)]),
        sources=stack(["here"] * count),
        sha256=stack([f"{number:064x}" for number in range(count)]),
        backbone=Backbone("vgg16", "a" * 64, "grey"),
    )


def test_all_of_it_comes_back_bit_by_bit() -> None:
    base = small()
    found = load(save(base))
    assert found.features.dtype == np.float16
    np.testing.assert_array_equal(found.features.view(np.uint16), base.features.view(np.uint16))
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(base, name))
    assert found.backbone == base.backbone
    assert len(found) == 6


def test_the_same_set_gives_the_same_bytes() -> None:
    assert save(small()) == save(load(save(small())))


def test_covid_is_the_positive_class() -> None:
    assert small().covid.tolist() == [True, False, False, True, False, False]


def test_the_holdout_is_that_of_the_patients() -> None:
    base = dataclasses.replace(small(), patients=stack(["a", "a", "b", "c", "d", "e"]))
    assert base.holdout.tolist() == [in_holdout(patient) for patient in base.patients]


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
