"""What `python -m benchmarks.soak` makes of its samples."""

from dataclasses import replace

import pytest

from benchmarks.soak import Sample, draw, growth

FIRST = Sample(0, 700.0, 80.0, 40, 20, 30, 1.0, 200.0, 500.0, 100, 0, 0)


@pytest.mark.parametrize("a_minute", [0.0, 0.5])
def test_what_grows_is_told_by_the_hour_and_the_beginning_does_not_count(a_minute: float) -> None:
    """In the first half whatever is made once is made."""
    samples = [
        replace(
            FIRST, minute=minute, memory_mb=700 + (20 * minute if minute < 10 else 200 + a_minute * minute)
        )
        for minute in range(20)
    ]
    assert growth(samples, "memory_mb") == 60 * a_minute
    assert growth(samples, "handles") == 0


def test_one_minute_tells_nothing_of_growth() -> None:
    assert growth([FIRST], "memory_mb") == 0


def test_draws() -> None:
    assert draw([FIRST, replace(FIRST, minute=1)]).startswith(b"\x89PNG")
