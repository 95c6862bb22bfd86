"""Features in places: what of a map reaches which of them."""

import numpy as np
import pytest

from ml.places import features_of, in_places


def test_left_and_right_are_told_apart_by_nothing() -> None:
    maps = np.random.default_rng(0).random((2, 10, 10, 512)).astype(np.float32)
    mirrored = in_places(maps[:, :, ::-1])
    np.testing.assert_allclose(in_places(maps), mirrored, atol=1e-7)


def test_each_feature_is_of_one_place_and_its_mirror_image() -> None:
    for row, column, place in ((0, 0, 0), (1, 9, 0), (3, 3, 3 * 1 + 1), (9, 5, 3 * 4 + 2)):
        maps = np.zeros((1, 10, 10, 512), np.float32)
        maps[0, row, column, 7] = 3
        features = np.asarray(in_places(maps))[0]
        assert np.flatnonzero(features).tolist() == [place * 512 + 7]


def test_an_empty_map_has_finite_features() -> None:
    assert not np.asarray(in_places(np.zeros((1, 10, 10, 512), np.float32))).any()


@pytest.mark.parametrize(("side", "channels", "expected"), [(10, 512, 7680), (8, 3, 4 * 2 * 3), (10, 2, 30)])
def test_maps_of_any_size_have_their_features(side: int, channels: int, expected: int) -> None:
    maps = np.random.default_rng(0).random((2, side, side, channels)).astype(np.float32)
    features = np.asarray(in_places(maps))
    assert features.shape == (2, expected) == (2, features_of(side, channels))
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-6)
