"""Behavior shared by all displays."""

import ast
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from plot_shared import COUNTS, GRADES, X, Y, finished_search, fitted_classifier, fitted_regressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknumclip import LinguisticBins, NumCLIPRegressor, plotting
from sknumclip.inspection import find_duplicates, find_label_errors
from sknumclip.plotting import (
    BinErrorDisplay,
    BinProbabilityDisplay,
    DuplicatesDisplay,
    EmbeddingDisplay,
    LabelErrorsDisplay,
    PromptSimilarityDisplay,
    SearchDisplay,
    TrainingCurveDisplay,
)


@pytest.fixture
def reg():
    return fitted_regressor()


@pytest.fixture
def clf():
    return fitted_classifier()


@pytest.fixture
def search():
    return finished_search()


def displays_of(reg, clf):
    yield BinProbabilityDisplay.from_estimator, (reg, X[:2], Y[:2])
    yield BinProbabilityDisplay.from_estimator, (clf, X[:2], GRADES[:2])
    yield BinErrorDisplay.from_estimator, (reg, X, Y)
    yield BinErrorDisplay.from_predictions, (Y, Y + 1, COUNTS)
    yield PromptSimilarityDisplay.from_estimator, (reg,)
    yield PromptSimilarityDisplay.from_estimator, (clf,)
    yield EmbeddingDisplay.from_estimator, (reg, X, Y)
    yield EmbeddingDisplay.from_features, (np.triu(np.ones((4, 4))), range(4))
    copies = np.concatenate([X[:9], X[3:5]])
    yield DuplicatesDisplay.from_duplicates, (find_duplicates(copies, verbose=0), copies)
    yield LabelErrorsDisplay.from_label_errors, (find_label_errors(Ridge(), X[:, 0, :, 0], Y), X)
    yield TrainingCurveDisplay.from_estimator, (reg,)
    yield TrainingCurveDisplay.from_estimator, (clf,)


def test_conventions_of_scikit_learn(reg, clf):
    """Axes given are drawn on, plot() draws again elsewhere, and both return the display."""
    for make, arguments in displays_of(reg, clf):
        _, ax = plt.subplots(layout="constrained")
        display = make(*arguments, ax=ax)
        assert display.ax_ is ax
        assert display.figure_ is ax.figure
        ax.figure.draw_without_rendering()
        assert display.plot() is display
        assert display.figure_ is not ax.figure
        assert display.ax_.figure is display.figure_


def test_without_matplotlib_it_can_be_imported_and_says_how_to_get_it(monkeypatch):
    for file in Path(plotting.__file__).parent.glob("*.py"):
        top_level = ast.parse(file.read_text()).body
        imports = [ast.unparse(node) for node in top_level if isinstance(node, ast.Import)]
        imports += [node.module for node in top_level if isinstance(node, ast.ImportFrom)]
        assert not any("matplotlib" in (name or "") for name in imports), file
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"^EmbeddingDisplay.plot needs matplotlib: pip install"):
        EmbeddingDisplay(positions=[[0, 0]], y=[0]).plot()


OF_ESTIMATORS = [
    display
    for display in map(vars(plotting).get, plotting.__all__)
    if hasattr(display, "from_estimator")
]


def test_every_display_is_exported():
    import sknumclip

    assert sknumclip.plotting is plotting
    assert all(name.endswith("Display") for name in plotting.__all__)
    assert len(plotting.__all__) == 8


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


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_whole_numbers_without_a_sign_do_not_wrap_around(dtype):
    y_true, y_pred = np.array([0, 5, 100], dtype), np.array([10, 9, 120], dtype)
    bins = LinguisticBins(("few", "many"), (0, 50, 125))
    display = BinErrorDisplay(y_true=y_true, y_pred=y_pred, bins=bins).plot()
    medians = sorted(line.get_xdata()[0] for line in display.boxes_["medians"])
    assert medians == [-20, -7]


@pytest.mark.parametrize(
    ("name", "plot"),
    [
        ("y_true", lambda m: BinErrorDisplay.from_predictions(m, [1, 2, 3], 2)),
        ("y_pred", lambda m: BinErrorDisplay.from_predictions([1, 2, 3], m, 2)),
        ("y", lambda m: EmbeddingDisplay.from_features(np.eye(3), m)),
        ("y", lambda m: EmbeddingDisplay.from_features(np.eye(3), m, classes=[1, 2, 3])),
    ],
)
def test_masked_arrays_are_not_plotted(name, plot):
    with pytest.raises(ValueError, match=f"^{name} is a masked array"):
        plot(np.ma.array([1, 2, 3], mask=[0, 1, 0]))
