"""Behavior shared by all baselines."""

import pickle

import numpy as np
import pytest
from baselines_shared import TRAINED, Y
from factories import TINY_FROZEN, with_settings
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from sknumclip.baselines import ImageHeadRegressor, OrdinalCLIPRegressor
from sknumclip.datasets import make_counting_images


@pytest.mark.parametrize("cls", TRAINED)
@pytest.mark.parametrize("fine_tune", ["full", 1, "none"])
def test_fits_predicts_clones_and_pickles(make_baseline, pixels, cls, fine_tune):
    reg = make_baseline(cls, fine_tune=fine_tune).fit(pixels, Y)
    y_pred = reg.predict(pixels)
    assert y_pred.shape == (8,)
    assert list(reg.history_[["train_class_loss", "train_mae"]].shape) == [2, 2]
    assert reg.transform(pixels).shape == (8, 16)
    np.testing.assert_array_equal(clone(reg).fit(pixels, Y).predict(pixels), y_pred)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reg)).predict(pixels), y_pred)


@pytest.mark.parametrize("cls", TRAINED)
def test_mirror_images_are_a_setting(make_baseline, pixels, cls):
    plain, mirrored = (
        make_baseline(with_settings(cls, mirror=mirror), fine_tune="none").fit(pixels, Y)
        for mirror in (False, True)
    )
    assert (mirrored.predict(pixels) != plain.predict(pixels)).any()
    with pytest.raises(ValueError, match="'mirror' parameter .* 'bool'"):
        make_baseline(with_settings(cls, mirror="both")).fit(pixels, Y)
    with pytest.raises(ValueError, match="class attribute mirror = True"):
        plain.set_params(mirror=True)


@pytest.mark.parametrize("cls", TRAINED)
def test_learns_to_count(cls):
    X, y = make_counting_images(120, high=8, random_state=0)
    params = dict(**TINY_FROZEN, canvas_scale=1)
    lr = dict(head_lr=0.3) if cls is ImageHeadRegressor else dict(prompt_lr=0.01)
    reg = cls(**params, **lr, max_epochs=100).fit(X[:80], y[:80])
    untrained = cls(**params, max_epochs=0).fit(X[:80], y[:80])
    error, before = (np.abs(r.predict(X[80:]) - y[80:]).mean() for r in (reg, untrained))
    assert error < 0.85 * before
    assert error < 0.7 * np.abs(np.median(y[:80]) - y[80:]).mean()


def test_search_and_cross_validation(make_baseline, pixels):
    search = GridSearchCV(
        make_baseline(OrdinalCLIPRegressor, fine_tune="none"),
        {"n_base_ranks": [2, 3], "interpolation": ["linear", "inverse"]},
        cv=2,
        error_score="raise",
    ).fit(pixels, Y)
    assert len(set(search.cv_results_["mean_test_score"])) == 4
    head = make_baseline(ImageHeadRegressor, fine_tune="none")
    assert np.isfinite(cross_val_score(head, pixels, Y, cv=2)).all()
