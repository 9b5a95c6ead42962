"""What the ranking losses compute: FCRC of tensors, its weights and distances. And the L1 loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .._typing import Distance, WeightNorm

__all__ = [
    "at_least_float32",
    "author_code_fcrc_loss",
    "fcrc_of_pairs",
    "fcrc_of_ranges",
    "label_distance",
    "negative_weights",
    "regression_loss",
    "weighted_mean",
    "widest_float",
]

DISTANCES = {
    "absolute": lambda distance: distance,
    "sqrt": torch.sqrt,
    "squared": torch.square,
}


def label_distance(
    y: torch.Tensor, label_range: float, distance: Distance = "absolute"
) -> torch.Tensor:
    """Compute the unitless distance of all pairs of labels (Eq. 6 and Table 6 of the paper).

    Parameters
    ----------
    y : Tensor of shape (M,)
        Labels.
    label_range : float
        Total width of all bins, in the unit of `y`: labels that far apart have distance 1.
    distance : {"absolute", "sqrt", "squared"}, default="absolute"
        ``|y_i - y_j| / label_range``, its square root, or its square.

    Returns
    -------
    Tensor of shape (M, M)

    Examples
    --------
    >>> import torch
    >>> from sknumclip.losses import label_distance
    >>> label_distance(torch.tensor([0.0, 25.0]), 100, "sqrt")
    tensor([[0.0000, 0.5000],
            [0.5000, 0.0000]])
    """
    return DISTANCES[distance]((y[:, None] - y[None, :]).abs() / label_range)


def negative_weights(
    distance: torch.Tensor,
    is_negative: torch.Tensor,
    *,
    beta: float,
    weight_norm: WeightNorm = "softmax",
) -> torch.Tensor:
    """Compute the weights λ of the negatives (Eq. 5 of the paper).

    In each row the weights of the negatives have mean 1 and grow with their distance.

    Parameters
    ----------
    distance : Tensor of shape (M, M)
        Distance between the labels of anchors (rows) and candidates (columns), at least 0.
    is_negative : bool Tensor of shape (M, M)
        Which candidates are negatives of which anchors.
    beta : float
        Scale of the distance. 0 gives all negatives weight 1. No effect if ``weight_norm="mean"``.
    weight_norm : {"softmax", "mean"}, default="softmax"
        ``"softmax"``: λ is proportional to ``exp(beta * distance)``; ``"mean"``: proportional to
        the distance itself, as in the authors' code.

    Returns
    -------
    Tensor of shape (M, M)
        λ for negatives, 0 elsewhere.

    Examples
    --------
    >>> import torch
    >>> from sknumclip.losses import negative_weights
    >>> is_negative = torch.tensor([[False, True, True]])
    >>> distance = torch.tensor([[0.0, 0.1, 0.3]])
    >>> negative_weights(distance, is_negative, beta=1.0, weight_norm="mean")
    tensor([[0.0000, 0.5000, 1.5000]])
    """
    return _log_negative_weights(distance, is_negative, beta, weight_norm).exp()


def _log_negative_weights(distance, is_negative, beta, weight_norm, times=None):
    """Compute log λ, -inf where λ is 0. In logarithms, very large weights do not overflow.

    `times`, Tensor of shape (M,), says how often each candidate counts: log(times · λ).
    """
    scores = beta * distance if weight_norm == "softmax" else distance.log()
    if weight_norm == "mean":
        # If all negatives are at distance 0, they get the same weight.
        no_distance = (distance * is_negative).sum(dim=1, keepdim=True) == 0
        scores = scores.masked_fill(no_distance, 0.0)
    times = distance.new_ones(distance.shape[1]) if times is None else times.to(distance)
    is_negative = is_negative & (times > 0)
    scores = (scores + times.log()).masked_fill(~is_negative, -torch.inf)
    n_negatives = (is_negative * times).sum(dim=1, keepdim=True)
    log_weights = scores.log_softmax(dim=1) + n_negatives.log()
    return log_weights.masked_fill(~is_negative, -torch.inf)  # was NaN in rows without negatives


def fcrc_of_pairs(logits, bin_index, distances, *, beta, weight_norm, mask_same_bin, sample_weight):
    """FCRC from the distances of all pairs of labels, Tensor of shape (M, M)."""
    wide = logits.to(widest_float(logits))
    own_logits = logits.gather(1, bin_index[:, None])[:, 0]
    itself = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    is_negative = bin_index[:, None] != bin_index[None, :] if mask_same_bin else ~itself
    log_weights = _log_negative_weights(
        distances.to(wide), is_negative, beta, weight_norm, sample_weight
    )
    log_weights = log_weights.masked_fill(itself, 0.0)  # the positive counts once
    # All samples of a bin share their text, so there are n_bins different texts, not M.
    bin_weights = _log_sum_by_bin(log_weights.T, bin_index, logits.shape[1]).T
    image_to_text = (wide + bin_weights).logsumexp(dim=1)
    of_own_text = wide.T[bin_index]  # (M, M), the logit of each image j with the text of sample i
    text_to_image = (of_own_text + log_weights).logsumexp(dim=1)
    both = image_to_text + text_to_image
    return weighted_mean((both / 2).to(logits) - own_logits, sample_weight)


def fcrc_of_ranges(logits, bin_index, y, *, beta, label_range, sample_weight):
    """FCRC of bins that are ascending ranges, in time and memory that grow with M, not M²."""
    own_logits = logits.gather(1, bin_index[:, None])[:, 0]
    t = y.to(widest_float(y)) * beta / label_range
    both = _log_sums_of_ranges(logits, bin_index, t, sample_weight)
    return weighted_mean((both / 2).to(logits) - own_logits, sample_weight)


def _log_sums_of_ranges(logits, bin_index, t, times=None):
    """Compute FCRC's log-sum-exps for λ_ij ∝ exp(|t_i - t_j|), summed over both directions.

    All labels of another bin lie on one side of label i, so exp(|t_i - t_j|) is a factor of i times
    a factor of j, and the sum over j is computed once per bin.
    """
    n_bins, wide = logits.shape[1], logits.to(t)
    bins = torch.arange(n_bins, device=logits.device)
    # |t_i - t_j| = signed_t[i, bin of j] + signed_t[j, bin of i]
    signed_t = (bin_index[:, None] - bins).sign() * t[:, None]
    is_own = bin_index[:, None] == bins
    times = torch.ones_like(t) if times is None else times.to(t)
    log_times = times.log()[:, None]
    sizes = (is_own * times[:, None]).sum(dim=0)
    counted_t = signed_t + log_times
    distances = signed_t + _log_sum_by_bin(counted_t, bin_index, n_bins).T[bin_index]
    distances = distances.masked_fill(is_own, -torch.inf)
    # Summed by bin: total minus own bin would not be exactly 0 after rounding.
    n_negatives = (~is_own * sizes).sum(dim=1, keepdim=True)
    log_norm = n_negatives.log() - distances.logsumexp(dim=1, keepdim=True)
    log_norm = log_norm.masked_fill(n_negatives == 0, 0.0)
    image_to_text = (distances + log_norm).masked_fill(is_own, 0.0) + wide
    text_to_image = _log_sum_by_bin(wide + counted_t, bin_index, n_bins).T[bin_index]
    text_to_image = torch.where(is_own, wide, text_to_image + signed_t + log_norm)
    return image_to_text.logsumexp(dim=1) + text_to_image.logsumexp(dim=1)


def _log_sum_by_bin(values, bin_index, n_bins):
    """Log-sum-exp over the rows of each bin, from (M, n) to (n_bins, n); -inf for empty bins."""
    rows = bin_index[:, None].expand_as(values)
    largest = values.new_zeros(n_bins, values.shape[1])
    largest = largest.scatter_reduce(0, rows, values.detach(), "amax", include_self=False)
    largest = largest.clamp_min(torch.finfo(values.dtype).min)  # -inf minus -inf would be NaN
    sums = torch.zeros_like(largest).index_add(0, bin_index, (values - largest[bin_index]).exp())
    # The infinite slope of log at 0 would make gradients NaN.
    is_empty = sums == 0
    return (sums.masked_fill(is_empty, 1.0).log() + largest).masked_fill(is_empty, -torch.inf)


def author_code_fcrc_loss(
    logits: torch.Tensor, bin_index: torch.Tensor, *, sample_weight: torch.Tensor | None = None
) -> torch.Tensor:
    """Compute the FCRC loss as in the authors' code; for reference only.

    It differs from Eq. 4: the weights multiply the logits instead of their exponentials (so they
    have the opposite effect for negative logits), negatives are the other bins rather than the
    other samples, their distance is measured in bins, and there is no ``beta``.

    Parameters
    ----------
    logits : Tensor of shape (M, n_bins)
        Cosine similarity of images and prompts, divided by the temperature.
    bin_index : int Tensor of shape (M,)
        The bin of each sample.
    sample_weight : Tensor of shape (M,), default=None
        Factor of each sample in the mean; should be 1 on average over all batches.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> import torch
    >>> from sknumclip.losses import author_code_fcrc_loss
    >>> author_code_fcrc_loss(torch.tensor([[3.0, 1.0, 1.0]]), torch.tensor([0]))
    tensor(0.2514)
    """
    logits = at_least_float32(logits)
    n_bins = logits.shape[1]
    bins = torch.arange(n_bins, device=logits.device)
    distance = (bin_index[:, None] - bins[None, :]).abs().to(logits)  # (M, n_bins)
    weights = distance / distance.sum(dim=1, keepdim=True) * (n_bins - 1)
    weights = weights + (distance == 0)
    losses = F.cross_entropy(logits * weights, bin_index, reduction="none")
    return weighted_mean(losses, sample_weight)


def regression_loss(
    y_pred: torch.Tensor,
    y: torch.Tensor,
    *,
    label_range: float,
    sample_weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Compute the mean absolute error in percent of the range of the bins (Section 3.5).

    In this unit, training is the same whether labels are in years or in days.

    Parameters
    ----------
    y_pred, y : Tensor of shape (M,)
        Predictions and labels.
    label_range : float
        Total width of all bins, in the unit of `y`.
    sample_weight : Tensor of shape (M,), default=None
        Factor of each sample in the mean; should be 1 on average over all batches.

    Returns
    -------
    Tensor of shape ()
    """
    return weighted_mean((at_least_float32(y_pred) - y).abs() * (100 / label_range), sample_weight)


def at_least_float32(values):
    return values.to(torch.promote_types(values.dtype, torch.float32))


def widest_float(values):
    return torch.float32 if values.device.type == "mps" else torch.float64  # MPS has no float64


def weighted_mean(losses: torch.Tensor, sample_weight: torch.Tensor | None) -> torch.Tensor:
    """Average losses (Tensor of shape (M,)), each multiplied by its weight if given."""
    return losses.mean() if sample_weight is None else (losses * sample_weight).mean()
