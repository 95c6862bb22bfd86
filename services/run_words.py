"""Where a training run stands and why, in a sentence."""

from __future__ import annotations

from store.tables import ACTIVE_STATES, RunState

PLAINLY = {
    RunState.QUEUED: "It waits for a trainer.",
    RunState.EVALUATING: "Its model is compared with the one in service on patients that taught neither.",
    RunState.PROMOTED: "Its model went into service.",
    RunState.REJECTED: "Its model was judged worse than the one in service.",
    RunState.AWAITING: "Its model passed on too small a holdout: an administrator has to confirm.",
    RunState.FAILED: "It failed.",
    RunState.CANCELLED: "It was cancelled.",
}


def reason(state: RunState, epoch: int, epochs: int, told: str | None) -> str:
    """Why a run stands where it does; ``told`` is its error or its model's verdict, once it has ended."""
    if state is RunState.TRAINING and not epoch:
        return "It gathers labels and features, and waits for those of images that came in a moment ago."
    if state is RunState.TRAINING:
        return f"It learns: epoch {epoch} of {epochs} is done."
    return PLAINLY[state] if state in ACTIVE_STATES or told is None else told
