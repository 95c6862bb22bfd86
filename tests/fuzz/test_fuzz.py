"""Odd bytes for all that takes bytes of strangers, for seconds; `make fuzz` does so for longer."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz import hunting
from tests.fuzz.hunting import SLOW_SECONDS, hunt, inputs, made
from tests.fuzz.made_up import ends, grows, hangs, raises, target_that
from tests.fuzz.targets import TARGETS

COUNT = 300


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        (raises, "KeyError: 'odd'"),
        (ends, "the process ended with status 7"),
        (hangs, "hung for 0.5 s"),
        (grows, "took more than 500 MB"),
    ],
)
def test_what_raises_ends_hangs_or_grows_is_found_and_kept_by_its_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: Callable[[], None], wrong: str
) -> None:
    monkeypatch.setattr(hunting, "HUNG_SECONDS", 0.5 if what is hangs else 30)
    target = target_that(what)
    found = hunt(target, 0.01, "a test", tmp_path)
    name, told = list(found.findings.items())[-1]  # several where each took less time than the hunt had
    assert told == wrong
    data = (tmp_path / "made up" / name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == name
    assert data == made(target, "a test", found.inputs - 1)


def test_the_same_number_is_the_same_input() -> None:
    target = target_that(raises)
    some = [data for _, data in zip(range(99), inputs(target, "a", 0), strict=False)]
    assert some == [made(target, "a", number) for number in range(99)]
    assert len(set(some)) > 80


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # which end no server
@pytest.mark.parametrize("name", TARGETS)
def test_odd_bytes_do_no_harm(name: str) -> None:
    """Always the same, so that what is found is found again."""
    target, taken = TARGETS[name], 0
    with target.opened() as is_taken:
        for number, data in zip(range(COUNT), inputs(target, "the tests", 0), strict=False):
            began = time.process_time()
            taken += is_taken(data)
            assert time.process_time() - began < SLOW_SECONDS, f"number {number}"
    assert 0 < taken < COUNT
