"""What was acknowledged survives a server that is killed at random moments."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.torture import Story, Truth, faults, torture

SECONDS = 60.0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_is_lost_or_repeated_when_the_server_is_killed_again_and_again(
    site_a: Path, tmp_path: Path
) -> None:
    samples = sorted((site_a / "covid").iterdir())[:8]
    figures = torture(tmp_path, samples, SECONDS)
    assert figures["faults"] == []
    assert figures["kills"] >= 3
    assert figures["acknowledged_uploads"] > 0
    assert figures["acknowledged_labels"] > 0


HEARD = [[(1, "p1"), (2, "p2")]]
STORY = Story(1, {"i1", "i2"}, {"l1": "i1"}, {"i1"}, HEARD)
FOUND = Truth({"i1": [1], "i2": [1]}, {"p1", "p2"}, {"i1": ["l1"], "i2": []})


def test_where_all_is_well_there_is_no_fault() -> None:
    assert faults(STORY, FOUND, 1) == []


@pytest.mark.parametrize(
    ("story", "found", "fault"),
    [
        ({"images": {"i1", "i3"}}, {}, "image i3 was acknowledged and is gone"),
        ({"labels": {"l9": "i1"}}, {}, "label l9 was acknowledged and is gone"),
        ({}, {"models": {"i1": [1, 1], "i2": [1]}}, "image i1 has not one prediction"),
        ({}, {"models": {"i1": [], "i2": [1]}}, "image i1 has not one prediction"),
        ({}, {"labels": {"i1": ["l1", "l2"], "i2": []}}, "image i1 was labelled once"),
        ({"heard": [[(1, "p1")]]}, {}, "never heard of prediction p2"),
        ({"heard": [[(1, "p1"), (2, "p2"), (3, "p2")]]}, {}, "heard of prediction p2 2 times"),
        ({"heard": [[(2, "p2"), (1, "p1")]]}, {}, "out of order"),
        ({"heard": [[(1, "p1"), (2, "p2"), (3, "p3")]]}, {}, "p3, which is not there"),
    ],
)
def test_each_fault_is_found(story: dict[str, object], found: dict[str, object], fault: str) -> None:
    told = faults(dataclasses.replace(STORY, **story), dataclasses.replace(FOUND, **found), 1)  # type: ignore[arg-type]
    assert any(fault in one for one in told)
