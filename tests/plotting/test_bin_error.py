"""Residuals by bin."""

import numpy as np
import pytest
from plot_shared import COUNTS, GRADES, X, Y, tick_labels
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknumclip import LinguisticBins
from sknumclip.plotting import BinErrorDisplay


def test_residuals_by_bin():
    y_true, y_pred = [1, 2, 9, 12, 35, 30], [0, 1, 5, 20, 37, 30]
    display = BinErrorDisplay.from_predictions(y_true, y_pred, COUNTS)
    left, right = display.axes_[0]
    np.testing.assert_array_equal(
        display.prediction_error_.scatter_.get_offsets(), np.transpose([y_pred, y_true])
    )
    # By hand: residuals 1, 1, 4 and -8, -2, 0 and none.
    medians = [line.get_xdata()[0] for line in display.boxes_["medians"]]
    np.testing.assert_array_equal(medians, [1, -2, np.nan])
    assert tick_labels(right.yaxis) == [
        "a few\nn = 3, MAE 2.00",
        "many\nn = 3, MAE 3.33",
        "countless\nn = 0",
    ]
    edges = [line.get_ydata()[0] for line in left.lines if line.get_linestyle() == "-"]
    assert edges == [10]  # 40 lies beyond the data
    assert left.get_xlabel() == "Predicted values"
    assert left.get_title() == "MAE 2.67"  # (1 + 1 + 4 + 8 + 2 + 0) / 6
    meaning, sides = right.get_xlabel().split("\n")
    assert meaning == "Residuals (actual - predicted)"
    assert sides == "← predicted too high · predicted too low →"


def test_errors_of_plain_lists():
    bins = LinguisticBins.from_mapping({"low": (0, 5), "high": (5, 10)})
    display = BinErrorDisplay(y_true=[1, 6], y_pred=[2, 9], bins=bins).plot()
    assert len(display.boxes_["medians"]) == 2


def test_errors_of_an_estimator(reg):
    display = BinErrorDisplay.from_estimator(reg, X, Y, scatter_kwargs={"color": "red"})
    np.testing.assert_array_equal(display.y_pred, reg.predict(X))
    assert display.bins == COUNTS
    many = GRADES == "many"
    error = mean_absolute_error(Y[many], reg.predict(X[many]))
    assert f"n = {many.sum()}, MAE {error:.1f}" in tick_labels(display.axes_[0, 1].yaxis)[1]


def test_any_regressor_with_bins_passed():
    ridge = make_pipeline(StandardScaler(), Ridge()).fit(Y[:, None], Y)
    display = BinErrorDisplay.from_estimator(ridge, Y[:, None], Y, bins=COUNTS)
    np.testing.assert_allclose(display.y_pred, ridge.predict(Y[:, None]))
    with pytest.raises(TypeError, match="or the parameter bins. Got Ridge in Pipeline"):
        BinErrorDisplay.from_estimator(ridge, Y[:, None], Y)


def test_bad_input_of_bin_errors(clf):
    with pytest.raises(TypeError, match="ConfusionMatrixDisplay"):
        BinErrorDisplay.from_estimator(clf, X, GRADES)
    with pytest.raises(ValueError, match=r"y_pred has NaN .* 1 of 2 .* \[1\]"):
        BinErrorDisplay.from_predictions([1, 2], [1, np.nan], COUNTS)
    with pytest.raises(ValueError, match="outside the bins"):
        BinErrorDisplay.from_predictions([1, 200], [1, 2], COUNTS)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        BinErrorDisplay.from_predictions([1, 2, 3], [1, 2], COUNTS)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_whole_numbers_without_a_sign_do_not_wrap_around(dtype):
    y_true, y_pred = np.array([0, 5, 100], dtype), np.array([10, 9, 120], dtype)
    bins = LinguisticBins(("few", "many"), (0, 50, 125))
    display = BinErrorDisplay(y_true=y_true, y_pred=y_pred, bins=bins).plot()
    medians = sorted(line.get_xdata()[0] for line in display.boxes_["medians"])
    assert medians == [-20, -7]
