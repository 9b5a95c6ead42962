"""Behavior shared by all displays."""

import matplotlib.pyplot as plt
import numpy as np
from plot_shared import COUNTS, GRADES, X, Y
from sklearn.linear_model import Ridge

from sknumclip import plotting
from sknumclip.inspection import find_duplicates, find_label_errors
from sknumclip.plotting import (
    BinErrorDisplay,
    BinProbabilityDisplay,
    DuplicatesDisplay,
    EmbeddingDisplay,
    LabelErrorsDisplay,
    PromptSimilarityDisplay,
    TrainingCurveDisplay,
)


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


def test_every_display_is_exported():
    import sknumclip

    assert sknumclip.plotting is plotting
    assert all(name.endswith("Display") for name in plotting.__all__)
    assert len(plotting.__all__) == 8
