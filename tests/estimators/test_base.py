"""Behavior shared by all estimators: trained parts, effects of parameters, sample weights."""

import numpy as np
import pytest
import torch
from factories import Y, small_pictures

from sknumclip import NumCLIPRegressor
from sknumclip.images.embeddings import clear_embedding_cache
from sknumclip.losses import FCRC


def trained_parameters(make, data, **kwargs):
    X, y = data
    before = make(max_epochs=0, **kwargs).fit(X, y).net_.module_.state_dict()
    after = make(**kwargs).fit(X, y).net_.module_.state_dict()
    return {name for name in after if not torch.equal(before[name], after[name])}


def test_what_is_trained(make, data):
    full = trained_parameters(make, data)
    assert {"encoder.visual.conv1.weight", "prompts.embeddings", "regressor.out.weight"} <= full
    last = trained_parameters(make, data, fine_tune=1)
    assert "encoder.visual.transformer.resblocks.1.ln_1.weight" in last
    assert not any("resblocks.0" in name or "conv1" in name for name in last)
    frozen = trained_parameters(make, data, fine_tune="none")
    assert {name.split(".")[0] for name in frozen} == {"prompts", "regressor", "text_features"}


@pytest.fixture(scope="module")
def predictions_in_fp32(make):
    X = small_pictures()
    return make(precision="fp32").fit(X, Y).predict(X)


@pytest.mark.parametrize(
    "change",
    [
        dict(beta=50),
        dict(ranking_loss="infonce"),
        dict(ranking_loss="author_code"),
        dict(ranking_loss="none"),
        dict(ranking_loss=FCRC(distance="squared")),
        dict(ranking_loss=FCRC(weight_norm="mean")),
        dict(ranking_loss=FCRC(mask_same_bin=False)),
        dict(shift="relative"),
        dict(prompt_init="random"),
        dict(template="there are {}"),
        dict(batch_size=3),
        dict(lr=1e-4),
        dict(prompt_lr=1e-2),
        dict(augment=False),
        dict(canvas_scale=1.5),
        dict(accumulate_steps=2),
        dict(bins=3),
        dict(max_epochs=3),
        dict(precision="bf16"),
    ],
    ids=str,
)
def test_every_parameter_matters(make, data, predictions_in_fp32, change):
    X, y = data
    changed = make(**{"precision": "fp32", **change}).fit(X, y).predict(X)
    assert np.isfinite(changed).all()
    assert (changed != predictions_in_fp32).any()


def test_parameters_set_after_fit_change_nothing_that_was_fitted(make, data, tmp_path):
    X, y = data
    for before, after in (("full", "none"), ("none", "full")):
        clear_embedding_cache()
        reg = make(fine_tune=before).fit(X, y)
        expected = reg.predict(X)
        reg.set_params(fine_tune=after, shift="relative", canvas_scale=2, bins=2)
        assert (reg.predict(X) == expected).all()
        reg.save(tmp_path / before)
        loaded = NumCLIPRegressor.load(tmp_path / before)
        assert (loaded.predict(X) == expected).all()
        assert loaded.fine_tune == after
    clean = make(fine_tune="none").fit(X, y).predict(X)
    clear_embedding_cache()
    assert (make(fine_tune="none").fit(X, y).predict(X) == clean).all()


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_sample_weight(make, data, fine_tune):
    X, y = data
    plain, ones, weighted = (
        make(fine_tune=fine_tune).fit(X, y, sample_weight=w).predict(X)
        for w in (None, np.full(8, 2.0), [9, 1, 1, 1, 1, 1, 1, 9])
    )
    np.testing.assert_allclose(plain, ones, rtol=1e-6)
    assert (plain != weighted).any()
    with pytest.raises(ValueError, match="Negative values"):
        make().fit(X, y, sample_weight=-np.ones(8))


def test_weights_count_in_batches_of_one(make, data):
    X, y = data
    kwargs = dict(batch_size=1, ranking_loss="none")
    plain = make(**kwargs).fit(X, y).predict(X)
    weighted = make(**kwargs).fit(X, y, sample_weight=[100, *[1] * 7]).predict(X)
    assert (plain != weighted).any()


def test_samples_of_no_weight_are_left_out(make, data):
    X, y = data
    kept = np.arange(8) != 3
    y_nonsense = np.where(kept, y, 1e6)
    reg = make(fine_tune="none", bins=3).fit(X, y_nonsense, sample_weight=kept.astype(float))
    without = make(fine_tune="none", bins=3).fit(X[kept], y[kept])
    assert reg.bins_ == without.bins_
    np.testing.assert_allclose(reg.predict(X), without.predict(X), rtol=1e-5)
