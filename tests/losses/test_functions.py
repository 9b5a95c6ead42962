"""The losses against an independent float64 computation, one pair at a time."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from sknumclip.losses import (
    author_code_fcrc_loss,
    fcrc_loss,
    label_distance,
    negative_weights,
    regression_loss,
)


def fcrc_by_hand(logits, bins, y, label_range, beta, distance, weight_norm, mask=True):
    """Eq. 4 to 6 as they stand, in float64 and plain loops."""
    power = {"absolute": 1, "sqrt": 0.5, "squared": 2}[distance]
    m = len(y)
    f = [[math.exp(logits[i][bins[j]]) for j in range(m)] for i in range(m)]
    total = 0.0
    for i in range(m):
        negatives = [j for j in range(m) if (bins[j] != bins[i] if mask else j != i)]
        d = {j: (abs(y[i] - y[j]) / label_range) ** power for j in negatives}
        raw = {j: math.exp(beta * d[j]) if weight_norm == "softmax" else d[j] for j in negatives}
        mean = sum(raw.values()) / len(raw) if raw else 1.0
        for f_of in (lambda j, i=i: f[i][j], lambda j, i=i: f[j][i]):  # image→text, text→image
            negative = sum(raw[j] / mean * f_of(j) for j in negatives)
            total -= math.log(f_of(i) / (f_of(i) + negative)) / (2 * m)
    return total


@pytest.mark.parametrize("distance", ["absolute", "sqrt", "squared"])
@pytest.mark.parametrize("weight_norm", ["softmax", "mean"])
@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("bins_are_ranges", [True, False])
def test_fcrc_exact_value(batch, distance, weight_norm, mask, bins_are_ranges):
    logits, bins, y = batch
    loss = fcrc_loss(
        torch.tensor(logits),
        torch.tensor(bins),
        torch.tensor(y),
        label_range=100.0,
        beta=4.0,
        distance=distance,
        weight_norm=weight_norm,
        mask_same_bin=mask,
        bins_are_ranges=bins_are_ranges,
    )
    expected = fcrc_by_hand(logits, bins, y, 100.0, 4.0, distance, weight_norm, mask)
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_fcrc_without_beta_is_infonce(batch):
    logits, _, y = batch
    # One sample per bin, so InfoNCE is plain cross-entropy on the square of similarities.
    logits, bins, y = torch.tensor(logits[:4]), torch.arange(4), torch.tensor(y[:4])
    loss = fcrc_loss(logits, bins, y, label_range=100, beta=0)
    cross_entropy = torch.nn.functional.cross_entropy
    expected = (cross_entropy(logits, bins) + cross_entropy(logits.T, bins)) / 2
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("weight_norm", ["softmax", "mean"])
def test_weights_have_mean_one_and_grow_with_distance(batch, weight_norm):
    _, bins, y = batch
    is_negative = torch.tensor(bins[:, None] != bins[None, :])
    distance = label_distance(torch.tensor(y), 100.0)
    weights = negative_weights(distance, is_negative, beta=3.0, weight_norm=weight_norm)
    np.testing.assert_allclose((weights.sum(1) / is_negative.sum(1)).numpy(), 1, rtol=1e-12)
    for row, mask, apart in zip(weights, is_negative, distance, strict=True):
        in_order = row[mask][apart[mask].argsort()]
        assert (in_order.diff() > 0).all()


def test_fcrc_does_not_depend_on_the_order_of_the_batch(batch):
    logits, bins, y = (torch.tensor(part) for part in batch)
    order = torch.randperm(9)
    kwargs = dict(label_range=100, beta=4)
    assert fcrc_loss(logits, bins, y, **kwargs).item() == pytest.approx(
        fcrc_loss(logits[order], bins[order], y[order], **kwargs).item(), rel=1e-6
    )


def test_fcrc_gradient_is_right(batch):
    logits, bins, y = (torch.tensor(part) for part in batch)
    assert torch.autograd.gradcheck(
        lambda x: fcrc_loss(x, bins, y, label_range=100, beta=4), logits.requires_grad_()
    )


@pytest.mark.parametrize("bins", [[2], [1, 1, 1]])
def test_fcrc_is_zero_without_negatives(bins):
    logits = torch.randn(len(bins), 4, requires_grad=True)
    loss = fcrc_loss(
        logits, torch.tensor(bins), torch.arange(len(bins)).float(), label_range=10, beta=4
    )
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("weight_norm", ["softmax", "mean"])
def test_fcrc_of_equal_labels_kept_as_negatives_is_finite(weight_norm):
    loss = fcrc_loss(
        torch.zeros(3, 2),
        torch.zeros(3, dtype=torch.int64),
        torch.ones(3),
        label_range=10,
        beta=4,
        weight_norm=weight_norm,
        mask_same_bin=False,
    )
    assert loss.item() == pytest.approx(math.log(3), rel=1e-6)


@pytest.mark.parametrize("beta", [0.0, 4.0, 1000.0])
def test_fcrc_is_finite_at_extreme_bf16_logits(beta):
    logits = torch.tensor([[100.0, -100.0], [100.0, -100.0], [-100.0, 100.0]])
    logits = logits.to(torch.bfloat16).requires_grad_()
    loss = fcrc_loss(
        logits, torch.tensor([0, 1, 0]), torch.tensor([0.0, 90.0, 1.0]), label_range=100, beta=beta
    )
    loss.backward()
    assert math.isfinite(loss.item())
    assert torch.isfinite(logits.grad).all()
    assert logits.grad.abs().sum() > 0


@pytest.mark.parametrize("beta", [0.0, 4.0, 1000.0])
@pytest.mark.parametrize("labels", ["all bins", "no sample in some bins", "one bin", "one sample"])
def test_fcrc_of_bins_that_are_ranges_is_the_same_by_a_shorter_way(beta, labels):
    rng = np.random.default_rng(0)
    y = {
        "all bins": rng.uniform(-10, 110, size=50),  # the outermost bins are open
        "no sample in some bins": rng.choice([5.0, 12.0, 70.0, 75.0], size=50),
        "one bin": rng.uniform(20, 30, size=50),
        "one sample": np.array([50.0]),
    }[labels]
    bins = torch.tensor(np.digitize(y, [10, 20, 40, 60, 80]))
    logits = torch.tensor(rng.normal(size=(len(y), 6)) * 30, requires_grad=True)
    losses, gradients = [], []
    for bins_are_ranges in (False, True):
        kwargs = dict(label_range=100, beta=beta, bins_are_ranges=bins_are_ranges)
        losses.append(fcrc_loss(logits, bins, torch.tensor(y), **kwargs))
        gradients.append(torch.autograd.grad(losses[-1], logits)[0])
    torch.testing.assert_close(losses[1], losses[0])
    torch.testing.assert_close(gradients[1], gradients[0])


def test_fcrc_of_many_samples_takes_memory_for_each_and_not_for_each_pair():
    n = 200_000  # of which all pairs would take 320 GB
    y = torch.linspace(0, 99, n)
    bins = (y // 20).long()
    loss = fcrc_loss(torch.zeros(n, 5), bins, y, label_range=100, beta=0, bins_are_ranges=True)
    n_negatives = n - torch.bincount(bins)[bins].double()
    assert loss.item() == pytest.approx(n_negatives.log1p().mean().item(), rel=1e-6)


@pytest.mark.parametrize(
    "form",
    [{}, {"bins_are_ranges": True}, {"distance": "sqrt"}, {"weight_norm": "mean"}],
    ids=str,
)
def test_a_sample_of_weight_2_is_two_samples_among_the_negatives_too(batch, form):
    logits, bins, y = (torch.tensor(part) for part in batch)
    kwargs = dict(label_range=100, beta=4, **form)
    weight = torch.tensor([2.0, 1, 1, 3, 1, 0, 1, 1, 2])
    weighted = fcrc_loss(logits, bins, y, sample_weight=weight, **kwargs) / weight.mean()
    times = weight.long()
    repeated = [part.repeat_interleave(times, dim=0) for part in (logits, bins, y)]
    assert weighted.item() == pytest.approx(fcrc_loss(*repeated, **kwargs).item(), rel=1e-6)
    assert fcrc_loss(logits, bins, y, sample_weight=torch.zeros(9), **kwargs).item() == 0


def test_released_form_exact_value():
    rng = np.random.default_rng(1)
    logits, bins = rng.normal(size=(6, 5)) * 2 + 5, rng.integers(5, size=6)
    expected = 0.0
    for row, true in zip(logits, bins, strict=True):
        distances = [abs(true - k) for k in range(5)]
        weighted = [
            row[k] * (1 if k == true else distances[k] / sum(distances) * 4) for k in range(5)
        ]
        expected -= weighted[true] - math.log(sum(math.exp(value) for value in weighted))
    loss = author_code_fcrc_loss(torch.tensor(logits), torch.tensor(bins))
    assert loss.item() == pytest.approx(expected / 6, rel=1e-6)


def test_released_form_inverts_the_weights_of_negative_logits():
    """Why it is not the default: equal logits of -20 push away the *nearest* bin hardest."""
    logits = torch.full((1, 5), -20.0, requires_grad=True)
    author_code_fcrc_loss(logits, torch.tensor([0])).backward()
    weights = torch.tensor([1, 0.4, 0.8, 1.2, 1.6])
    push = logits.grad[0] / weights  # softmax probabilities, less 1 for the true bin
    assert push[1].item() == pytest.approx(0.9997, abs=1e-4)


def test_regression_loss_has_no_unit():
    y, y_pred = torch.tensor([10.0, 20.0]), torch.tensor([12.0, 19.0])
    in_years = regression_loss(y_pred, y, label_range=100.0)
    in_days = regression_loss(y_pred * 365, y * 365, label_range=36500.0)
    assert in_years.item() == pytest.approx(1.5)
    assert in_days.item() == pytest.approx(1.5)
    weight = torch.tensor([3.0, 1.0])
    assert regression_loss(y_pred, y, label_range=100.0, sample_weight=weight).item() == 3.5


# ------------------------------------------------------------------------ any finite input at all


@st.composite
def batches(draw):
    """Logits, bins, labels, range and weights of a batch; bins are ranges of the labels."""
    n_bins = draw(st.integers(2, 6))
    m = draw(st.integers(1, 12))
    size = draw(st.sampled_from([0.0, 1.0, 30.0, 100.0, 1e4, 1e6]))  # CLIP's logits are below 100
    unit = draw(st.sampled_from([1e-20, 1.0, 1e20]))
    shares = st.floats(-1, 1, width=32)
    logits = draw(st.lists(shares, min_size=m * n_bins, max_size=m * n_bins))
    y = np.array(draw(st.lists(st.floats(-0.125, 1.125, width=32), min_size=m, max_size=m)))
    bin_index = np.digitize(y, np.arange(1, n_bins) / n_bins)
    weight = draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 7.0]), min_size=m, max_size=m))
    return (
        torch.tensor(logits).reshape(m, n_bins) * size,
        torch.tensor(bin_index),
        torch.tensor(y * unit, dtype=torch.float32),
        unit,
        draw(st.sampled_from([None, torch.tensor(weight)])),
    )


BETAS = st.sampled_from([0.0, 1e-6, 1.0, 4.0, 100.0, 1e6])
FORMS = st.fixed_dictionaries(
    {
        "distance": st.sampled_from(["absolute", "sqrt", "squared"]),
        "weight_norm": st.sampled_from(["softmax", "mean"]),
        "mask_same_bin": st.booleans(),
        "bins_are_ranges": st.booleans(),
    }
)


@settings(max_examples=100, deadline=None)
@given(batches(), BETAS, FORMS)
def test_any_batch_has_a_finite_loss_and_gradient(batch, beta, form):
    logits, bins, y, unit, weight = batch
    logits.requires_grad_()
    loss = fcrc_loss(logits, bins, y, label_range=unit, beta=beta, sample_weight=weight, **form)
    loss.backward()
    assert math.isfinite(loss.item())
    assert loss.item() >= -1e-6 * max(1.0, logits.abs().max().item())
    assert torch.isfinite(logits.grad).all()
    if len(y) == 1:
        assert loss.item() == 0


@settings(max_examples=50, deadline=None)
@given(batches())
def test_any_batch_has_finite_other_losses(batch):
    logits, bins, y, unit, weight = batch
    y_pred = (y + unit).requires_grad_()
    logits.requires_grad_()
    loss = author_code_fcrc_loss(logits, bins, sample_weight=weight)
    loss = loss + regression_loss(y_pred, y, label_range=unit, sample_weight=weight)
    loss.backward()
    assert math.isfinite(loss.item())
    assert torch.isfinite(logits.grad).all()
    assert torch.isfinite(y_pred.grad).all()


@settings(max_examples=100, deadline=None)
@given(batches(), BETAS, FORMS)
def test_weights_of_any_batch_have_mean_one_over_the_negatives(batch, beta, form):
    _, bins, y, unit, _ = batch
    is_negative = bins[:, None] != bins[None, :]
    weights = negative_weights(
        label_distance(y, unit, form["distance"]),
        is_negative,
        beta=beta,
        weight_norm=form["weight_norm"],
    )
    assert (weights >= 0).all()
    assert (weights[~is_negative] == 0).all()
    n_negatives = is_negative.sum(dim=1)
    torch.testing.assert_close(weights.sum(dim=1), n_negatives.float(), rtol=1e-5, atol=0)
    if beta == 0 and form["weight_norm"] == "softmax":
        torch.testing.assert_close(weights, is_negative.float())


@settings(max_examples=100, deadline=None)
@given(batches(), BETAS, FORMS, st.randoms(use_true_random=False))
def test_any_batch_in_any_order_has_the_same_loss_and_gradient(batch, beta, form, random):
    logits, bins, y, unit, weight = batch
    logits = (logits / max(1.0, logits.abs().max().item() / 100)).double()
    order = torch.tensor(random.sample(range(len(y)), len(y)))

    def loss_and_gradient(order):
        x = logits[order].requires_grad_()
        sample_weight = None if weight is None else weight[order]
        loss = fcrc_loss(
            x,
            bins[order],
            y[order].double(),
            label_range=unit,
            beta=beta,
            sample_weight=sample_weight,
            **form,
        )
        loss.backward()
        return loss.detach(), x.grad

    loss, gradient = loss_and_gradient(torch.arange(len(y)))
    other_loss, other_gradient = loss_and_gradient(order)
    torch.testing.assert_close(other_loss, loss, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(other_gradient, gradient[order], rtol=1e-5, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(batches(), FORMS)
def test_without_beta_any_batch_has_the_loss_of_infonce(batch, form):
    """Against cross-entropy over the batch, in which samples of one bin leave each other out."""
    logits, bins, y, unit, weight = batch
    logits = (logits / max(1.0, logits.abs().max().item() / 100)).double()
    form = {**form, "weight_norm": "softmax"}
    loss = fcrc_loss(logits, bins, y, label_range=unit, beta=0.0, sample_weight=weight, **form)
    pairs = logits[:, bins]
    if form["mask_same_bin"]:
        same = (bins[:, None] == bins[None, :]) & ~torch.eye(len(y), dtype=torch.bool)
        pairs = pairs.masked_fill(same, -math.inf)
    itself = torch.arange(len(y))
    cross_entropy = torch.nn.functional.cross_entropy
    # A negative of weight 2 counts as two, the positive as one.
    times = torch.zeros(len(y), len(y)) if weight is None else weight.log().repeat(len(y), 1)
    times.fill_diagonal_(0)
    both = (pairs + times, pairs.T + times)
    expected = sum(cross_entropy(p, itself, reduction="none") for p in both) / 2
    expected = expected.mean() if weight is None else (expected * weight).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-6)


def fcrc_in_log_space(logits, bins, y, label_range, beta, distance, mask):
    """Eq. 4 to 6 with weights by softmax, as logarithms in NumPy's float64."""
    itself = np.eye(len(y), dtype=bool)
    negative = bins[:, None] != bins if mask else ~itself
    power = {"absolute": 1, "sqrt": 0.5, "squared": 2}[distance]
    scores = beta * (np.abs(y[:, None] - y) / label_range) ** power
    scores = np.where(negative, scores, -np.inf)
    log_weights = scores - logsumexp(scores, axis=1, keepdims=True)
    log_weights = log_weights + np.log(negative.sum(axis=1, keepdims=True))
    log_weights[itself] = 0
    similarity = logits[:, bins]  # of each image with the text of each sample
    sums = logsumexp(log_weights + similarity, axis=1) + logsumexp(
        log_weights + similarity.T, axis=1
    )
    return (sums / 2 - np.diag(similarity)).mean()


@pytest.mark.parametrize("distance", ["absolute", "sqrt", "squared"])
@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("beta", [120, 1e4])
@pytest.mark.parametrize("bins_are_ranges", [True, False])
def test_weights_too_small_for_a_float_still_count_in_log_space(
    distance, mask, beta, bins_are_ranges
):
    y = np.array([0, 1, 2, 60, 99], dtype=np.float32)
    bins = np.array([0, 0, 1, 2, 2])
    logits = np.array([[-90, 90, -80], [-80, 99, -99], [60, -99, -70], [80, -90, 2], [9, 100, 0]])
    loss = fcrc_loss(
        torch.tensor(logits, dtype=torch.float32),
        torch.tensor(bins),
        torch.tensor(y),
        label_range=100,
        beta=beta,
        distance=distance,
        mask_same_bin=mask,
        bins_are_ranges=bins_are_ranges,
    )
    expected = fcrc_in_log_space(
        logits.astype(float), bins, y.astype(float), 100, beta, distance, mask
    )
    assert loss.item() == pytest.approx(expected, rel=1e-5)
