"""Displays of an estimator inside a search or pipeline."""

import numpy as np
import pytest
from plot_shared import X, Y
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknumclip import NumCLIPRegressor, plotting
from sknumclip.plotting import (
    BinErrorDisplay,
    BinProbabilityDisplay,
    EmbeddingDisplay,
    SearchDisplay,
    TrainingCurveDisplay,
)

OF_ESTIMATORS = [
    display
    for display in map(vars(plotting).get, plotting.__all__)
    if hasattr(display, "from_estimator")
]


@pytest.mark.parametrize("display", OF_ESTIMATORS)
def test_unfitted_and_foreign_estimators(display):
    data = {BinProbabilityDisplay: (X,), BinErrorDisplay: (X, Y), EmbeddingDisplay: (X, Y)}
    data = data.get(display, ())
    search = GridSearchCV(LinearRegression(), {})
    with pytest.raises(NotFittedError):
        display.from_estimator(search if display is SearchDisplay else NumCLIPRegressor(), *data)
    with pytest.raises(TypeError, match=rf"{display.__name__} needs .* Got LinearRegression\."):
        display.from_estimator(LinearRegression().fit([[0.0], [1.0]], [0, 1]), *data)
    with pytest.raises(TypeError, match="not an estimator"):
        display.from_estimator("regressor", *data)


WITH_DATA = {BinProbabilityDisplay: 1, BinErrorDisplay: 2, EmbeddingDisplay: 2}


@pytest.mark.parametrize("display", OF_ESTIMATORS)
def test_searches_and_pipelines_are_looked_into(display):
    features, y = np.random.default_rng(0).normal(size=(20, 8)), np.arange(20.0)
    reg = NumCLIPRegressor(3, model_name="tiny", fine_tune="none", max_epochs=1, verbose=0)
    search = GridSearchCV(reg, {"beta": [0, 4], "bins": [3]}, cv=2, error_score="raise")
    wrapped = make_pipeline(StandardScaler(), search).fit(features, y)
    data = (features, y)[: WITH_DATA.get(display, 0)]
    kwargs = {"method": "pca"} if display is EmbeddingDisplay else {}
    shown = display.from_estimator(wrapped, *data, **kwargs)
    if display is SearchDisplay:
        inner, data = wrapped[-1], ()
    else:
        inner = wrapped[-1].best_estimator_
        data = (wrapped[:-1].transform(features), y)[: len(data)]
    directly = display.from_estimator(inner, *data, **kwargs)
    for name, value in vars(directly).items():
        if not name.endswith("_") and name not in ("bins", "images"):
            np.testing.assert_array_equal(np.asarray(getattr(shown, name)), np.asarray(value))


def test_a_pipeline_of_another_estimator_is_called_by_its_name():
    pipeline = make_pipeline("passthrough", LinearRegression()).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(TypeError, match=r"Got LinearRegression in Pipeline\.$"):
        BinErrorDisplay.from_estimator(pipeline, [[0.0]], [0])
    search = GridSearchCV(
        NumCLIPRegressor(2, model_name="tiny", fine_tune="none", verbose=0), {}, cv=2, refit=False
    )
    search.fit(np.random.default_rng(0).normal(size=(8, 4)), np.arange(8.0))
    with pytest.raises(TypeError, match=r"Got GridSearchCV\. Search with refit=True"):
        TrainingCurveDisplay.from_estimator(search)


def test_the_advice_on_a_pipeline_that_does_not_transform_works():
    features, y = np.random.default_rng(0).normal(size=(8, 4)), np.arange(8.0)
    pipeline = make_pipeline(StandardScaler(), LinearRegression()).fit(features, y)
    with pytest.raises(TypeError, match=r"Pass the steps before the last one, pipeline\[:-1\]\."):
        EmbeddingDisplay.from_estimator(pipeline, features, y)
    EmbeddingDisplay.from_estimator(pipeline[:-1], features, y, method="pca")
