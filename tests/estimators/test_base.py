"""Behavior shared by all estimators: trained parts, effects of parameters, sample weights."""

import numpy as np
import pytest
from factories import FromZeroShot, Y, small_pictures

from sknumclip import NumCLIPRegressor
from sknumclip.images.embeddings import clear_embedding_cache
from sknumclip.losses import FCRC


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
    plain, ones, weighted = (  # a solved start would count images by their weights
        make(cls=FromZeroShot, fine_tune=fine_tune).fit(X, y, sample_weight=w).predict(X)
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
