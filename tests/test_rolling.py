"""A rolling restart behind HAProxy is noticed by nobody; by hand for longer, as `tests.rolling` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rolling import SERVERS, WORKERS, roll


@pytest.mark.slow
def test_nobody_notices_a_rolling_restart(tmp_path: Path) -> None:
    story = roll(tmp_path, seconds=0)
    assert story.faults == []
    assert story.restarts == {"server": SERVERS, "worker": WORKERS}
    assert story.requests.keys() == {"upload", "query", "slow query", "label"}
    assert story.images
    assert story.labels
