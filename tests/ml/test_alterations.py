"""Changes to pictures: each does what its name says, and none what it does not."""

import numpy as np
import pytest

from ml import chest, lungs
from ml.alterations import BORDER_ONLY, CHEST_ONLY, LUNGS_ONLY, LUNGS_VEILED, NAMES, REST_VEILED, views
from ml.image import Decoded
from tests.radiographs import radiograph


@pytest.fixture(scope="module")
def decoded() -> Decoded:
    pixels = np.asarray(radiograph("pneumonia", 1).resize((120, 100)), np.float32) / 255
    return Decoded(pixels, "PNG", "image/png", 240, 200)


@pytest.fixture(scope="module")
def changed(decoded: Decoded) -> dict[str, Decoded]:
    return dict(zip(NAMES, views(decoded), strict=True))


def test_every_change_changes_the_picture_and_leaves_it_one(
    decoded: Decoded, changed: dict[str, Decoded]
) -> None:
    for name, view in changed.items():
        assert view.pixels.dtype == np.float32, name
        assert view.pixels.shape != decoded.pixels.shape or (view.pixels != decoded.pixels).any(), name
        assert view.pixels.min() >= 0, name
        assert view.pixels.max() <= 1, name


def test_chest_and_border_make_up_the_picture(decoded: Decoded, changed: dict[str, Decoded]) -> None:
    inside, outside = changed[CHEST_ONLY].pixels, changed[BORDER_ONLY].pixels
    assert np.allclose(inside + outside - 0.5, decoded.pixels, atol=1e-6)
    box = chest.standardise(decoded).box
    middle = round((box.y + box.height / 2) * 100), round((box.x + box.width / 2) * 120)
    assert outside[middle] == 0.5
    assert inside[middle] == decoded.pixels[middle]


def test_the_lungs_and_the_rest_are_hidden_and_veiled_apart(
    decoded: Decoded, changed: dict[str, Decoded]
) -> None:
    inside = lungs.inside((100, 120), chest.standardise(decoded).box)
    assert 0.05 < inside.mean() < 0.5
    shown, rest_veiled, lungs_veiled = (
        changed[name].pixels for name in (LUNGS_ONLY, REST_VEILED, LUNGS_VEILED)
    )
    for clear, where in ((shown, inside), (rest_veiled, inside), (lungs_veiled, ~inside)):
        assert (clear[where] == decoded.pixels[where]).all()
    assert (shown[~inside] == 0.5).all()
    for veiled, where in ((rest_veiled, ~inside), (lungs_veiled, inside)):
        assert np.abs(np.diff(veiled, axis=1))[where[:, 1:] & where[:, :-1]].max() < 0.05


def test_sizes_follow_the_pixels(decoded: Decoded, changed: dict[str, Decoded]) -> None:
    half, bordered = changed["half the size"], changed["black borders added"]
    assert (half.pixels.shape, half.width, half.height) == ((50, 60), 120, 100)
    assert (bordered.pixels.shape, bordered.width, bordered.height) == ((120, 144), 288, 240)
    assert (bordered.pixels[:10] == 0).all()
    assert (bordered.pixels[10:-10, 12:-12] == decoded.pixels).all()


def test_gamma_brightens_and_darkens(decoded: Decoded, changed: dict[str, Decoded]) -> None:
    means = [view.pixels.mean() for view in (changed["gamma 0.7"], decoded, changed["gamma 1.4"])]
    assert means == sorted(means, reverse=True)


def test_letters_are_white_in_two_corners(decoded: Decoded, changed: dict[str, Decoded]) -> None:
    drawn = changed["letters burnt in"].pixels > decoded.pixels + 0.1
    assert drawn[:30, 60:].any()
    assert drawn[70:, :60].any()
    assert not drawn[30:70].any()
