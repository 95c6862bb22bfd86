"""Rows of arrays and files: read in any order, joined, chosen, and missed where a file is cut."""

from pathlib import Path

import numpy as np
import pytest

from ml.rows import RowFile, Rows, RowsMissing, ahead, blocks, join, take

WIDTH = 7


@pytest.fixture
def whole() -> np.ndarray:
    """Thirty rows, each number of which is another."""
    return np.arange(30 * WIDTH).reshape(30, WIDTH).astype(np.float16)


@pytest.fixture
def rows(whole: np.ndarray, tmp_path: Path) -> Rows:
    """The same: ten in an array, twenty in a file."""
    whole[10:].astype("<f2").tofile(tmp_path / "rows")
    return join(whole[:10], RowFile(tmp_path / "rows", (20, WIDTH)))


def test_they_are_those_of_all_parts(rows: Rows, whole: np.ndarray) -> None:
    assert (rows.shape, len(rows)) == (whole.shape, 30)
    np.testing.assert_array_equal(rows, whole)
    np.testing.assert_array_equal(np.concatenate(list(blocks(rows, 8 * WIDTH * 2))), whole)
    assert [len(block) for block in blocks(rows, 8 * WIDTH * 2)] == [8, 8, 8, 6]


def test_some_are_read_in_the_order_that_is_asked_for(rows: Rows, whole: np.ndarray) -> None:
    order = np.random.default_rng(0).permutation(30)[:25]
    order[3] = order[4]
    np.testing.assert_array_equal(take(rows, order), whole[order])
    np.testing.assert_array_equal(take(whole, order), whole[order])


def test_those_chosen_are_chosen_from_again(rows: Rows, whole: np.ndarray) -> None:
    mask = np.arange(30) % 3 > 0
    some = rows[mask][np.array([5, 0, 19])]
    np.testing.assert_array_equal(some, whole[mask][[5, 0, 19]])


def test_of_none_there_is_one_empty_block(rows: Rows, tmp_path: Path) -> None:
    nothing = rows[np.zeros(30, bool)]
    assert [block.shape for block in blocks(nothing)] == [(0, WIDTH)]
    absent = RowFile(tmp_path / "absent", (0, WIDTH))
    np.testing.assert_array_equal(join(np.ones((1, WIDTH), np.float16), absent), np.ones((1, WIDTH)))


def test_a_file_that_was_cut_is_told_of(rows: Rows, tmp_path: Path) -> None:
    with (tmp_path / "rows").open("r+b") as file:
        file.truncate(15 * WIDTH * 2)
    take(rows, np.array([24]))
    with pytest.raises(RowsMissing, match="ends before row 16 of 20"):
        take(rows, np.array([25]))


def test_what_is_read_ahead_comes_in_order_and_its_errors_too() -> None:
    assert list(ahead([lambda number=number: number for number in range(5)])) == [0, 1, 2, 3, 4]
    assert list(ahead([])) == []

    def fail() -> int:
        raise RowsMissing("gone")

    with pytest.raises(RowsMissing, match="gone"):
        list(ahead([lambda: 1, fail]))
