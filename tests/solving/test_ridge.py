"""The path of ridge regressions is scikit-learn's, with fewer and with more rows than columns."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sknumclip.solving.features import feature_parts
from sknumclip.solving.ridge import PENALTIES, RidgePath, solve_ridges
from sknumclip.solving.rows import Rows


@pytest.mark.parametrize("shape", [(8, 30), (60, 5)])
def test_each_penalty_gives_the_ridge_of_scikit_learn(shape):
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=shape), rng.normal(size=shape[0]), rng.uniform(1, 3, shape[0])
    scale = rng.uniform(1, 5, shape[1])
    path = RidgePath(X, weight, scale, np.arange(len(y)))
    coefficients, intercepts, _ = path.solve(X, y, weight)
    for penalty, found, intercept in zip(PENALTIES, coefficients, intercepts, strict=True):
        expected = Ridge(penalty * shape[1]).fit(X / scale, y, sample_weight=weight)
        np.testing.assert_allclose(found * scale, expected.coef_, rtol=1e-6, atol=1e-10)
        assert intercept == pytest.approx(expected.intercept_)


@pytest.mark.parametrize("shape", [(8, 30), (20, 5)])
def test_left_out_is_what_a_fit_without_the_row_predicts(shape):
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=shape), rng.normal(size=shape[0]), rng.uniform(1, 3, shape[0])
    tested = np.array([3, 0, 3])
    _, _, left_out = RidgePath(X, weight, 1.0, tested).solve(X, y, weight)
    for row, found in zip(tested, left_out.T, strict=True):
        others = np.arange(len(y)) != row
        for penalty, value in zip(PENALTIES, found, strict=True):
            ridge = Ridge(penalty * shape[1]).fit(X[others], y[others], weight[others])
            assert value == pytest.approx(ridge.predict(X[[row]])[0], rel=1e-6)


def test_rows_that_are_all_the_same_are_predicted_by_their_mean():
    X, weight = np.ones((4, 6)), np.ones(4)
    path = RidgePath(X, weight, 1.0, np.arange(4))
    coefficients, intercepts, left_out = path.solve(X, np.array([0.0, 0, 0, 4]), weight)
    assert not coefficients.any()
    np.testing.assert_allclose(intercepts, 1)
    np.testing.assert_allclose(left_out, np.tile([4 / 3, 4 / 3, 4 / 3, 0], (len(PENALTIES), 1)))


def test_what_zero_shot_leaves_is_fitted_and_added_to_it():
    rng = np.random.default_rng(0)
    X, text = rng.normal(size=(30, 4)), rng.uniform(0, 100, 30)
    y = text + X @ [3.0, 0, 0, 0]
    rows, tested = Rows(X, y, np.ones(30), np.zeros(30, dtype=int)), np.arange(30)
    parts = feature_parts(rows, tested, seed=0, of_clip=True)
    from_text = solve_ridges(parts.paths, rows, parts.coordinates, text)["ridge"]
    alone = solve_ridges(parts.paths, rows, parts.coordinates, None)["ridge"]
    assert (from_text.of_text, alone.of_text) == (1, 0)
    np.testing.assert_allclose(from_text.left_out, y, atol=0.1)
    np.testing.assert_allclose(from_text.of_features, [3, 0, 0, 0], atol=0.05)
    assert np.abs(alone.left_out - y).mean() > 10
