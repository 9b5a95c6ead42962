"""Checks shared by the functions that inspect images."""

import numpy as np
import pandas as pd
import pytest

from sknumclip.inspection._checks import check_choice, check_column, check_labels


@pytest.mark.parametrize("value", ["ignore", None, ["raise"], np.array(["raise"])], ids=repr)
def test_what_is_not_a_choice_is_named_with_the_choices(value):
    with pytest.raises(ValueError, match=r"on_error must be one of \['raise', 'skip'\]. Got on_er"):
        check_choice("on_error", value, {"skip", "raise"})
    check_choice("on_error", "skip", {"skip", "raise"})


@pytest.mark.parametrize(
    "values", [["a", "b"], np.array(["a", "b"]), pd.Series(["a", "b"], index=[5, 3]), ("a", "b")]
)
def test_columns_of_any_kind_become_arrays(values):
    assert check_column("group", values, 2).tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="one group for each image. Got 2 for 3 images"):
        check_column("group", values, 3)


def test_labels_become_finite_numbers():
    labels = check_labels(pd.Series([1, 2, 3], dtype="Int64"), 3)
    assert labels.dtype == np.float64
    assert labels.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="in 2 of 3 labels, the first at position 1. Leave those"):
        check_labels([1, np.inf, np.nan], 3)
    with pytest.raises(ValueError, match="y must be numbers"):
        check_labels([1, pd.Timestamp(2020, 1, 1), 3], 3)
