"""Quantile bins: equally many labels each, for any labels and weights."""

import numpy as np
import pytest
from bins_shared import LABELS, made_or_refused
from hypothesis import given, settings
from hypothesis import strategies as st

from sknumclip import LinguisticBins


def test_quantile_bins_hold_equally_many():
    y = np.random.default_rng(0).lognormal(size=1000)
    bins = LinguisticBins.from_quantiles(y, 5)
    assert bins.descriptions == ("very low", "low", "medium", "high", "very high")
    assert np.bincount(bins.assign(y)).tolist() == [200] * 5


def test_where_quantiles_coincide_those_of_the_different_labels_are_taken():
    bins = LinguisticBins.from_quantiles([0] * 90 + [1, 2, 3, 4, 5, 6], 3)
    assert bins.edges == (0, 2, 4, 6)


def test_few_different_labels_get_a_bin_each():
    with pytest.warns(UserWarning, match="only 3 different values, so there are 3 bins"):
        bins = LinguisticBins.from_quantiles([1, 1, 1, 2, 4, 4], 5)
    assert bins == LinguisticBins(("low", "medium", "high"), (0.5, 1.5, 3, 5), (1, 2, 4))


def test_a_constant_label_makes_no_bins():
    with pytest.raises(ValueError, match="at least two different values"):
        LinguisticBins.from_quantiles([3, 3, 3], 2)


@settings(deadline=None)
@given(LABELS | st.lists(st.integers(0, 5).map(float), min_size=1, max_size=30), st.integers(2, 7))
def test_any_labels_make_quantile_bins_that_hold_them_or_an_error_in_words(y, n_bins):
    bins, error = made_or_refused(lambda: LinguisticBins.from_quantiles(y, n_bins))
    if error is not None:
        assert "y must" in error or "too close" in error
        largest = np.abs(y).max()
        assert largest > 1e29 or np.ptp(y) < 1e-12 * largest or np.ptp(y) < 1e-29
        return
    assert bins.n_bins == min(n_bins, len(set(y)))
    assert len(bins.assign(y)) == len(y)


def test_a_label_of_weight_2_counts_as_two_in_quantiles():
    rng = np.random.default_rng(0)
    y, times = rng.normal(size=40), rng.integers(1, 5, size=40)
    weighted = LinguisticBins.from_quantiles(y, 5, sample_weight=times)
    repeated = LinguisticBins.from_quantiles(np.repeat(y, times), 5)
    np.testing.assert_allclose(weighted.edges, repeated.edges, rtol=1e-12)
    assert weighted.edges != LinguisticBins.from_quantiles(y, 5).edges


def test_quantile_bins_hold_all_labels_whatever_their_weights():
    rng = np.random.default_rng(0)
    y, weight = rng.normal(size=40), rng.uniform(0.1, 3, size=40)
    bins = LinguisticBins.from_quantiles(y, 5, sample_weight=weight)
    assert (bins.edges[0], bins.edges[-1]) == (y.min(), y.max())
    assert len(set(bins.assign(y))) == 5
