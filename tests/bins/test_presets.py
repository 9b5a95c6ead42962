"""Presets: the paper's bins, other common tasks, and descriptions of quantiles."""

import numpy as np
import pytest

from sknumclip import LinguisticBins


def test_age_preset_is_the_papers():
    bins = LinguisticBins.from_preset("age")
    assert bins.descriptions == (
        *("child", "teenager", "young adult"),
        *("middle adult", "older adult"),
    )
    assert bins.centers == (6.5, 16, 27, 50, 83)
    assert bins.assign([0, 12.5, 18.5, 34.5, 64, 65, 120]).tolist() == [0, 0, 1, 2, 3, 4, 4]


def test_other_presets():
    fine = LinguisticBins.from_preset("age_fine")
    assert fine.range == LinguisticBins.from_preset("age").range
    assert fine.descriptions[fine.assign([34])[0]] == "person in their thirties"
    assert LinguisticBins.from_preset("decade").assign([1930, 1979]).tolist() == [0, 4]
    assert LinguisticBins.from_preset("aesthetics").centers == (1, 2, 3, 4, 5)


@pytest.mark.parametrize("n_bins", range(2, 8))
def test_every_number_of_quantile_bins_has_words(n_bins):
    assert LinguisticBins.from_quantiles(np.arange(100), n_bins).n_bins == n_bins


def test_unknown_preset_lists_the_known():
    with pytest.raises(ValueError, match=r"'ages'. Choose from \['age', 'age_fine', 'decade'"):
        LinguisticBins.from_preset("ages")
