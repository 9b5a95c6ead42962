"""Baselines with learned prompts."""

import pytest
from baselines_shared import Y

from sknumclip.baselines import CoOpRegressor, OrdinalCLIPRegressor


def test_a_context_that_is_too_long_is_an_error(make_baseline, pixels):
    with pytest.raises(ValueError, match="have more tokens than the 20"):
        make_baseline(CoOpRegressor, context=30).fit(pixels, Y)


def test_interpolated_numbers_take_one_token_each(make_baseline, pixels):
    y = Y + 12345
    context = "a b c d e f g h i j k l m"
    with pytest.raises(ValueError, match="have more tokens than the 20"):
        make_baseline(CoOpRegressor, context=context).fit(pixels, y)
    reg = make_baseline(OrdinalCLIPRegressor, context=context, max_epochs=0, fine_tune="none").fit(
        pixels, y
    )
    assert reg.bins_.centers == (12348, 12349, 12350, 12351, 12352, 12353)
