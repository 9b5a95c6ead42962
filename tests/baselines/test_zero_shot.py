"""ZeroShotCLIPRegressor: zero-shot predictions without reading images."""

import numpy as np
import pytest
from baselines_shared import Y

from sknumclip import NumCLIPRegressor
from sknumclip.baselines import ZeroShotCLIPRegressor


def test_zero_shot_is_numclip_without_epochs_and_reads_no_image(make_baseline, pixels, clip_models):
    bins = {"few": (0, 5), "many": (5, 20)}
    params = dict(bins=bins, template="{} of them")
    reg = make_baseline(ZeroShotCLIPRegressor, **params).fit(["no such file"] * 8, Y)
    numclip = NumCLIPRegressor(
        **params, model_name=clip_models["clip"], max_epochs=0, fine_tune="none", verbose=0
    )
    np.testing.assert_array_equal(reg.predict(pixels), numclip.fit(pixels, Y).predict(pixels))
    digits = make_baseline(ZeroShotCLIPRegressor, **params, prompt_init="numbers").fit(pixels, Y)
    assert (digits.predict(pixels) != reg.predict(pixels)).all()
    assert len(digits.get_params()) < 15
    with pytest.raises(ValueError, match="prompt_init.*Got 'random'"):
        make_baseline(ZeroShotCLIPRegressor, **params, prompt_init="random").fit(pixels, Y)
