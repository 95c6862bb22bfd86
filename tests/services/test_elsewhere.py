"""Sites left out: a head is shown a site that did not teach it, and no other image."""

import dataclasses

import numpy as np
import pytest

from ml.base_set import BaseSet, stack
from ml.training import OnEpoch
from services.elsewhere import leave_sites_out
from services.studies import Plan
from tests.feature_sets import base_set, chest_features

COUNT = 80


@pytest.fixture(scope="module")
def base() -> BaseSet:
    """Two sites of both classes, by halves; at the second COVID looks as health does at the first."""
    covid = np.arange(COUNT) // 2 % 2 == 0
    second = np.arange(COUNT) >= COUNT // 2
    labels = np.where(covid, "covid", "no_finding").tolist()
    base = base_set(labels, chest_features(covid != second, skill=1.0))
    return dataclasses.replace(base, sources=stack(np.where(second, "there", "here").tolist()))


def test_each_site_is_judged_by_what_the_other_taught(base: BaseSet) -> None:
    heard: list[str] = []

    def follow(what: str) -> OnEpoch:
        heard.append(what)
        return lambda epoch, loss: None

    sites = np.arange(COUNT) // (COUNT // 2)
    first, second = leave_sites_out("D", base, sites, Plan(epochs=5), follow)
    assert heard == ["head D without here", "head D without there"]
    assert (first.taught_by, first.shown, first.taught) == (["there"], ["here"], COUNT // 2)
    assert (second.taught_by, second.shown, second.shared) == (["here"], ["there"], 0)
    for found in (first, second):
        assert (found.figures.positives, found.figures.negatives) == (COUNT // 4, COUNT // 4)
        assert found.figures.auc is not None
        assert found.figures.auc.value < 0.1, "a head that the site itself had taught would do better"


def test_images_of_patients_that_taught_are_counted(base: BaseSet) -> None:
    patients = base.patients.copy()
    patients[:2] = patients[-1]
    mixed = dataclasses.replace(base, patients=patients)
    sites = np.arange(COUNT) // (COUNT // 2)
    first, second = leave_sites_out("D", mixed, sites, Plan(epochs=1), lambda what: lambda epoch, loss: None)
    assert (first.shared, second.shared) == (2, 2)


def test_where_the_others_are_of_one_class_nothing_can_be_said(base: BaseSet) -> None:
    single = np.zeros(COUNT, int)
    by_class = base.covid.astype(int)
    for sites in (single, by_class):
        assert leave_sites_out("D", base, sites, Plan(epochs=1), lambda what: lambda epoch, loss: None) == []
