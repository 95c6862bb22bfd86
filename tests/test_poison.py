"""The lies that `python -m benchmarks.poison` tells the platform."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import poison
from benchmarks.poison import LIES, SHARE, World, gathered, part
from ml import default_model
from ml.making import images_of


@pytest.fixture(scope="module")
def world() -> World:
    """A small one, whose model is the shipped one."""
    shipped = default_model.load()
    every = part(shipped.base_set, np.arange(0, len(shipped.base_set), 9))
    brought = np.arange(len(every)) % 5 == 0
    brought = np.isin(every.patients, every.patients[brought])
    public = np.flatnonzero(~brought & ~every.holdout)
    return World(every, {}, part(every, ~brought), np.flatnonzero(brought), public, shipped.model)


@pytest.mark.parametrize("name", LIES)
def test_lies_are_what_their_names_say(world: World, name: str) -> None:
    rows = world.brought[:10].tolist()
    lie, _ = LIES[name]
    told = lie(world, rows)
    wrong = [one.covid != world.every.covid[one.row] for one in told]
    assert {one.row for one in told} >= set(rows)
    assert len({(one.row, one.copy) for one in told}) == len(told)
    if lie is poison.honest:
        assert not any(wrong)
    elif lie in (poison.covid_denied, poison.covid_made_up):
        assert len({one.covid for one in told}) == 1
    else:
        assert all(wrong)


async def test_without_a_cap_a_liar_tells_of_all_that_taught_and_with_one_of_a_share(
    world: World, tmp_path: Path
) -> None:
    truth = {row.tobytes(): covid for row, covid in zip(world.every.features, world.every.covid, strict=True)}
    wrong = {}
    for share in (1.0, SHARE):
        folder = tmp_path / f"{share}"
        folder.mkdir()
        lessons, exam = await gathered(world, 1, poison.public_films, share, 0, folder)
        features = np.asarray(lessons.features[np.arange(len(lessons.covid))])
        told = [truth[row.tobytes()] != covid for row, covid in zip(features, lessons.covid, strict=True)]
        wrong[share] = float(np.mean(told))
        # Whom the base set holds out is judged by the base set's own truth.
        home = images_of(world.base)[world.base.holdout]
        assert (exam.covid[: len(home.covid)] == home.covid).all()
    assert wrong[1.0] > 0.7
    assert 0 < wrong[SHARE] <= SHARE
