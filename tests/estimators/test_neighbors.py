"""Nearest rows by cosine similarity."""

import numpy as np
import pytest

from sknumclip.estimators.neighbors import check_neighbors, nearest_rows


def test_the_nearest_rows_come_first_whatever_their_length():
    known = np.array([[0, 2.0], [3, 0], [-1, 0], [1, 1]])
    index, similarity = nearest_rows(np.array([[5.0, 0], [0, 0.1]]), known, 3)
    assert index[:, :2].tolist() == [[1, 3], [0, 3]]
    np.testing.assert_allclose(similarity[:, :2], [[1, np.sqrt(0.5)]] * 2)
    assert similarity[0, 2] == pytest.approx(0, abs=1e-7)


def test_unreadable_images_have_no_neighbors_and_are_none():
    known = np.array([[1.0, 0], [np.nan, np.nan], [0, 1]])
    index, similarity = nearest_rows(np.array([[1.0, 0.1], [np.nan, np.nan]]), known, 3)
    assert index.tolist() == [[0, 2, -1], [-1, -1, -1]]
    assert np.isnan(similarity).tolist() == [[False, False, True], [True] * 3]
    index, similarity = nearest_rows(np.ones((2, 2)), np.full((3, 2), np.nan), 2)
    assert (index == -1).all()
    assert np.isnan(similarity).all()


@pytest.mark.parametrize("k", [0, -1, 2.0, True, "3"])
def test_the_number_of_neighbors_is_an_int_of_at_least_1(k):
    with pytest.raises(ValueError, match=f"k must be an int of at least 1. Got k={k!r}"):
        check_neighbors("k", k, np.eye(3), None)
