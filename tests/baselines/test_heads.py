"""Heads read their outputs as their papers say."""

import numpy as np
import pytest
import torch

from sknumclip import LinguisticBins
from sknumclip.baselines.heads import DECODERS, HEAD_LOSSES, HeadModule

CENTERS = torch.tensor([0.0, 1, 2, 5])
BINS = LinguisticBins(descriptions=("a", "b", "c"), edges=(0, 1, 2, 3))


def logit(p):
    return torch.tensor(p).logit()


def test_decoders_by_hand():
    number = DECODERS["number"](torch.tensor([[0.0], [0.5], [-0.5]]), CENTERS)
    assert number.tolist() == [2.5, 5, 0]
    expectation = DECODERS["expectation"](torch.tensor([[0.1, 0.2, 0.3, 0.4]]).log(), CENTERS)
    assert expectation.item() == pytest.approx(0.2 + 0.6 + 2)
    # Above 0 with 0.9, then above 1 with 0.5, then above 2 with 0.2.
    conditional = DECODERS["conditional"](logit([[0.9, 0.5, 0.2]]), CENTERS)
    assert conditional.item() == pytest.approx(0.9 * 1 + 0.45 * 1 + 0.09 * 3)


@pytest.mark.parametrize("name", HEAD_LOSSES)
def test_every_loss_teaches_its_decoder(name):
    if name not in ("l1", "cross_entropy"):
        pytest.importorskip("dlordinal")
    torch.manual_seed(0)
    module = HeadModule(torch.nn.Identity(), 4, HEAD_LOSSES[name].decoder, bins=BINS)
    ranking_loss = HEAD_LOSSES[name].make(BINS.n_bins)
    features = torch.eye(3, 4)
    bin_index, y = torch.arange(3), torch.tensor([0.5, 1.5, 2.5])
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    errors = []
    for _ in range(200):
        output = module(features)
        errors.append((output.y_pred - y).abs().mean())
        loss = errors[-1] if name == "l1" else ranking_loss(output.logits, bin_index, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert errors[0].item() == pytest.approx(2 / 3, abs=0.15)
    # Soft labels keep some probability away from the label itself.
    assert errors[-1] < 0.4
    assert np.all(np.diff(module(features).y_pred.detach().numpy()) > 0)
