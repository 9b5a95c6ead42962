"""The baselines' losses against float64 computations by other means."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.special import log_softmax, rel_entr, softmax

from sknumclip.baselines.class_losses import cross_entropy, cross_entropy_kl, ordinal_pairwise

CLASSES = np.array([0, 3, 3, 1])


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(size=(4, 5)) * 3


def call(loss, logits, **options):
    return loss(torch.tensor(logits), torch.tensor(CLASSES), None, **options).item()


def test_cross_entropy(logits):
    terms = -log_softmax(logits, axis=1)[range(4), CLASSES]
    assert call(cross_entropy, logits) == pytest.approx(terms.mean(), rel=1e-5)
    weight = torch.tensor([0.0, 0, 4, 0])
    assert call(cross_entropy, logits, sample_weight=weight) == pytest.approx(terms[2], rel=1e-5)


def test_cross_entropy_kl(logits):
    prob = softmax(logits, axis=0)
    targets = {0: [1, 0, 0, 0], 1: [0, 0, 0, 1], 3: [0, 0.5, 0.5, 0]}  # classes in the batch
    divergence = np.mean([rel_entr(t, prob[:, k]).sum() for k, t in targets.items()])
    expected = call(cross_entropy, logits) + divergence
    assert call(cross_entropy_kl, logits) == pytest.approx(expected, rel=1e-5)


def test_ordinal_pairwise():
    rng = np.random.default_rng(0)
    z, w = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in rng.normal(size=(2, 5, 8)))
    z = z[:4]
    distances = cdist(z, w)
    weights = np.abs(CLASSES[:, None] - np.arange(5)) / 4
    expected = np.mean(distances[range(4), CLASSES] ** 2 - (weights * distances).mean(axis=1))
    expected += call(cross_entropy, 50 * z @ w.T)
    actual = call(ordinal_pairwise, 50 * z @ w.T, logit_scale=50.0)
    assert actual == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", [cross_entropy, cross_entropy_kl, ordinal_pairwise])
def test_gradients_are_finite_at_extreme_bf16_logits(loss):
    logits = torch.tensor([[100.0, -100.0, 100.0]] * 2, dtype=torch.bfloat16, requires_grad=True)
    options = dict(logit_scale=100.0) if loss is ordinal_pairwise else {}
    loss(logits, torch.tensor([0, 1]), None, label_range=2, **options).backward()
    assert torch.isfinite(logits.grad).all()
