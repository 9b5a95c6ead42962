"""NumCLIPNet: its state after training."""

import copy
import pickle

import numpy as np
import torch

from sknumclip import NumCLIPRegressor
from sknumclip.training.net import epochs_of, restore_net, snapshot

BINS = {"few": (0, 4), "many": (4, 9)}


def fitted(clip_models, pixels, **params):
    params = dict(model_name=clip_models["clip"], max_epochs=2, verbose=0, random_state=0) | params
    return NumCLIPRegressor(BINS, **params).fit(pixels, range(8))


def test_a_fitted_net_holds_nothing_that_only_training_needs(clip_models, pixels):
    net = fitted(clip_models, pixels).net_
    assert net.optimizer_ is None
    assert net.ranking_loss is None
    assert not net.module_.training
    pickle.loads(pickle.dumps(net))


def test_a_snapshot_is_a_copy_that_predicts_the_same(clip_models, pixels):
    reg = fitted(clip_models, pixels)
    copied = snapshot(reg.net_)
    assert epochs_of(copied) == epochs_of(reg.net_)
    other = copy.copy(reg)
    other.net_ = copied
    np.testing.assert_array_equal(other.predict(pixels), reg.predict(pixels))
    with torch.no_grad():
        next(copied.module_.parameters()).add_(1)
    assert (other.predict(pixels) != reg.predict(pixels)).any()


def test_a_restored_net_has_its_history(clip_models, pixels):
    net = fitted(clip_models, pixels).net_
    restored = restore_net(net.module_, epochs_of(net))
    assert restored.history[:, "train_loss"] == net.history[:, "train_loss"]
    assert restored.initialized_
