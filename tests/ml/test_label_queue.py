"""The order of the label queue: by uncertainty, and what is like nothing before it first."""

import numpy as np

from ml.label_queue import order

NOTHING = np.empty((0, 2))


def test_among_images_all_unlike_the_least_certain_comes_first() -> None:
    places = np.array([[0, 0], [10, 0], [0, 10], [10, 10]])
    assert order(np.array([0.4, 0.1, 0.3, 0.0]), places, NOTHING).rows.tolist() == [3, 1, 2, 0]


def test_of_twins_the_second_comes_after_what_is_a_little_more_certain() -> None:
    places = np.array([[0, 0], [0, 0], [10, 0], [0, 10]])
    found = order(np.array([0.0, 0.01, 0.02, 0.03]), places, NOTHING)
    assert found.rows.tolist() == [0, 2, 3, 1]
    assert found.distances.tolist() == [1, 1, 1, 0]


def test_what_is_like_something_labelled_comes_later() -> None:
    places, margins = np.array([[0.0, 0], [10, 0]]), np.array([0.0, 0.02])
    assert order(margins, places, NOTHING).rows.tolist() == [0, 1]
    assert order(margins, places, np.array([[0.0, 0]])).rows.tolist() == [1, 0]


def test_a_diverse_image_of_which_the_model_is_sure_does_not_pass_an_undecided_one() -> None:
    places = np.array([[0.0, 0], [10, 0]])
    assert order(np.array([0.0, 0.45]), places, places[:1]).rows.tolist() == [0, 1]


def test_unknown_places_count_as_like_no_other() -> None:
    places = np.array([[np.nan, np.nan], [np.nan, np.nan], [3.0, 4.0]])
    found = order(np.array([0.2, 0.1, 0.3]), places, np.array([[np.nan, 1]]))
    assert found.rows.tolist() == [1, 0, 2]
    assert found.distances.tolist() == [1, 1, 1]


def test_equals_and_a_single_image_have_an_order_too() -> None:
    assert order(np.array([0.1]), np.zeros((1, 2)), np.zeros((1, 2))).rows.tolist() == [0]
    assert order(np.full(3, 0.1), np.zeros((3, 2)), NOTHING).rows.tolist() == [0, 1, 2]
