"""Numbers as a person means them: conversion by decimal digits, printing in full, masks."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from sknumclip._numbers import as_float64, in_full, refuse_mask


@pytest.mark.parametrize(
    "values",
    [
        np.array([0.1, 0.7, 13], dtype=np.float16),
        np.array([0.1, 0.7, 13], dtype=np.float32),
        [0.1, 0.7, 13],
        [Decimal("0.1"), 0.7, 13],
        pd.Series([0.1, 0.7, 13], dtype="Float64"),
    ],
    ids=["float16", "float32", "list", "Decimal", "pandas"],
)
def test_numbers_are_those_that_are_printed(values):
    found = as_float64(values)
    assert found.dtype == np.float64
    assert found.tolist() == [0.1, 0.7, 13]


def test_the_shape_is_kept_and_missing_values_are_nan():
    table = np.array([[0.1, np.nan], [np.inf, -0.3]], dtype=np.float32)
    np.testing.assert_array_equal(as_float64(table), [[0.1, np.nan], [np.inf, -0.3]])
    np.testing.assert_array_equal(as_float64([1, None]), [1, np.nan])
    assert as_float64([True, False]).tolist() == [1, 0]
    assert as_float64(np.float32(0.7)).shape == ()


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2"],
        [1, "2"],
        np.array(["2020", "2021"], dtype="datetime64[Y]"),
        np.array([1, 2], dtype="timedelta64[D]"),
        np.array([1 + 2j]),
    ],
    ids=str,
)
def test_words_dates_and_complex_numbers_are_refused(values):
    with pytest.raises(TypeError, match="must be numbers"):
        as_float64(values)


@pytest.mark.parametrize("number", [13, 0.1, 1e-7, 1e30, -2.5])
def test_neighboring_numbers_are_printed_differently(number):
    above = np.nextafter(number, np.inf)
    assert in_full(number) != in_full(above)
    assert float(in_full(above)) == above


def test_whole_numbers_are_printed_without_a_point():
    assert [in_full(x) for x in (13, 13.0, np.float32(13), -0.5)] == ["13", "13", "13", "-0.5"]


def test_masks_are_refused_only_if_they_hide_something():
    refuse_mask("y", np.ma.array([1, 2], mask=[0, 0]))
    refuse_mask("y", [1, 2])
    with pytest.raises(ValueError, match=r"y is a masked array.*y.filled\(...\)"):
        refuse_mask("y", np.ma.array([1, 2], mask=[0, 1]))
