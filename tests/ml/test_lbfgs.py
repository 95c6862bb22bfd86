"""L-BFGS on losses whose least is known, and on one so noisy that nothing is left to gain."""

import numpy as np
import pytest

from ml import lbfgs
from ml.lbfgs import Objective, State

INPUTS = 30


def quadratic(seed: int = 0) -> tuple[Objective, np.ndarray]:
    """A bowl whose axes differ a thousandfold, of 1 at its least, and where that is."""
    generator = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(generator.normal(size=(INPUTS, INPUTS)))
    curvature = axes @ np.diag(np.logspace(-2, 1, INPUTS)) @ axes.T
    least = generator.normal(size=INPUTS)

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        pull = curvature @ (point - least)
        return 1 + float((point - least) @ pull / 2), pull

    return loss, least


def walked(objective: Objective, steps: int) -> State:
    state = lbfgs.start(INPUTS)
    for _ in range(steps):
        state = lbfgs.step(state, objective)
    return state


def test_it_finds_the_least_and_stands_still_there() -> None:
    asked: list[np.ndarray] = []
    objective, least = quadratic()

    def counted(point: np.ndarray) -> tuple[float, np.ndarray]:
        asked.append(point)
        return objective(point)

    state = walked(counted, 200)
    np.testing.assert_allclose(state.point, least, atol=1e-2)
    assert state.still
    before = len(asked)
    assert before < 200
    assert lbfgs.step(state, counted) is state
    assert len(asked) == before, "and asks no more"


def test_each_step_gains() -> None:
    objective, _ = quadratic()
    losses = [float(walked(objective, steps).loss) for steps in range(1, 25)]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_a_step_that_is_far_too_short_or_long_is_mended(scale: float) -> None:
    """Slopes a million times larger or smaller than the first guess takes them for."""
    objective, least = quadratic()

    def scaled(point: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = objective(point)
        return scale * loss, scale * gradient

    assert np.linalg.norm(walked(scaled, 200).point - least) < 0.1


def test_in_noise_it_stands_still() -> None:
    generator = np.random.default_rng(0)
    state = walked(lambda point: (1.0, generator.normal(size=INPUTS)), 300)
    assert state.still


@pytest.mark.parametrize("cut", [1, 7, 30])
def test_the_state_is_all_that_it_goes_on_from(cut: int) -> None:
    objective, _ = quadratic()
    half = walked(objective, cut)
    copied = State(*(np.array(part) for part in half))
    for _ in range(40 - cut):
        copied = lbfgs.step(copied, objective)
    assert copied.point.tobytes() == walked(objective, 40).point.tobytes()
