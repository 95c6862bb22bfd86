"""Copies of a film are known by their fingerprints, and other films are not."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml import default_model
from ml.fingerprint import ALIKE, are_alike, bits, distances, fingerprint, words
from ml.image import decode
from services.datasets import read_manifest


@pytest.fixture(scope="module")
def films(site_a: Path) -> list[Path]:
    """Eight films of as many patients."""
    return list({record.patient: record.path for record in read_manifest(site_a)}.values())[::60][:8]


def stored(film: Image.Image, quality: int = 60) -> np.ndarray:
    file = io.BytesIO()
    film.convert("L").save(file, "JPEG", quality=quality)
    return decode(file.getvalue()).pixels


def distance(first: str, second: str) -> int:
    return int(distances(words([first]), words([second]))[0, 0])


def test_copies_are_near_and_other_films_are_not(films: list[Path]) -> None:
    prints = [fingerprint(decode(film.read_bytes()).pixels) for film in films]
    for film, own in zip(films, prints, strict=True):
        with Image.open(film) as opened:
            width, height = opened.size
            edge = width // 200, height // 200
            copies = [
                stored(opened),
                stored(opened.resize((width // 2, height // 2))),
                stored(opened.crop((*edge, width - edge[0], height - edge[1]))),
            ]
        assert max(distance(own, fingerprint(copy)) for copy in copies) <= ALIKE
    between = distances(words(prints), words(prints))[np.triu_indices(len(prints), 1)]
    assert between.min() > 1.5 * ALIKE


def test_brightness_and_contrast_change_next_to_nothing(films: list[Path]) -> None:
    pixels = decode(films[0].read_bytes()).pixels
    assert distance(fingerprint(pixels), fingerprint(0.5 * pixels + 0.3)) <= 4


def test_a_fingerprint_is_64_digits_and_half_of_its_bits_are_set() -> None:
    pixels = np.random.default_rng(0).random((90, 70))
    assert len(fingerprint(pixels)) == 64
    assert bits(pixels).sum() == 128
    assert np.array_equal(np.unpackbits(words([fingerprint(pixels)]).view(np.uint8)), bits(pixels))


def test_even_pictures_have_one_fingerprint() -> None:
    assert {fingerprint(np.full((50, 80), grey)) for grey in (0.0, 0.3, 1.0)} == {"0" * 64}


def test_likeness_is_found_across_blocks() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, 2**63, (2, 700, 4), np.uint64)
    second[[3, 600]] = first[[650, 10]] ^ np.uint64(0b111)
    expected = np.zeros(700, bool)
    expected[[650, 10]] = True
    assert np.array_equal(are_alike(first, second), expected)
    assert not are_alike(first, second[:0]).any()
    assert are_alike(first[:0], second).shape == (0,)


def test_a_distance_of_just_so_much_is_alike() -> None:
    first = words(["0" * 64])
    near, far = words(["f" * (ALIKE // 4) + "0" * (64 - ALIKE // 4)]), words(["f" * 11 + "0" * 53])
    assert are_alike(first, near).all()
    assert not are_alike(first, far).any()


def test_the_base_sets_fingerprints_are_those_of_its_films(films: list[Path]) -> None:
    shipped = default_model.load_fingerprints()
    base = default_model.load().base_set
    assert set(shipped) == set(base.sha256.tolist())
    found = [fingerprint(decode(film.read_bytes()).pixels) for film in films]
    assert set(found) <= set(shipped.values())


def test_an_older_folder_has_none(tmp_path: Path) -> None:
    assert default_model.load_fingerprints(tmp_path) == {}
