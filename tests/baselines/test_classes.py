"""Baselines with one class per whole number."""

import pytest
from baselines_shared import Y

from sknumclip.baselines import CoOpRegressor


def test_each_whole_number_is_a_class(make_baseline, pixels):
    reg = make_baseline(CoOpRegressor, max_epochs=0, fine_tune="none").fit(pixels, Y - 0.4)
    assert reg.bins_.descriptions == ("3", "4", "5", "6", "7", "8")
    assert reg.bins_.centers == (3, 4, 5, 6, 7, 8)
    with pytest.raises(ValueError, match="from 3000 to 8000; at most 1000.*Divide y"):
        make_baseline(CoOpRegressor).fit(pixels, Y * 1000)
