"""ImageHeadRegressor: all losses, and errors."""

import sys

import numpy as np
import pytest
from baselines_shared import Y

from sknumclip.baselines import ImageHeadRegressor
from sknumclip.baselines.heads import HEAD_LOSSES


@pytest.mark.parametrize("loss", HEAD_LOSSES)
def test_every_head_fits(make_baseline, pixels, loss):
    reg = make_baseline(ImageHeadRegressor, loss=loss, fine_tune="none").fit(pixels, Y)
    assert np.isfinite(reg.predict(pixels)).all()


def test_heads_that_cannot_weigh_samples_say_so(make_baseline, pixels):
    with pytest.raises(ValueError, match="loss='sord' cannot weight samples.*loss='l1'"):
        make_baseline(ImageHeadRegressor, loss="sord").fit(pixels, Y, sample_weight=Y)
    weighted = make_baseline(ImageHeadRegressor).fit(pixels, Y, sample_weight=Y)
    assert (
        weighted.predict(pixels) != make_baseline(ImageHeadRegressor).fit(pixels, Y).predict(pixels)
    ).any()


def test_a_missing_extra_is_named_before_training(make_baseline, pixels, monkeypatch):
    monkeypatch.setitem(sys.modules, "dlordinal", None)
    with pytest.raises(ImportError, match=r"CORNLoss: pip install 'sknumclip\[ordinal\]'"):
        make_baseline(ImageHeadRegressor, loss="corn").fit(["no such file"] * 8, Y)
