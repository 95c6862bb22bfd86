"""Why a run stands where it does: there is a sentence for every state."""

import pytest

from services.run_words import reason
from store.tables import ACTIVE_STATES, RunState


@pytest.mark.parametrize("state", RunState)
def test_every_state_has_a_reason(state: RunState) -> None:
    assert reason(state, 0, 20, None).endswith(".")


@pytest.mark.parametrize("state", RunState)
def test_what_was_told_at_the_end_is_no_reason_before_it(state: RunState) -> None:
    told = "Rejected: sensitivity."
    assert (reason(state, 3, 20, told) == told) is (state not in ACTIVE_STATES)


def test_counts_epochs() -> None:
    assert reason(RunState.TRAINING, 3, 20, None) == "It learns: epoch 3 of 20 is done."
