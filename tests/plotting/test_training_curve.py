"""Losses by epoch."""

import numpy as np
import pytest
from plot_shared import COUNTS, FROZEN, X, Y

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.baselines import ImageHeadRegressor
from sknumclip.plotting import TrainingCurveDisplay


def test_curves_are_the_history(reg, clf):
    display = TrainingCurveDisplay.from_estimator(reg)
    assert set(display.lines_) == {
        "train_ranking_loss",
        "valid_ranking_loss",
        "train_mae",
        "valid_mae",
    }
    for column, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        np.testing.assert_array_equal(line.get_ydata(), reg.history_[column])
    top, bottom = display.axes_[:, 0]
    assert top.get_ylabel() == "ranking loss"
    assert bottom.get_ylabel().startswith("mean absolute error")
    assert [text.get_text() for text in top.get_legend().get_texts()] == [
        "training",
        "validation",
        "best epoch: 4",
    ]
    assert display.lines_["valid_mae"].axes is bottom
    assert top.get_xlim() == bottom.get_xlim()
    without = TrainingCurveDisplay.from_estimator(clf)  # no early stopping
    assert set(without.lines_) == {"train_ranking_loss", "train_mae"}


def test_best_epoch_is_the_one_whose_weights_are_kept():
    reg = NumCLIPRegressor(
        COUNTS, max_epochs=30, early_stopping=True, n_iter_no_change=5, prompt_lr=0.1, **FROZEN
    ).fit(X, Y)
    (line, _) = TrainingCurveDisplay.from_estimator(reg).best_lines_
    assert line.get_xdata()[0] == reg.history_["epoch"][reg.history_["valid_mae"].idxmin()]
    assert line.get_xdata()[0] < reg.n_iter_


def test_a_solved_fit_shows_its_error_by_penalty():
    reg = NumCLIPRegressor(COUNTS, **FROZEN).fit(X, Y)
    display = TrainingCurveDisplay.from_estimator(reg)
    np.testing.assert_array_equal(display.lines_["valid_mae"].get_xdata(), reg.history_["penalty"])
    np.testing.assert_array_equal(
        display.lines_["valid_mae"].get_ydata(), reg.history_["valid_mae"]
    )
    assert display.lines_["median_mae"].get_ydata()[0] == reg.history_["median_mae"][0]
    best = reg.history_["penalty"][reg.history_["valid_mae"].idxmin()]
    assert [line.get_xdata()[0] for line in display.best_lines_] == [best]


def test_a_solved_classifier_shows_its_log_loss():
    clf = NumCLIPClassifier(**FROZEN).fit(X, np.digitize(Y, [20, 60]))
    display = TrainingCurveDisplay.from_estimator(clf)
    history = clf.history_
    for line, has_it in zip(display.lines_.values(), [True, False], strict=True):
        expected = history["valid_log_loss"][history["has_ranking_loss"] == has_it]
        np.testing.assert_array_equal(line.get_ydata(), expected)
        assert line.axes.get_ylabel() == "log loss"
        assert line.get_label() == ("with ranking loss" if has_it else "without ranking loss")


def test_no_epochs_have_no_curves():
    untrained = NumCLIPRegressor(COUNTS, max_epochs=0, **FROZEN).fit(X, Y)
    with pytest.raises(ValueError, match="trained for 0 epochs"):
        TrainingCurveDisplay.from_estimator(untrained)


def test_baselines_show_the_loss_of_their_classes():
    head = ImageHeadRegressor(max_epochs=2, **FROZEN).fit(X, Y)
    display = TrainingCurveDisplay.from_estimator(head)
    assert set(display.lines_) == {"train_class_loss", "train_mae"}
    assert display.axes_[0, 0].get_ylabel() == "class loss"
