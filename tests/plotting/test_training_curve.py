"""Losses by epoch."""

import numpy as np
import pytest
from plot_shared import COUNTS, FROZEN, X, Y

from sknumclip import NumCLIPRegressor
from sknumclip.baselines import ImageHeadRegressor
from sknumclip.plotting import TrainingCurveDisplay


def test_curves_are_the_history(reg, clf):
    display = TrainingCurveDisplay.from_estimator(reg)
    assert set(display.lines_) == {
        "train_ranking_loss",
        "valid_ranking_loss",
        "train_l1_loss",
        "valid_l1_loss",
    }
    for column, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        np.testing.assert_array_equal(line.get_ydata(), reg.history_[column])
    top, bottom = display.axes_[:, 0]
    assert top.get_ylabel() == "ranking loss"
    assert bottom.get_ylabel().startswith("L1 loss")
    assert [text.get_text() for text in top.get_legend().get_texts()] == ["training", "validation"]
    assert display.lines_["valid_l1_loss"].axes is bottom
    assert top.get_xlim() == bottom.get_xlim()
    without = TrainingCurveDisplay.from_estimator(clf)  # no early stopping
    assert set(without.lines_) == {"train_ranking_loss", "train_l1_loss"}


def test_no_epochs_have_no_curves():
    untrained = NumCLIPRegressor(COUNTS, max_epochs=0, **FROZEN).fit(X, Y)
    with pytest.raises(ValueError, match="trained for 0 epochs"):
        TrainingCurveDisplay.from_estimator(untrained)


def test_baselines_show_the_loss_of_their_classes():
    head = ImageHeadRegressor(max_epochs=2, **FROZEN).fit(X, Y)
    display = TrainingCurveDisplay.from_estimator(head)
    assert set(display.lines_) == {"train_class_loss", "train_l1_loss"}
    assert display.axes_[0, 0].get_ylabel() == "class loss"
