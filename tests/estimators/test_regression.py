"""Numbers from bins: probabilities, standard deviations, explanations."""

import os

import numpy as np
import pytest
from factories import BINS


@pytest.mark.parametrize("shift", ["width", "relative"])
def test_numbers_far_from_zero_keep_their_digits(make, data, shift):
    X, y = data
    bins = {"few": (0, 10), "many": (10, 30), "very many": (30, 100)}
    far = {name: (low + 1e9, high + 1e9) for name, (low, high) in bins.items()}
    kwargs = dict(shift=shift, ranking_loss="none", max_epochs=0 if shift == "relative" else 2)
    near = make(bins=bins, **kwargs).fit(X, y).predict(X, return_std=True)
    moved = make(bins=far, **kwargs).fit(X, y + 1e9).predict(X, return_std=True)
    np.testing.assert_allclose(moved[0] - 1e9, near[0], atol=1e-3)
    np.testing.assert_allclose(moved[1], near[1], rtol=1e-3)


def test_bin_probabilities(make, data):
    X, y = data
    proba = make().fit(X, y).predict_bin_proba(X)
    assert proba.shape == (8, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)


def test_explain_adds_up(make, data, files):
    _, y = data
    reg = make(max_epochs=5).fit(files, y)
    table = reg.explain(files)
    proba = reg.predict_bin_proba(files)
    assert table.index.tolist() == [os.path.basename(file) for file in files]
    columns = ["concept", "low", "high", "probability", "shift", "prediction", "std", "path"]
    assert list(table) == columns
    assert table["path"].tolist() == files
    winner = proba.argmax(axis=1)
    assert table["concept"].tolist() == [list(BINS)[k] for k in winner]
    assert table["low"].tolist() == [list(BINS.values())[k][0] for k in winner]
    np.testing.assert_array_equal(table["probability"], proba.max(axis=1))
    y_pred, y_std = reg.predict(files, return_std=True)
    np.testing.assert_array_equal(table["prediction"], y_pred)
    np.testing.assert_array_equal(table["std"], y_std)
    assert (table["shift"].abs() <= 0.5 * (table["high"] - table["low"])).all()
    assert table["shift"].abs().max() > 0


def test_std_is_that_of_the_mixture_of_bins(make, data):
    X, y = data
    reg = make(max_epochs=0).fit(X, y)
    y_pred, y_std = reg.predict(X, return_std=True)
    rng = np.random.default_rng(0)
    edges = np.array(reg.bins_.edges)
    for proba, mean, std in zip(reg.predict_bin_proba(X)[:2], y_pred, y_std, strict=False):
        k = rng.choice(3, p=proba / proba.sum(), size=200_000)
        sample = rng.uniform(edges[k], edges[k + 1])
        assert mean == pytest.approx(sample.mean(), rel=0.01)
        assert std == pytest.approx(sample.std(), rel=0.01)
