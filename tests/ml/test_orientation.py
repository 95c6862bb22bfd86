"""Films that lie on their side, stand on their heads or are lateral are told, and upright ones left alone."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.Image import Resampling

from ml import orientation
from ml.chest import standardise
from ml.image import Decoded, decode
from ml.orientation import View
from tests.ml import other_pictures

X, Y = other_pictures.X, other_pictures.Y


def view(film: Decoded) -> View | None:
    return orientation.view(standardise(film))


def turn(film: Decoded, clockwise: int) -> Decoded:
    """The film as it is when it has been turned by so many degrees."""
    pixels = np.ascontiguousarray(np.rot90(film.pixels, -clockwise // 90))
    sides = (film.width, film.height) if clockwise % 180 == 0 else (film.height, film.width)
    return replace(film, pixels=pixels, width=sides[0], height=sides[1])


def tilt(film: Decoded, degrees: int) -> Decoded:
    """The film on black, turned counter-clockwise."""
    proportions = Image.fromarray(film.pixels).resize((300, round(300 * film.height / film.width)))
    return other_pictures.decoded(np.asarray(proportions.rotate(degrees, Resampling.BILINEAR, expand=True)))


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
    assert [view(film) for film in films] == ["FRONTAL"] * len(films)


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_turned_films_are_told_and_by_how_much(films: list[Decoded], clockwise: int) -> None:
    found = [view(turn(film, clockwise)) for film in films]
    assert sum(name == f"TURNED_{clockwise}" for name in found) >= 0.95 * len(films)


@pytest.mark.parametrize("degrees", [30, -30, 45])
def test_films_that_lie_askew_are_told(films: list[Decoded], degrees: int) -> None:
    found = [view(tilt(film, degrees)) for film in films]
    assert found.count("TILTED") >= 0.9 * len(films)


def test_a_mirrored_film_that_stands_on_its_head_is_told(films: list[Decoded]) -> None:
    upside_down = [replace(film, pixels=np.ascontiguousarray(film.pixels[::-1])) for film in films]
    assert [view(film) for film in upside_down].count("TURNED_180") >= 0.95 * len(films)


def test_a_film_of_the_base_set_that_stands_on_its_head_is_told(site_a: Path) -> None:
    assert view(decode((site_a / "no_finding/no_finding-0422.jpg").read_bytes())) == "TURNED_180"


def side_view(facing_right: bool) -> Decoded:
    """A body with the two lungs as one dark shape, the heart in front of them and the diaphragm aslant."""
    lungs = ((X / 0.62) ** 2 + ((Y + 0.05) / 0.8) ** 2 < 1) & (Y < 0.25 - X)
    heart = ((X - 0.15) / 0.25) ** 2 + ((Y - 0.05) / 0.2) ** 2 < 1
    noise = np.random.default_rng(0).normal(0, 0.02, X.shape)
    grey = np.where(lungs, np.where(heart, 0.5, 0.2), 0.8) + noise
    return other_pictures.decoded(grey if facing_right else grey[:, ::-1])


@pytest.mark.parametrize("facing_right", [True, False])
def test_a_lateral_view_is_told_whichever_way_it_faces(facing_right: bool) -> None:
    assert view(side_view(facing_right)) == "LATERAL"


@pytest.mark.parametrize("name", ["blank of 0.5", "noise of grain 1", "page of text in 14 points"])
def test_what_shows_no_chest_has_no_view(name: str) -> None:
    assert view(other_pictures.made()[name]) is None
