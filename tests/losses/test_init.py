"""Ranking losses as objects: values, parameters, names."""

import pickle

import pytest
import torch
from sklearn.base import clone

from sknumclip.losses import (
    FCRC,
    RANKING_LOSSES,
    AuthorCodeFCRC,
    InfoNCE,
    author_code_fcrc_loss,
    fcrc_loss,
    resolve_ranking_loss,
)


def test_infonce_weights_all_negatives_the_same_whatever_beta_is(batch):
    logits, bins, y = map(torch.tensor, batch)
    for mask in (True, False):
        loss = InfoNCE(mask)(logits, bins, y, beta=4.0, label_range=100.0)
        options = dict(label_range=100.0, mask_same_bin=mask)
        assert loss == fcrc_loss(logits, bins, y, beta=0, **options)


@pytest.mark.parametrize("params", [{}, {"distance": "sqrt"}, {"weight_norm": "mean"}])
def test_an_object_is_the_function_with_its_parameters(batch, params):
    logits, bins, y = map(torch.tensor, batch)
    options = dict(label_range=100.0, beta=3.0)
    loss = clone(FCRC(**params))(logits, bins, y, **options)
    assert loss == fcrc_loss(logits, bins, y, **options, **params)
    assert AuthorCodeFCRC()(logits, bins, y, **options) == author_code_fcrc_loss(logits, bins)


def test_losses_are_parameters_like_any_other():
    loss = FCRC(distance="sqrt")
    assert repr(loss) == "FCRC(distance='sqrt')"
    assert loss.get_params() == {
        "distance": "sqrt",
        "mask_same_bin": True,
        "weight_norm": "softmax",
    }
    assert pickle.loads(pickle.dumps(loss)).get_params() == loss.get_params()
    for name in ("fcrc", "infonce", "author_code", "none"):
        assert resolve_ranking_loss(name) is RANKING_LOSSES[name]


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (FCRC(distance="cubed"), r"'distance' parameter of FCRC must be one of \['absolute'"),
        (FCRC(mask_same_bin=1), r"must be one of \[True, False\]. Got 1 instead"),
        (InfoNCE(None), "'mask_same_bin' parameter of InfoNCE"),
    ],
)
def test_a_parameter_that_is_not_allowed_is_named(loss, message):
    with pytest.raises(ValueError, match=message):
        resolve_ranking_loss(loss)
