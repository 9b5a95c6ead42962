"""Names of checkpoints: one for each result that a fit may have."""

import numpy as np
import torch
from factories import FAST, MODELS, Y, save_clip

from sknumclip import NumCLIPRegressor


def test_fits_do_not_share_checkpoints(make, data, tmp_path):
    X, y = data
    for change in ({}, dict(beta=1), dict(random_state=1), dict(bins=3)):
        expected = make(**change).fit(X, y).predict(X)
        assert (make(checkpoint=tmp_path, **change).fit(X, y).predict(X) == expected).all()
    make(checkpoint=tmp_path).fit(X, y + 0.5)
    make(checkpoint=tmp_path).fit(X[::-1].copy(), y)
    assert len(list(tmp_path.iterdir())) == 6


def test_checkpoints_know_where_a_fit_started(make, data, tmp_path):
    X, y = data
    reg = make(checkpoint=tmp_path, warm_start=True).fit(X, y)
    first = reg.predict(X)
    assert (reg.fit(X, y).predict(X) != first).any()
    state = np.random.RandomState(0)
    first, second = (
        make(checkpoint=tmp_path, random_state=state).fit(X, y).predict(X) for _ in range(2)
    )
    assert (first != second).any()


class Turn:
    """An augmentation whose repr says where it is in memory, not what it does."""

    def __init__(self, quarters):
        self.quarters = quarters

    def __call__(self, canvases):
        return torch.rot90(canvases, self.quarters, (2, 3))


def test_a_killed_fit_may_be_resumed_with_other_workers_and_caches(make, data, tmp_path):
    X, y = data
    make(checkpoint=tmp_path, augment=Turn(1)).fit(X, y)
    others = dict(num_workers=0, image_cache=None, on_error="skip", device="cpu")
    make(checkpoint=tmp_path, augment=Turn(1), **others).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 1
    make(checkpoint=tmp_path, augment=Turn(2), **others).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 2


def test_other_weights_of_clip_are_another_fit(pixels, tmp_path):
    for kind in ("clip", "quickgelu"):
        name = save_clip(tmp_path / "model", MODELS[kind])
        params = dict(model_name=name, checkpoint=tmp_path / "kept", **FAST)
        NumCLIPRegressor(**params).fit(pixels, Y)
    assert len(list((tmp_path / "kept").iterdir())) == 2
