"""Scores of a search over one or two parameters."""

import numpy as np
import pandas as pd
import pytest
from plot_shared import COUNTS, FROZEN, X, Y, tick_labels
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV

from sknumclip import NumCLIPRegressor
from sknumclip.plotting import SearchDisplay


def test_cells_are_the_best_scores(search):
    display = SearchDisplay.from_estimator(search, x="alpha", y="fit_intercept")
    results = pd.DataFrame(search.cv_results_)
    expected = [
        [
            -results.query(f"param_alpha == {alpha} and param_fit_intercept == {intercept}")[
                "mean_test_score"
            ].max()
            for alpha in (0.1, 10, 100)  # in increasing order
        ]
        for intercept in (False, True)
    ]
    np.testing.assert_allclose(display.im_.get_array(), expected)
    assert tick_labels(display.ax_.xaxis) == ["0.1", "10", "100"]
    assert tick_labels(display.ax_.yaxis) == ["False", "True"]
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("alpha", "fit_intercept")
    assert display.figure_.axes[1].get_ylabel() == "mean absolute error"
    assert display.im_.cmap.name == "viridis_r"  # the best, smallest one, is bright
    assert search.best_params_["alpha"] == 0.1
    assert search.best_params_["fit_intercept"]
    assert display.frame_.get_xy() == (-0.5, 0.5)
    means = display.scores.to_numpy().ravel()
    for text, mean, std in zip(display.text_, means, display.stds.to_numpy().ravel(), strict=True):
        decimals = len(text.get_text().split("\n")[0].split(".")[1])
        assert text.get_text() == f"{mean:.{decimals}f}\n± {std:.{decimals}f}"


def test_map_of_beta_and_bins():
    grid = {"beta": [0, 4], "bins": [COUNTS, {"some": (1, 30), "lots": (30, 101)}, 4]}
    reg = NumCLIPRegressor(max_epochs=1, **FROZEN)
    search = GridSearchCV(reg, grid, cv=2).fit(X, Y)
    display = SearchDisplay.from_estimator(search)
    assert tick_labels(display.ax_.yaxis) == ["3: a few … countless", "2: some … lots", "4"]
    # sklearn runs through bins for each beta.
    scores = search.cv_results_["mean_test_score"].reshape(2, 3).T
    np.testing.assert_allclose(display.im_.get_array(), scores)
    assert display.im_.cmap.name == "viridis"
    assert display.score_name == "score"
    named = SearchDisplay.from_estimator(search, labels={"bins": ["three", "two", "any"]})
    assert tick_labels(named.ax_.yaxis) == ["three", "two", "any"]
    with pytest.raises(
        ValueError, match=r"labels\['bins'\] must have one label for each of the 3 v"
    ):
        SearchDisplay.from_estimator(search, labels={"bins": ["three"]})
    with pytest.raises(ValueError, match=r"labels for the values of \['lr'\].*'beta', 'bins'"):
        SearchDisplay.from_estimator(search, labels={"lr": ["slow"]})


def test_one_parameter_is_a_line():
    x = np.random.default_rng(0).normal(size=(30, 2))
    grid = {"alpha": [100.0, 1.0, 10.0]}
    search = GridSearchCV(Ridge(), grid, scoring="neg_mean_absolute_error", cv=3)
    display = SearchDisplay.from_estimator(search.fit(x, x[:, 0]), labels={"alpha": list("abc")})
    means, stds = (search.cv_results_[f"{name}_test_score"][[1, 2, 0]] for name in ("mean", "std"))
    np.testing.assert_allclose(display.errorbar_.lines[0].get_ydata(), -means)
    low, high = (line.get_ydata() for line in display.errorbar_.lines[1])
    np.testing.assert_allclose(high - low, 2 * stds)
    assert display.best_.get_xydata().tolist() == [[0, -means[0]]]
    assert tick_labels(display.ax_.xaxis) == ["a", "b", "c"]
    assert display.ax_.get_xlabel() == "alpha"
    assert display.ax_.get_ylabel() == "mean absolute error"


def test_which_parameters_are_drawn(search):
    drawn = SearchDisplay.from_estimator(search, x="alpha").scores
    assert drawn.shape == (1, 3)  # each the best of the other parameters
    assert drawn.min(axis=None) == -search.best_score_
    with pytest.raises(ValueError, match="over 3 parameters: .*'positive'.* Choose x, and y"):
        SearchDisplay.from_estimator(search)
    with pytest.raises(ValueError, match="y='alpha' is given, but not x"):
        SearchDisplay.from_estimator(search, y="alpha")
    x = np.arange(40.0)[:, None]
    two = GridSearchCV(Ridge(), {"alpha": [1, 2], "tol": [0.1, 0.2]}, cv=2).fit(x, x[:, 0])
    scores = SearchDisplay.from_estimator(two).scores
    assert (scores.columns.name, scores.index.name) == ("alpha", "tol")


def test_combinations_that_were_not_tried_are_empty():
    x = np.arange(12.0)[:, None]
    grid = {"alpha": [1.0, 2.0, 3.0], "tol": [1e-3, 1e-2, 1e-1]}
    search = RandomizedSearchCV(Ridge(), grid, n_iter=4, cv=2, random_state=0).fit(x, x[:, 0])
    display = SearchDisplay.from_estimator(search, x="alpha", y="tol")
    tried = [text.get_text() != "–" for text in display.text_]
    assert sum(tried) == 4
    np.testing.assert_array_equal(display.im_.get_array().mask.ravel(), ~np.array(tried))


def test_a_score_of_zero_takes_no_decimals_from_the_others():
    scores = pd.DataFrame([[0.0, 0.914]], index=["a"], columns=["1", "2"])
    display = SearchDisplay(scores=scores, stds=scores / 10).plot()
    assert [text.get_text() for text in display.text_] == ["0.000\n± 0.000", "0.914\n± 0.091"]


def test_one_of_several_metrics():
    x = np.random.default_rng(0).normal(size=(30, 2))
    grid = {"alpha": [1.0, 100.0], "fit_intercept": [True, False]}
    scoring = ["neg_mean_squared_error", "r2"]
    search = GridSearchCV(Ridge(), grid, scoring=scoring, refit="r2", cv=2).fit(x, x[:, 0])
    shared = dict(x="alpha", y="fit_intercept")
    assert SearchDisplay.from_estimator(search, **shared).score_name == "r2"
    display = SearchDisplay.from_estimator(search, **shared, metric="neg_mean_squared_error")
    errors = [
        mean_squared_error(x[test, 0], Ridge(alpha=1.0).fit(x[train], x[train, 0]).predict(x[test]))
        for train, test in [(range(15, 30), range(15)), (range(15), range(15, 30))]
    ]
    assert display.scores.loc["True", "1"] == pytest.approx(np.mean(errors))
    with pytest.raises(ValueError, match=r"one of \['neg_mean_squared_error', 'r2'\].*'mae'"):
        SearchDisplay.from_estimator(search, **shared, metric="mae")


def test_searches_that_are_no_map(search):
    with pytest.raises(ValueError, match=r"'beta' was not searched .*'fit_intercept', "):
        SearchDisplay.from_estimator(search, x="beta")
    x = np.arange(40.0)[:, None]
    grids = [{"alpha": [1, 2], "tol": [0.1]}, {"alpha": [1]}]
    partial = GridSearchCV(Ridge(), grids, cv=2).fit(x, x[:, 0])
    with pytest.raises(ValueError, match="'tol' was not searched over by all candidates"):
        SearchDisplay.from_estimator(partial, x="alpha", y="tol")
    halving = HalvingGridSearchCV(Ridge(), grids[0], cv=2).fit(x, x[:, 0])
    with pytest.raises(ValueError, match="samples of different sizes"):
        SearchDisplay.from_estimator(halving, x="alpha", y="tol")
    search = GridSearchCV(Ridge(), grids[0], cv=2, scoring=lambda *_: np.nan)
    with pytest.warns(UserWarning, match="non-finite"):
        search.fit(x, x[:, 0])
    with pytest.raises(ValueError, match="all fits of the search failed"):
        SearchDisplay.from_estimator(search, x="alpha", y="tol")
