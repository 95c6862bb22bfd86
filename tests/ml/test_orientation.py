"""Chests that lie on their side or stand on their heads are told, and upright ones left alone."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml import orientation
from ml.chest import standardise
from ml.image import Decoded, decode


def turned(film: Decoded) -> int:
    return orientation.turned(film, standardise(film))


def turn(film: Decoded, clockwise: int) -> Decoded:
    """The film as it is when it has been turned by so many degrees."""
    pixels = np.ascontiguousarray(np.rot90(film.pixels, -clockwise // 90))
    sides = (film.width, film.height) if clockwise % 180 == 0 else (film.height, film.width)
    return replace(film, pixels=pixels, width=sides[0], height=sides[1])


@pytest.fixture(scope="module")
def films(site_a: Path, site_b: Path) -> list[Decoded]:
    """Every thirtieth film of both sites."""
    found = []
    for site in (site_a, site_b):
        with (site / "manifest.csv").open() as file:
            names = [row["file"] for row in csv.DictReader(file)]
        found += [decode((site / name).read_bytes()) for name in names[::30]]
    return found


def test_upright_films_are_left_alone(films: list[Decoded]) -> None:
    assert [turned(film) for film in films] == [0] * len(films)


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_turned_films_are_told_and_by_how_much(films: list[Decoded], clockwise: int) -> None:
    found = [turned(turn(film, clockwise)) for film in films]
    assert found.count(clockwise) >= 0.95 * len(films)


def test_a_mirrored_film_that_stands_on_its_head_is_told(films: list[Decoded]) -> None:
    upside_down = [replace(film, pixels=np.ascontiguousarray(film.pixels[::-1])) for film in films]
    assert [turned(film) for film in upside_down].count(180) >= 0.95 * len(films)


def test_a_film_of_the_base_set_that_stands_on_its_head_is_told(site_a: Path) -> None:
    assert turned(decode((site_a / "no_finding/no_finding-0422.jpg").read_bytes())) == 180
