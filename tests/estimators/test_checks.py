"""Validation of labels and weights, before images are read."""

from numbers import Integral

import numpy as np
import pandas as pd
import pytest

from sknumclip.estimators.checks import Interval, check_no_label_is_missing, check_y_and_weight


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, 2, np.nan, 4, 5, 6, 7, np.nan], "NaN in 2 of 8 labels, at positions 2, 7"),
        ([1, 2, np.inf, 4, 5, 6, 7, 8], "position 2"),
        (list("abcdefgh"), "labels like 'a' .str.*use NumCLIPClassifier"),
        ([1, 2, None, 4, 5, 6, 7, 8], "NaN in 1 of 8|labels like None"),
        ([1, 2, 3], "8 images or rows in X and 3 labels in y"),
        ([1, 2, 3, 4, 5, 6, 7, 300], r"1 of 8 labels.*\[0, 100\].*300 \(at position 7\)"),
        (None, "requires y to be passed"),
        (np.ones((8, 2)), "1d array"),
    ],
)
def test_bad_labels_are_refused_before_any_image_is_read(make, y, message):
    missing = [f"missing-{i}.jpg" for i in range(8)]
    with pytest.raises(ValueError, match=message):
        make().fit(missing, y)


def test_one_sample_is_an_error(make, data):
    with pytest.raises(ValueError, match="At least 2 samples"):
        make().fit(data[0][:1], [5])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, [1, 1, 1, 1]),
        ([3, 0, 1, 2], [3, 0, 1, 2]),  # counts of samples
        (2, [2, 2, 2, 2]),
        ([0.5, 0, 1, 1.5], [0.5, 0, 1, 1.5]),
        ([5e-9, 0, 1e-8, 1.5e-8], [0.5, 0, 1, 1.5]),  # a mean of 1 where it is above 0
        ([1e308, 0, 1e308, 1e308], [1, 0, 1, 1]),
    ],
    ids=str,
)
def test_whole_weights_are_counts_and_others_have_a_mean_of_1(given, expected):
    _, weight = check_y_and_weight("abcd", [1, 2, 3, 4], given)
    np.testing.assert_allclose(weight, expected, rtol=1e-12)


def test_true_is_not_a_number_in_a_range():
    at_least_1 = Interval(Integral, 1, None, closed="left")
    assert at_least_1.is_satisfied_by(1)
    assert not at_least_1.is_satisfied_by(True)
    assert not at_least_1.is_satisfied_by(np.True_)


def test_labels_of_any_kind_may_not_be_missing():
    check_no_label_is_missing(["child", 3, 0.5])
    with pytest.raises(
        ValueError, match="None or NaN in 3 of 4 labels, at positions 0, 2, 3. Leave"
    ):
        check_no_label_is_missing([None, "child", float("nan"), pd.NaT])
