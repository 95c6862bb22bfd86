"""What is no chest X-ray is refused, what is one is not, and chests that lie or stand oddly are named."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml import default_model
from ml.base_set import BaseSet
from ml.classifier import FeatureExtractor
from ml.image import Decoded, decode
from ml.novelty import DIRECTIONS, FEWEST, FOREMOST, Novelty, NoveltyError, fit
from tests.ml import other_pictures

COUNT, WIDTH = 400, 300


def cloud(seed: int, count: int = COUNT) -> np.ndarray:
    """Features of made-up chests (count, 301): near one plane of 20 directions, of likeness about 0.8."""
    plane = np.random.default_rng(99).normal(size=(20, WIDTH))
    generator = np.random.default_rng(seed)
    along, off = generator.normal(size=(count, 20)), generator.normal(0, 0.3, (count, WIDTH))
    likeness = generator.normal(0.8, 0.05, (count, 1))
    return np.concatenate([along @ plane + off, likeness], axis=1).astype(np.float16)


def people(count: int = COUNT) -> list[str]:
    return [f"patient {number // 2}" for number in range(count)]


@pytest.fixture(scope="module")
def made_up() -> Novelty:
    return fit(cloud(0), people())


def test_others_of_the_same_kind_score_about_nought_with_deviation_one(made_up: Novelty) -> None:
    scores = made_up.scores(cloud(1, 2000))
    assert scores.mean() == pytest.approx(0, abs=0.25)
    assert scores.std() == pytest.approx(1, abs=0.15)
    assert made_up.reasons(cloud(1, 2000)).count(None) >= 1980


def test_what_lies_off_the_plane_is_refused_by_how_far(made_up: Novelty) -> None:
    chests = cloud(1, 20)
    away = np.random.default_rng(3).normal(0, 1, WIDTH)
    scores = [made_up.scores(chests + np.append(away * far, 0)).mean() for far in (0, 0.1, 0.2, 0.4)]
    assert scores == sorted(scores)
    assert set(made_up.reasons(chests + np.append(away, 0))) == {"NOT_A_CHEST_XRAY"}


def test_differing_as_chests_do_is_not_strange_and_far_more_is(made_up: Novelty) -> None:
    chests = cloud(1, 20)
    places = made_up.places(chests)
    back = np.append(-2 * places[0].astype(float) @ made_up.directions.astype(float), 0)
    mirrored, far = chests[:1] + back, chests[:1] - 2 * back
    assert made_up.scores(mirrored) == pytest.approx(made_up.scores(chests[:1]), abs=0.1)
    assert made_up.scores(far) > made_up.scores(chests[:1]) + 3


def test_the_less_likeness_the_stranger(made_up: Novelty) -> None:
    chests = cloud(1, 20)
    chests[:, -1] = 0.8
    unlike = chests.copy()
    unlike[:, -1] = 0.1
    assert (made_up.scores(unlike) > made_up.scores(chests) + 3).all()


def test_between_the_limits_is_a_chest_out_of_distribution(made_up: Novelty) -> None:
    chests = cloud(1, 50)
    scores = made_up.scores(chests)
    odd, alien = np.quantile(scores, (0.5, 0.9))
    told = replace(made_up, limits=np.array([odd, alien])).reasons(chests)
    assert told.count(None) == 25
    assert told.count("NOT_A_CHEST_XRAY") == 5
    assert [reason for reason, score in zip(told, scores, strict=True) if odd < score <= alien] == [
        "OUT_OF_DISTRIBUTION"
    ] * 20


def test_like_chests_lie_at_like_places(made_up: Novelty) -> None:
    chests = cloud(1, 20)
    near = chests.copy()
    near[:, :-1] += np.random.default_rng(2).normal(0, 0.1, (20, WIDTH)).astype(np.float16)
    places, others = made_up.places(chests).astype(float), made_up.places(near).astype(float)
    apart = np.linalg.norm(places[:, None] - others[None], axis=2)
    assert places.shape == (20, DIRECTIONS)
    assert (apart.argmin(axis=1) == np.arange(20)).all()


def test_features_that_are_no_numbers_are_refused(made_up: Novelty) -> None:
    broken = cloud(1, 2)
    broken[1, 7] = np.nan
    assert made_up.reasons(broken) == [None, "NOT_A_CHEST_XRAY"]


def test_patients_left_out_tell_how_far_chests_lie_apart() -> None:
    """Were a film held against its own copy, chests of other patients would seem strange."""
    films = np.repeat(cloud(0, 100), 4, axis=0)
    apart = fit(films, [f"patient {number // 4}" for number in range(400)])
    mixed = fit(films, [f"patient {number}" for number in range(400)])
    others = cloud(1)
    assert apart.scores(others).mean() < mixed.scores(others).mean() - 0.5


def test_what_is_stored_is_what_is_used(made_up: Novelty) -> None:
    again = Novelty.from_arrays({name: array.copy() for name, array in made_up.arrays().items()})
    np.testing.assert_array_equal(again.scores(cloud(1)), made_up.scores(cloud(1)))
    assert made_up.directions.shape == (DIRECTIONS, WIDTH)


def test_earlier_ones_go_by_distance_and_likeness_alone(made_up: Novelty) -> None:
    arrays = made_up.arrays()
    spreads, weights = arrays.pop("spreads"), arrays["weights"]
    earlier = Novelty.from_arrays({**arrays, "weights": weights[[0, 1, 3]]})
    assert spreads.shape == (FOREMOST,)
    same = replace(made_up, weights=weights * [1, 1, 0, 1])
    np.testing.assert_allclose(earlier.scores(cloud(1)), same.scores(cloud(1)), atol=1e-9)


@pytest.mark.parametrize(
    "change", ["a missing one", "another number format", "other shapes", "fewer weights"]
)
def test_other_arrays_are_no_novelty(made_up: Novelty, change: str) -> None:
    arrays = made_up.arrays()
    changed = {
        "a missing one": {"centre": arrays["centre"]},
        "another number format": arrays | {"centre": arrays["centre"].astype(np.float64)},
        "other shapes": arrays | {"centre": arrays["centre"][:-1]},
        "fewer weights": arrays | {"weights": arrays["weights"][:3]},
    }
    with pytest.raises(NoveltyError):
        Novelty.from_arrays(changed[change])


def test_too_few_chests_are_nothing_to_know_chests_by() -> None:
    with pytest.raises(NoveltyError, match=f"{FEWEST - 1} images"):
        fit(cloud(0, FEWEST - 1), people(FEWEST - 1))
    with pytest.raises(NoveltyError, match="4 patients"):
        fit(cloud(0), [f"patient {number % 4}" for number in range(COUNT)])


@pytest.fixture(scope="module")
def base() -> BaseSet:
    return default_model.load().base_set


@pytest.fixture(scope="module")
def novelty(base: BaseSet) -> Novelty:
    return fit(base.features, base.patients.tolist())


@pytest.mark.slow
def test_it_takes_well_under_a_megabyte(novelty: Novelty) -> None:
    assert sum(array.nbytes for array in novelty.arrays().values()) <= 550_000


@pytest.mark.slow
@pytest.mark.parametrize("unseen", ["COVID-19 Radiography Database", "covid-chestxray-dataset"])
def test_of_hospitals_it_has_not_seen_it_refuses_one_in_a_hundred_at_most(base: BaseSet, unseen: str) -> None:
    new = base.sources == unseen
    known = fit(base.features[~new], base.patients[~new].tolist())
    reasons = known.reasons(base.features[new])
    assert len(reasons) - reasons.count(None) <= 0.01 * len(reasons)
    assert "NOT_A_CHEST_XRAY" not in reasons


def scores_of(novelty: Novelty, extractor: FeatureExtractor, pictures: Iterable[Decoded]) -> np.ndarray:
    return novelty.scores(extractor.extract([extractor.prepare(picture) for picture in pictures]))


@pytest.mark.slow
def test_other_pictures_are_refused(novelty: Novelty, extractor: FeatureExtractor) -> None:
    pictures = {**other_pictures.made(), **other_pictures.brought()}
    scores = scores_of(novelty, extractor, pictures.values())
    taken = [name for name, score in zip(pictures, scores, strict=True) if score <= novelty.limits[0]]
    assert not taken
    assert (scores > novelty.limits[1]).mean() >= 0.8, "most are told to be no chests at all"


def radiographs(*sites: Path) -> list[Decoded]:
    """Every seventieth film of the sites."""
    films = []
    for site in sites:
        with (site / "manifest.csv").open() as file:
            names = [row["file"] for row in csv.DictReader(file)]
        films += [decode((site / name).read_bytes()) for name in names[::70]]
    return films


@pytest.mark.slow
def test_radiographs_are_taken_and_inverted_ones_righted_or_refused(
    novelty: Novelty, extractor: FeatureExtractor, site_a: Path, site_b: Path
) -> None:
    films = radiographs(site_a, site_b)
    negatives = [replace(film, pixels=1 - film.pixels) for film in films]
    upright, inverted = (scores_of(novelty, extractor, pictures) for pictures in (films, negatives))
    odd = novelty.limits[0]
    assert (upright <= odd).all()
    assert ((inverted > odd) | np.isclose(inverted, upright, atol=0.3)).all()


@pytest.mark.slow
def test_radiographs_on_their_side_and_in_pieces_are_refused(
    novelty: Novelty, extractor: FeatureExtractor, site_a: Path, site_b: Path
) -> None:
    odd, films = novelty.limits[0], radiographs(site_a, site_b)
    whole = [film.pixels for film in films]
    changed = {
        "on their side": [np.rot90(pixels) for pixels in whole],
        "a quarter": [pixels[: len(pixels) // 2, : pixels.shape[1] // 2] for pixels in whole],
        "black and white": [(pixels > np.median(pixels)).astype(float) for pixels in whole],
    }
    for name, pictures in changed.items():
        scores = scores_of(novelty, extractor, map(other_pictures.decoded, pictures))
        assert (scores > odd).mean() >= 0.9, name
