"""Shared fixtures for tests of displays; each estimator is fitted once."""

from functools import cache

import factories
import matplotlib
import numpy as np
from factories import THREE_COUNTS, TINY_FROZEN
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from sknumclip import LinguisticBins, NumCLIPClassifier, NumCLIPRegressor
from sknumclip.datasets import make_counting_images

matplotlib.use("Agg")

COUNTS = LinguisticBins.from_mapping(THREE_COUNTS)
TINY = dict(**factories.TINY, canvas_scale=1)
FROZEN = dict(**TINY_FROZEN, canvas_scale=1)
X, Y = make_counting_images(80, random_state=0)
GRADES = np.array(COUNTS.descriptions)[COUNTS.assign(Y)]


@cache
def fitted_regressor():
    return NumCLIPRegressor(COUNTS, max_epochs=4, early_stopping=True, **FROZEN).fit(X, Y)


@cache
def fitted_classifier():
    return NumCLIPClassifier(COUNTS.descriptions, max_epochs=2, **FROZEN).fit(X, GRADES)


@cache
def finished_search():
    """No CLIP: what is drawn does not depend on what was searched."""
    grid = {"alpha": [100.0, 0.1, 10.0], "fit_intercept": [True, False], "positive": [True, False]}
    x = np.random.default_rng(0).normal(size=(60, 5))
    y = x @ [1, 1, 1, 1, -1] + 3
    return GridSearchCV(Ridge(), grid, scoring="neg_mean_absolute_error", cv=3).fit(x, y)


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def overlapping(texts, figure):
    """Pairs of texts that overlap once drawn; of the boxes around them."""
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in texts if text.get_text() and text.get_visible()]
    return [
        (a, b)
        for i, a in enumerate(boxes)
        for b in boxes[i + 1 :]
        if a.shrunk(0.9, 0.9).overlaps(b)
    ]
