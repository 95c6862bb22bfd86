"""Where the images of a training come from, counted."""

import numpy as np

from ml.base_set import BaseSet
from services import origins
from tests.feature_sets import base_set, chest_features


def base() -> BaseSet:
    labels = ["covid", "pneumonia", "no_finding", "no_finding"]
    return base_set(labels, chest_features(np.array(labels) == "covid"))


def uploaded() -> dict[str, np.ndarray]:
    """Three images of two patients, as they are laid out."""
    return {
        "covid": np.array([True, True, False]),
        "group": np.array(["x", "x", "y"]),
        "holdout": np.array([False, False, True]),
        "evidence": np.array(["RT_PCR", "RT_PCR", "CT"]),
    }


def test_kinds_are_counted_by_source_label_and_evidence_on_both_sides() -> None:
    given = uploaded()
    taught = origins.join(
        origins.of_base(base(), np.array([True, True, False, True])),
        origins.of_platform(given, ~given["holdout"]),
    )
    judged = origins.join(
        origins.of_base(base(), np.array([False, False, True, False])),
        origins.of_platform(given, given["holdout"]),
    )
    found = origins.described(taught, judged)
    assert found["taught"] == {"images": 5, "patients": 3, "covid": 3}
    assert found["judged"] == {"images": 2, "patients": 2, "covid": 0}
    kinds = {
        (kind["source"], kind["label"], kind["evidence"]): (kind["taught"], kind["judged"])
        for kind in found["kinds"]
    }
    assert kinds == {
        ("here", "covid", "UNSTATED"): (1, 0),
        ("here", "no_finding", "UNSTATED"): (1, 1),
        ("here", "pneumonia", "UNSTATED"): (1, 0),
        (origins.PLATFORM, "covid", "RT_PCR"): (2, 0),
        (origins.PLATFORM, "no_covid", "CT"): (0, 1),
    }


def test_a_platform_without_labels_adds_nothing() -> None:
    nothing = {name: values[:0] for name, values in uploaded().items()}
    everything = np.ones(4, bool)
    found = origins.join(
        origins.of_base(base(), everything), origins.of_platform(nothing, nothing["holdout"])
    )
    assert found.counts == origins.of_base(base(), everything).counts
