"""The path of ridge regressions is scikit-learn's, with fewer and with more rows than columns."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sknumclip.solving.ridge import PENALTIES, ridge_path
from sknumclip.solving.samples import Rows


@pytest.mark.parametrize("shape", [(8, 30), (60, 5)])
def test_each_penalty_gives_the_ridge_of_scikit_learn(shape):
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=shape), rng.normal(size=shape[0]), rng.uniform(1, 3, shape[0])
    coefficients, intercepts = ridge_path(Rows(X, y, weight, np.zeros(len(y), dtype=int)))
    for penalty, found, intercept in zip(PENALTIES, coefficients, intercepts, strict=True):
        expected = Ridge(penalty * shape[1]).fit(X, y, sample_weight=weight)
        np.testing.assert_allclose(found, expected.coef_, rtol=1e-6, atol=1e-10)
        assert intercept == pytest.approx(expected.intercept_)
