"""NaN or infinite losses and weights: errors name the place and the cause."""

import numpy as np
import pytest
import torch
from factories import TINY_FROZEN
from skorch.callbacks import Callback

from sknumclip import NumCLIPClassifier, NumCLIPRegressor

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 32)).astype(np.float32), RNG.uniform(0, 10, size=20)
FROZEN = dict(**TINY_FROZEN, batch_size=5)


class TooFast(NumCLIPRegressor):
    regressor_lr = 1e38
    lr_schedule = "constant"


class Ruin(Callback):
    """Puts NaN into the weights before a batch, or after the last batch of an epoch."""

    def __init__(self, epoch, batch):
        self.epoch, self.batch = epoch, batch

    def on_epoch_begin(self, net, **kwargs):
        self.seen = 0

    def on_batch_end(self, net, training, **kwargs):
        self.seen += training
        if training and (len(net.history), self.seen) == (self.epoch, self.batch - 1):
            with torch.no_grad():
                net.module_.regressor.out.bias.fill_(torch.nan)


def test_the_epoch_the_batch_and_the_rates_are_named():
    reg = NumCLIPRegressor(**FROZEN, max_epochs=4, callbacks=[Ruin(3, 2)])
    message = r"became nan in epoch 3, batch 2 of 4 \(training\).*learning rates.*0.001 for regr"
    with pytest.raises(FloatingPointError, match=message):
        reg.fit(X, Y)
    with pytest.raises(FloatingPointError, match=r"epoch 1, batch 1 of 1 \(validation\)"):
        reg.set_params(early_stopping=True, callbacks=[Ruin(1, 5)]).fit(X, Y)


def test_too_high_rates_stop_training():
    with pytest.raises(FloatingPointError, match="Most likely the learning rates are too high"):
        TooFast(**FROZEN, prompt_lr=1e38, max_epochs=5).fit(X, Y)


def test_bad_features_are_told_from_bad_rates():
    wild = X.copy()
    wild[7] = 3e38
    message = "epoch 1, batch .*not the cause.*largest value in X is 3e[+]38"
    with pytest.raises(FloatingPointError, match=message):
        NumCLIPRegressor(**{**FROZEN, "batch_size": 20}, max_epochs=2).fit(wild, Y)


@pytest.mark.parametrize("has_checkpoint", [True, False])
def test_weights_ruined_by_the_last_step_are_found(tmp_path, has_checkpoint):
    checkpoint = tmp_path if has_checkpoint else None
    reg = NumCLIPRegressor(**FROZEN, max_epochs=2, callbacks=[Ruin(2, 5)], checkpoint=checkpoint)
    with pytest.raises(FloatingPointError, match="After epoch 2, 1 of .* 'regressor.out.bias'"):
        reg.fit(X, Y)
    if has_checkpoint:  # it is of the first epoch, and the fit goes on from there
        assert reg.set_params(callbacks=None).fit(X, Y).n_iter_ == 2


@pytest.mark.parametrize("estimator", [NumCLIPRegressor, NumCLIPClassifier])
def test_a_failed_fit_leaves_the_last_one_as_it_was(estimator):
    y = (Y > 5).astype(int)
    model = estimator(**FROZEN, max_epochs=2).fit(X, y)
    before, expected = dict(vars(model)), model.predict(X)
    with pytest.raises(FloatingPointError):
        model.set_params(callbacks=[Ruin(1, 2)]).fit(X[:, :9], y + 5)
    model.set_params(callbacks=None)
    assert vars(model) == before
    assert (model.predict(X) == expected).all()


def test_embeddings_of_images_are_not_blamed(pixels):
    with pytest.raises(FloatingPointError) as raised:
        TooFast(**FROZEN, prompt_lr=1e38, max_epochs=5).fit(pixels, Y[:8])
    assert "StandardScaler" not in str(raised.value)
