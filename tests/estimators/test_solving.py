"""Fine-tuning starts from the solved fit; modules of one's own are trained from their start."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from factories import FAST, TINY, with_settings
from sklearn.base import clone
from torch import nn

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.datasets import make_counting_images
from sknumclip.images.canvases import CanvasStore

UNTRAINED = dict(lr=0.0, prompt_lr=0.0, max_epochs=1, precision="fp32")


@pytest.mark.parametrize("fine_tune", ["full", 1])
def test_fine_tuning_starts_from_the_solved_fit(make, data, fine_tune):
    X, _ = data
    frozen = make(fine_tune="none", max_epochs="auto", batch_size="auto", precision="fp32")
    expected, std = frozen.set_params(lr="auto").fit(*data).predict(X, return_std=True)
    Untrained = with_settings(NumCLIPRegressor, regressor_lr=0.0)
    start = make(cls=Untrained, **UNTRAINED, fine_tune=fine_tune, augment=False).fit(*data)
    y_pred, y_std = start.predict(X, return_std=True)
    np.testing.assert_allclose(y_pred, expected, rtol=1e-4)
    np.testing.assert_allclose(y_std, std, rtol=1e-4)
    np.testing.assert_allclose(start.predict_bin_proba(X), frozen.predict_bin_proba(X), atol=1e-4)
    trained = clone(start).set_params(lr=1e-3, prompt_lr="auto").fit(*data)
    assert (trained.predict(X) != y_pred).any()


def test_a_classifier_too(clip_models, pixels):
    grades = np.array([0, 0, 1, 1, 1, 2, 2, 0])
    shared = dict(model_name=clip_models["clip"], random_state=0, verbose=0, precision="fp32")
    frozen = NumCLIPClassifier(fine_tune="none", **shared).fit(pixels, grades)
    Untrained = with_settings(NumCLIPClassifier, regressor_lr=0.0)
    start = Untrained(**{**shared, **UNTRAINED}, augment=False).fit(pixels, grades)
    expected = frozen.predict_proba(pixels)
    np.testing.assert_allclose(start.predict_proba(pixels), expected, atol=1e-4)


def test_it_can_start_from_zero_shot_clip_as_in_the_paper(make, data):
    zero_shot = make(max_epochs=0, precision="fp32").fit(*data).predict(data[0])
    FromZeroShot = with_settings(NumCLIPRegressor, solve_first=False, regressor_lr=0.0)
    for cls in (FromZeroShot, lambda **params: NumCLIPRegressor.paper(**params)):
        start = make(cls=cls, **UNTRAINED, augment=False).fit(*data)
        np.testing.assert_allclose(start.predict(data[0]), zero_shot, rtol=1e-3)


def test_images_are_decoded_once_for_both(make, files, data, monkeypatch):
    stores, reads = [], []
    init, read = CanvasStore.__init__, CanvasStore.__getitem__
    monkeypatch.setattr(
        CanvasStore, "__init__", lambda self, *a, **k: stores.append(1) or init(self, *a, **k)
    )
    monkeypatch.setattr(
        CanvasStore, "__getitem__", lambda self, i: reads.append(i) or read(self, i)
    )
    make(max_epochs=1).fit(files, data[1])
    assert len(stores) == 1
    assert len(reads) == 3 * len(files)  # to check, to embed, and in the epoch


def rate_of_tower(X, y, **params):
    """The learning rate of the first epoch."""
    rates = []

    class Observe(NumCLIPRegressor):
        def _param_groups(self, *args):
            rates.append(super()._param_groups(*args)["encoder"])
            return {"encoder": 0.0}

    Observe(**{**TINY, "max_epochs": 1, "random_state": 0, **params}).fit(X, y)
    return rates[0]


def test_the_tower_learns_faster_where_words_do_not_help_but_pictures_do():
    X, y = make_counting_images(60, random_state=0)
    helpful = {"a few": (0, 16), "several": (16, 40), "many": (40, 101)}
    misleading = dict(zip(reversed(helpful), helpful.values(), strict=True))
    template = "a picture of {} shapes."
    assert rate_of_tower(X, y, bins=helpful, template=template) == 1e-5
    new = dict(bins=misleading, template=template)
    assert rate_of_tower(X, y, **new, batch_size=1) == pytest.approx(0.01 / 60)  # steps
    assert rate_of_tower(X, y, **new, batch_size=32) == 2e-4  # two steps
    noise = np.random.default_rng(0).permutation(y)  # nothing to learn
    assert rate_of_tower(X, noise, bins=misleading, template=template) == 1e-5
    assert rate_of_tower(X, y, bins=misleading, template=template, lr=2e-4) == 2e-4


def test_many_steps_have_no_lower_rate_than_the_best_for_many():
    new = SimpleNamespace(is_new_to_clip=True)
    assert NumCLIPRegressor()._tower_lr(new, 250) == pytest.approx(4e-5)
    assert NumCLIPRegressor()._tower_lr(new, 10_000) == 3e-5


class WithOwnModule(NumCLIPRegressor):
    """Trains one more layer."""

    def _assemble(self, encoder, backbone, bins, generator):
        module = super()._assemble(encoder, backbone, bins, generator)
        module.own = nn.Linear(2, 2)
        return module


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_a_module_of_ones_own_is_trained_in_epochs(make, data, fine_tune):
    with torch.random.fork_rng():
        reg = make(cls=WithOwnModule, fine_tune=fine_tune, max_epochs=1).fit(*data)
    assert hasattr(reg.net_.module_, "own")
    if fine_tune == "none":
        reg.set_params(max_epochs="auto", callbacks=[]).fit(*data)
        assert hasattr(reg.net_.module_, "own")
        assert reg.n_iter_ == 100


def test_the_solved_start_is_in_a_checkpoint_and_goes_on(make, data, tmp_path):
    """With other labels, the start is another one, so the checkpoint is too."""
    X, y = data
    params = dict(checkpoint=tmp_path, max_epochs=2)
    first = make(**params).fit(X, y).predict(X)
    np.testing.assert_array_equal(make(**params).fit(X, y).predict(X), first)
    assert len(list(tmp_path.iterdir())) == 1
    make(**params).fit(X, y + 1)
    assert len(list(tmp_path.iterdir())) == 2


def test_saved_loaded_and_continued(make, data, tmp_path):
    X, y = data
    reg = make().fit(X, y)
    reg.save(tmp_path)
    loaded = NumCLIPRegressor.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(X), reg.predict(X))
    more = dict(warm_start=True, max_epochs=1)
    continued, again = (est.set_params(**more).fit(X, y).predict(X) for est in (reg, loaded))
    np.testing.assert_array_equal(continued, again)
    assert (continued != make().fit(X, y).predict(X)).any()


def test_frozen_and_fine_tuned_fits_cannot_continue_each_other(make, data):
    reg = make(fine_tune="none", max_epochs="auto", batch_size="auto", lr="auto").fit(*data)
    reg.set_params(**FAST, fine_tune="full", warm_start=True)
    with pytest.raises(ValueError, match="warm_start=True cannot continue"):
        reg.fit(*data)
