"""L-BFGS for a convex loss that is computed elsewhere, in parts: whoever calls asks for a point at a time."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

MEMORY: Final = 20
TRIES: Final = 12
FALLING, RISING = 0.9, 0.5
"""How much of a slope may be left at the end of a step, where the loss still falls there or rises again."""
WIDENING: Final = 10.0
INSIDE: Final = 0.1
"""Of a bracket, at either end, where no point is tried."""
STILL: Final = 1e-9
"""Of the loss: a step that gains less is rounding."""

Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""The loss at a point (P,) float32 and its gradient (P,) float64."""


class State(NamedTuple):
    """Where the search is, and what it remembers: the last ``known`` steps and changes of the gradient.

    ``point``, ``gradient`` (P,), ``steps``, ``changes`` (20, P) float32, newest last; ``loss`` () float32,
    ``known`` () int32; ``still`` () bool, once nothing is left to gain.
    """

    point: np.ndarray
    gradient: np.ndarray
    loss: np.ndarray
    steps: np.ndarray
    changes: np.ndarray
    known: np.ndarray
    still: np.ndarray


def start(inputs: int) -> State:
    """At zero, where nothing is known yet: the first step asks for the loss there."""
    nothing, memory = np.zeros(inputs, np.float32), np.zeros((MEMORY, inputs), np.float32)
    return State(nothing, nothing, _float(np.inf), memory, memory, np.array(0, np.int32), np.array(False))


def step(state: State, objective: Objective) -> State:
    """One step (Nocedal and Wright 2006, algorithm 7.5), or none where nothing is left to gain."""
    if state.still:
        return state
    if not np.isfinite(state.loss):
        loss, gradient = objective(state.point)
        state = state._replace(loss=_float(loss), gradient=gradient.astype(np.float32))
    direction = _direction(state)
    slope = float(direction @ state.gradient)
    if -slope <= STILL * float(state.loss):
        return state._replace(still=np.array(True))
    found = _search(state.point, direction, slope, objective)
    if found is None:
        return state._replace(still=np.array(True))
    return _moved(state, *found)


def _moved(state: State, point: np.ndarray, loss: float, gradient: np.ndarray) -> State:
    single = gradient.astype(np.float32)
    steps = np.concatenate([state.steps[1:], [point - state.point]])
    changes = np.concatenate([state.changes[1:], [single - state.gradient]])
    known = np.array(min(MEMORY, int(state.known) + 1), np.int32)
    # Where rounding leaves no curvature to remember, nothing is left to gain either.
    still = np.array(float(steps[-1].astype(np.float64) @ changes[-1].astype(np.float64)) <= 0)
    return State(point, single, _float(loss), steps, changes, known, still)


def _direction(state: State) -> np.ndarray:
    """The two loops: minus the gradient, by the inverse curvature that the last steps have shown."""
    towards = -state.gradient.astype(np.float64)
    if not state.known:
        return towards / max(1.0, float(np.linalg.norm(towards)))
    past = [part[MEMORY - int(state.known) :].astype(np.float64) for part in (state.steps, state.changes)]
    pairs = [(step, change, 1 / float(step @ change)) for step, change in zip(*past, strict=True)]
    shares = []
    for step, change, weight in reversed(pairs):
        shares.append(weight * float(step @ towards))
        towards -= shares[-1] * change
    step, change, weight = pairs[-1]
    towards /= weight * float(change @ change)
    for (step, change, weight), share in zip(pairs, reversed(shares), strict=True):
        towards += (share - weight * float(change @ towards)) * step
    return towards


def _search(
    point: np.ndarray, direction: np.ndarray, slope: float, objective: Objective
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """A point along the direction where most of the slope is gone, with loss and gradient; None in noise.

    The slope of a convex loss only rises, so that it alone tells on which side of the least a point lies:
    differences of losses drown in rounding long before.
    """
    low, high, far = (0.0, slope), None, 1.0
    for _ in range(TRIES):
        tried = (point + far * direction).astype(np.float32)
        loss, gradient = objective(tried)
        now = float(gradient @ direction)
        if FALLING * slope <= now <= -RISING * slope:
            return tried, loss, gradient
        if now < 0:
            low = far, now
        else:
            high = far, now
        far = WIDENING * far if high is None else _between(low, high)
    return None


def _between(low: tuple[float, float], high: tuple[float, float]) -> float:
    """Where a line through two slopes is zero, but not close to either."""
    share = low[1] / (low[1] - high[1])
    return low[0] + (high[0] - low[0]) * min(1 - INSIDE, max(INSIDE, share))


def _float(value: float) -> np.ndarray:
    return np.array(value, np.float32)
