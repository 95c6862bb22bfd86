"""What `benchmarks.carry` compares: a head never learned from what it is said not to have seen."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.carry import WAYS, Films, carried, home

KINDS = ("one: covid", "two: covid", "two: no_finding", "ChestX-ray8: no_finding", "ChestX-ray8: pneumonia")
EACH = 20


@pytest.fixture(scope="module")
def films() -> Films:
    """The first feature tells COVID, the second the source; of each kind two films are of one patient."""
    kinds = np.repeat(KINDS, EACH)
    covid = np.char.endswith(kinds, "covid")
    sources = np.array([kind.partition(":")[0] for kind in kinds])
    features = np.random.default_rng(1).normal(size=(len(kinds), 60)) / 4
    features[:, 0] += 2 * covid
    features[:, 1] += 9 * np.char.startswith(kinds, "two")
    patients = np.array([f"p{row // 2}" for row in range(len(kinds))])
    patients[EACH - 1] = patients[EACH]  # a film that two sources hold
    return Films(features, covid, patients, sources, kinds)


def test_what_is_unseen_has_not_taught(films: Films) -> None:
    def way(_: Films, taught: np.ndarray, shown: np.ndarray) -> np.ndarray:
        assert not set(films.patients[taught]) & set(films.patients[shown])
        missing = set(KINDS) - set(films.kinds[taught])
        lacking.append(missing)
        told: np.ndarray = films.features[shown, 0]
        return told

    lacking: list[set[str]] = []
    found = list(carried(films, way))
    assert {unseen for unseen, _, _ in found} == {"negatives", "covid", "both"}
    assert len(found) == 3 * 2 * 3
    assert all(area > 0.8 for _, _, area in found), "the first feature tells, whatever was seen"
    assert lacking.count({"two: covid"}) == 5
    assert lacking.count({"one: covid", "two: no_finding"}) == 1


@pytest.mark.parametrize(
    "name", ["as decided, C = 300", "group DRO over kinds", "each source's mean taken off"]
)
def test_at_home_a_way_tells_them_apart_unless_it_takes_the_class_off_with_the_source(
    films: Films, name: str
) -> None:
    assert (home(films, WAYS[name]) > 0.8) == (name != "each source's mean taken off")
