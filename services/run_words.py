"""Where a training run stands and why, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from store.tables import ACTIVE_STATES, LeftOutCause, RunState

PLAINLY = {
    RunState.QUEUED: "It waits for a trainer.",
    RunState.EVALUATING: "Its model is compared with the one in service on images that taught neither.",
    RunState.PROMOTED: "Its model went into service.",
    RunState.REJECTED: "Its model was judged worse than the one in service.",
    RunState.AWAITING: "Its model passed on too small a holdout: an administrator has to confirm.",
    RunState.FAILED: "It failed.",
    RunState.CANCELLED: "It was cancelled.",
}
LEFT_OUT = {
    LeftOutCause.HELD_OUT: "kept to judge models",
    LeftOutCause.STRADDLES: "that stand between what has taught and what judges",
    LeftOutCause.IN_CONFLICT: "with labels that contradict one another",
    LeftOutCause.OVER_SHARE: "beyond the share of one user",
    LeftOutCause.WITHDRAWN: "with withdrawn labels alone",
    LeftOutCause.UNREADABLE: "without features that can be read",
}
WITHOUT_VERDICT = (RunState.FAILED, RunState.CANCELLED)


def reason(
    state: RunState, epoch: int, epochs: int, told: str | None, left_out: Mapping[str, int] | None = None
) -> str:
    """Why a run stands where it does, and how many labelled images it leaves out, once that is known.

    ``told`` is its error or its model's verdict, once it has ended.
    """
    stands = _stands(state, epoch, epochs, told, gathered=left_out is not None)
    return stands if left_out is None or state in WITHOUT_VERDICT else f"{stands} {leaves_out(left_out)}"


def leaves_out(counts: Mapping[str, int]) -> str:
    """How many labelled images do not teach a run, and why, in a sentence."""
    total = sum(counts.values())
    if not total:
        return "No labelled image is left out."
    causes = ", ".join(f"{counts[cause]} {LEFT_OUT[cause]}" for cause in LeftOutCause if cause in counts)
    return f"{total} labelled {'image is' if total == 1 else 'images are'} left out: {causes}."


def _stands(state: RunState, epoch: int, epochs: int, told: str | None, gathered: bool) -> str:
    if state is RunState.TRAINING and epoch:
        return f"It learns: epoch {epoch} of {epochs} is done."
    if state is RunState.TRAINING and gathered:
        return "It learns: its first epoch is under way."
    if state is RunState.TRAINING:
        return "It gathers labels and features, and waits for those of images that came in a moment ago."
    return PLAINLY[state] if state in ACTIVE_STATES or told is None else told
