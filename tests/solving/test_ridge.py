"""The path of ridge regressions is scikit-learn's, with fewer and with more rows than columns."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sknumclip.solving.ridge import PENALTIES, ridge_path
from sknumclip.solving.rows import Rows


@pytest.mark.parametrize("shape", [(8, 30), (60, 5)])
def test_each_penalty_gives_the_ridge_of_scikit_learn(shape):
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=shape), rng.normal(size=shape[0]), rng.uniform(1, 3, shape[0])
    rows = Rows(X, y, weight, np.zeros(len(y), dtype=int))
    scale = rng.uniform(1, 5, shape[1])
    coefficients, intercepts, _ = ridge_path(rows, scale, np.arange(len(y)))
    for penalty, found, intercept in zip(PENALTIES, coefficients, intercepts, strict=True):
        expected = Ridge(penalty * shape[1]).fit(X / scale, y, sample_weight=weight)
        np.testing.assert_allclose(found * scale, expected.coef_, rtol=1e-6, atol=1e-10)
        assert intercept == pytest.approx(expected.intercept_)


@pytest.mark.parametrize("shape", [(8, 30), (20, 5)])
def test_left_out_is_what_a_fit_without_the_row_predicts(shape):
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=shape), rng.normal(size=shape[0]), rng.uniform(1, 3, shape[0])
    tested = np.array([3, 0, 3])
    _, _, left_out = ridge_path(Rows(X, y, weight, np.zeros(len(y), dtype=int)), 1.0, tested)
    for row, found in zip(tested, left_out.T, strict=True):
        others = np.arange(len(y)) != row
        for penalty, value in zip(PENALTIES, found, strict=True):
            ridge = Ridge(penalty * shape[1]).fit(X[others], y[others], weight[others])
            assert value == pytest.approx(ridge.predict(X[[row]])[0], rel=1e-6)
