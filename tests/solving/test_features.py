"""Parts that candidates of a search share: used again for the same rows, and only for those."""

import numpy as np
import pytest
from factories import FOUR_COUNTS, TINY_FROZEN

from sknumclip import NumCLIPRegressor
from sknumclip.solving import features


@pytest.fixture(autouse=True)
def recent():
    features._RECENT.clear()
    yield features._RECENT
    features._RECENT.clear()


def fit_and_predict(X, y, bins=FOUR_COUNTS, **params):
    reg = NumCLIPRegressor(bins, **dict(template="{} shapes.") | TINY_FROZEN | params)
    return reg.fit(X, y).predict(X)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 64)), rng.uniform(1, 100, 30)


def test_a_fit_after_others_is_the_same_to_the_bit(data, recent):
    X, y = data
    alone = fit_and_predict(X, y)
    recent.clear()
    fit_and_predict(X, y, beta=0.0)
    fit_and_predict(X, y, bins=3)
    after_others = fit_and_predict(X, y)
    np.testing.assert_array_equal(after_others, alone)


def test_other_data_or_another_seed_is_computed_anew(data):
    X, y = data
    expected = fit_and_predict(X[:20], y[:20])
    fit_and_predict(X, y)
    fit_and_predict(X[:20], y[:20] + 0.5)
    fit_and_predict(X[:20] + 0.5, y[:20])
    fit_and_predict(X[:20], y[:20], random_state=7)
    np.testing.assert_array_equal(fit_and_predict(X[:20], y[:20]), expected)


def test_candidates_of_a_search_compute_them_once(data, monkeypatch):
    X, y = data
    computed = []
    compute = features._feature_parts
    monkeypatch.setattr(
        features, "_feature_parts", lambda *args: computed.append(args) or compute(*args)
    )
    for params in ({}, dict(beta=1.0), dict(template="{} things."), dict(bins=3)):
        fit_and_predict(X, y, **params)
    assert len(computed) == 1
    fit_and_predict(X, y[::-1].copy())
    assert len(computed) == 2
