"""Columns are scaled to mean 0 and variance 1 by weight, and constant ones to 0."""

import numpy as np
import pytest

from sknumclip.solving.rows import Rows
from sknumclip.solving.scaling import standard_scaling


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(1e3, 10, size=20), rng.normal(size=20), np.full(20, 7.0)])
    return Rows(X, X[:, 0], rng.uniform(1, 3, 20), np.zeros(20, dtype=int))


def test_columns_have_mean_0_and_variance_1(rows):
    scaled = standard_scaling(rows).rows(rows)
    np.testing.assert_allclose(rows.mean(scaled.X), 0, atol=1e-12)
    np.testing.assert_allclose(rows.mean(scaled.X**2), [1, 1, 0], atol=1e-12)


def test_a_linear_function_of_scaled_columns_is_one_of_the_columns(rows):
    scaling = standard_scaling(rows)
    slopes, start = scaling.undo(np.array([1.0, 2.0, 3.0]), 4.0)
    expected = scaling(rows.X) @ [1.0, 2.0, 3.0] + 4.0
    np.testing.assert_allclose(rows.X @ slopes + start, expected)


def test_many_functions_are_undone_at_once(rows):
    scaling, slopes = standard_scaling(rows), np.arange(6.0).reshape(2, 3)
    found = scaling.undo(slopes, np.array([1.0, 2.0]))
    for i in range(2):
        one = scaling.undo(slopes[i], i + 1.0)
        np.testing.assert_allclose(found[0][i], one[0])
        assert found[1][i] == pytest.approx(one[1])
