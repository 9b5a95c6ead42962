"""The baselines are estimators like NumCLIPRegressor, and do what their papers say."""

import pickle
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from sknumclip import NumCLIPRegressor
from sknumclip.baselines import (
    CoOpRegressor,
    ImageHeadRegressor,
    L2RCLIPRegressor,
    OrdinalCLIPRegressor,
    ZeroShotCLIPRegressor,
)
from sknumclip.baselines.heads import HEAD_LOSSES
from sknumclip.datasets import make_counting_images

PROMPTED = (CoOpRegressor, OrdinalCLIPRegressor, L2RCLIPRegressor)
TRAINED = (*PROMPTED, ImageHeadRegressor)
Y = np.array([3.0, 4, 4, 5, 6, 7, 8, 8])


@pytest.fixture
def make(clip_models):
    def make(cls, **params):
        fast = dict(max_epochs=2, batch_size=4, random_state=0) if cls in TRAINED else {}
        return cls(**{"model_name": clip_models["clip"], "verbose": 0} | fast | params)

    return make


@pytest.mark.parametrize("cls", TRAINED)
@pytest.mark.parametrize("fine_tune", ["full", 1, "none"])
def test_fits_predicts_clones_and_pickles(make, pixels, cls, fine_tune):
    reg = make(cls, fine_tune=fine_tune).fit(pixels, Y)
    y_pred = reg.predict(pixels)
    assert y_pred.shape == (8,)
    assert list(reg.history_[["train_class_loss", "train_l1_loss"]].shape) == [2, 2]
    assert reg.transform(pixels).shape == (8, 16)
    np.testing.assert_array_equal(clone(reg).fit(pixels, Y).predict(pixels), y_pred)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reg)).predict(pixels), y_pred)


@pytest.mark.parametrize("cls", TRAINED)
def test_learns_to_count(cls):
    X, y = make_counting_images(120, high=8, random_state=0)
    params = dict(model_name="tiny", canvas_scale=1, fine_tune="none", verbose=0, random_state=0)
    lr = dict(head_lr=0.3) if cls is ImageHeadRegressor else dict(prompt_lr=0.01)
    reg = cls(**params, **lr, max_epochs=100).fit(X[:80], y[:80])
    untrained = cls(**params, max_epochs=0).fit(X[:80], y[:80])
    error, before = (np.abs(r.predict(X[80:]) - y[80:]).mean() for r in (reg, untrained))
    assert error < 0.85 * before
    assert error < 0.7 * np.abs(np.median(y[:80]) - y[80:]).mean()


def test_zero_shot_is_numclip_without_epochs_and_reads_no_image(make, pixels, clip_models):
    bins = {"few": (0, 5), "many": (5, 20)}
    params = dict(bins=bins, template="{} of them")
    reg = make(ZeroShotCLIPRegressor, **params).fit(["no such file"] * 8, Y)
    numclip = NumCLIPRegressor(
        **params, model_name=clip_models["clip"], max_epochs=0, fine_tune="none", verbose=0
    )
    np.testing.assert_array_equal(reg.predict(pixels), numclip.fit(pixels, Y).predict(pixels))
    digits = make(ZeroShotCLIPRegressor, **params, prompt_init="numbers").fit(pixels, Y)
    assert (digits.predict(pixels) != reg.predict(pixels)).all()
    assert len(digits.get_params()) < 15
    with pytest.raises(ValueError, match="prompt_init.*Got 'random'"):
        make(ZeroShotCLIPRegressor, **params, prompt_init="random").fit(pixels, Y)


def test_each_whole_number_is_a_class(make, pixels):
    reg = make(CoOpRegressor, max_epochs=0, fine_tune="none").fit(pixels, Y - 0.4)
    assert reg.bins_.descriptions == ("3", "4", "5", "6", "7", "8")
    assert reg.bins_.centers == (3, 4, 5, 6, 7, 8)
    with pytest.raises(ValueError, match="from 3000 to 8000; at most 1000.*Divide y"):
        make(CoOpRegressor).fit(pixels, Y * 1000)


def test_search_and_cross_validation(make, pixels):
    search = GridSearchCV(
        make(OrdinalCLIPRegressor, fine_tune="none"),
        {"n_base_ranks": [2, 3], "interpolation": ["linear", "inverse"]},
        cv=2,
        error_score="raise",
    ).fit(pixels, Y)
    assert len(set(search.cv_results_["mean_test_score"])) == 4
    head = make(ImageHeadRegressor, fine_tune="none")
    assert np.isfinite(cross_val_score(head, pixels, Y, cv=2)).all()


@pytest.mark.parametrize("loss", HEAD_LOSSES)
def test_every_head_fits(make, pixels, loss):
    reg = make(ImageHeadRegressor, loss=loss, fine_tune="none").fit(pixels, Y)
    assert np.isfinite(reg.predict(pixels)).all()


def test_heads_that_cannot_weigh_samples_say_so(make, pixels):
    with pytest.raises(ValueError, match="loss='sord' cannot weight samples.*loss='l1'"):
        make(ImageHeadRegressor, loss="sord").fit(pixels, Y, sample_weight=Y)
    weighted = make(ImageHeadRegressor).fit(pixels, Y, sample_weight=Y)
    assert (
        weighted.predict(pixels) != make(ImageHeadRegressor).fit(pixels, Y).predict(pixels)
    ).any()


def test_a_missing_extra_is_named_before_training(make, pixels, monkeypatch):
    monkeypatch.setitem(sys.modules, "dlordinal", None)
    with pytest.raises(ImportError, match=r"CORNLoss: pip install 'sknumclip\[ordinal\]'"):
        make(ImageHeadRegressor, loss="corn").fit(["no such file"] * 8, Y)


def test_a_context_that_is_too_long_is_an_error(make, pixels):
    with pytest.raises(ValueError, match="have more tokens than the 20"):
        make(CoOpRegressor, context=30).fit(pixels, Y)
