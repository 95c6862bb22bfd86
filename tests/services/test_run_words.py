"""Why a run stands where it does: there is a sentence for every state."""

import pytest

from services.run_words import leaves_out, reason
from store.tables import ACTIVE_STATES, LeftOutCause, RunState


@pytest.mark.parametrize("state", RunState)
def test_every_state_has_a_reason(state: RunState) -> None:
    assert reason(state, 0, 20, None).endswith(".")


@pytest.mark.parametrize("state", RunState)
def test_what_was_told_at_the_end_is_no_reason_before_it(state: RunState) -> None:
    told = "Rejected: sensitivity."
    assert (reason(state, 3, 20, told) == told) is (state not in ACTIVE_STATES)


@pytest.mark.parametrize("state", RunState)
def test_says_what_is_left_out_but_of_a_run_without_a_verdict(state: RunState) -> None:
    said = reason(state, 3, 20, "So it is.", {"HELD_OUT": 7, "OVER_SHARE": 2})
    told = "9 labelled images are left out: 7 kept to judge models, 2 beyond the share of one user."
    assert said.endswith(f". {told}") is (state not in (RunState.FAILED, RunState.CANCELLED))


def test_one_and_none_are_left_out_in_plain_english() -> None:
    one = "1 labelled image is left out: 1 with labels that contradict one another."
    assert leaves_out({"IN_CONFLICT": 1}) == one
    assert leaves_out({}) == "No labelled image is left out."


def test_there_are_words_for_every_cause() -> None:
    told = leaves_out({cause.value: 1 for cause in LeftOutCause})
    assert told.count("1 ") == len(LeftOutCause)


def test_what_has_been_gathered_is_no_longer_gathered() -> None:
    assert reason(RunState.TRAINING, 0, 20, None, {}).startswith("It learns: its first epoch is under way.")


def test_counts_epochs() -> None:
    assert reason(RunState.TRAINING, 3, 20, None) == "It learns: epoch 3 of 20 is done."
