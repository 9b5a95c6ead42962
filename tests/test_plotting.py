"""What all displays have in common."""

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

from sknumclip import NumCLIPRegressor, plotting
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


def test_every_display_is_exported():
    import sknumclip

    assert sknumclip.plotting is plotting
    assert all(name.endswith("Display") for name in plotting.__all__)
    assert len(plotting.__all__) == 8


@pytest.mark.parametrize(
    "display",
    [
        display
        for display in map(vars(plotting).get, plotting.__all__)
        if hasattr(display, "from_estimator")
    ],
)
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


def test_the_way_out_of_wrappers(clf, search):
    with pytest.raises(TypeError, match=r"Got GridSearchCV\. Pass its best_estimator_\."):
        TrainingCurveDisplay.from_estimator(search)
    with pytest.raises(TypeError, match=r"Got Pipeline\. Pass its last step, pipeline\[-1\]\."):
        BinProbabilityDisplay.from_estimator(make_pipeline("passthrough", clf), X[:2])
