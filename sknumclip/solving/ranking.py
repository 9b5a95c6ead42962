"""Ranking losses over all rows at once, with their gradient with respect to the logits.

They are computed for several models at once, each of which learns from other rows.
"""

from functools import partial

import numpy as np
import torch

from ..losses import FCRC, InfoNCE

__all__ = ["AnyRanking", "RangesFCRC", "no_ranking", "ranking_of"]

LOWEST = -1e300  # logarithm of a sum over no rows; unlike minus infinity, it can be subtracted
TINY = np.finfo(float).tiny


def ranking_of(loss, rows, weight, bins):
    """Return a function that computes a ranking loss and its gradient for `rows`.

    Parameters
    ----------
    loss : functools.partial
        A value of ``RANKING_LOSSES`` or a custom loss, with `beta` filled in.
    rows : Rows
        Sorted by bin; their own weights are ignored.
    weight : ndarray of shape (n_models, n)
        Weight of each row for each model.
    bins : LinguisticBins

    Returns
    -------
    callable
        From logits, ndarray of shape (n_models, n_bins, n), to the weighted sum of the losses of
        the rows, shape (n_models,), and its gradient, of the shape of the logits.
    """
    beta = _beta_of_fcrc(loss)
    if beta is None:
        return AnyRanking(loss, rows, weight, bins)
    return RangesFCRC(rows, weight, bins.n_bins, bins.range, beta)


def no_ranking(rows, weight):
    """Return a function like those of :func:`ranking_of`, of a loss that is always zero."""
    return lambda logits: (np.zeros(len(logits)), np.zeros_like(logits))


def _beta_of_fcrc(loss):
    """Return `beta` of the default FCRC, which has a fast gradient; None for other losses."""
    if not isinstance(loss, partial):
        return None
    kind = type(loss.func)
    if kind is InfoNCE and loss.func.mask_same_bin:
        return 0.0
    is_usual = kind is FCRC and loss.func.get_params() == FCRC().get_params()
    return loss.keywords["beta"] if is_usual else None


class AnyRanking:
    """Any ranking loss, differentiated by torch."""

    def __init__(self, loss, rows, weight, bins):
        self.loss = partial(loss, label_range=bins.range, bins_are_ranges=True)
        self.learned = [np.flatnonzero(of_model) for of_model in weight]
        self.samples = [
            tuple(map(torch.from_numpy, (rows.bin_index[some], rows.y[some], of_model[some])))
            for some, of_model in zip(self.learned, weight, strict=True)
        ]

    def __call__(self, logits):
        values, gradient = np.zeros(len(logits)), np.zeros_like(logits)
        for i, (learned, samples) in enumerate(zip(self.learned, self.samples, strict=True)):
            values[i], gradient[i][:, learned] = self._of_model(logits[i][:, learned], *samples)
        return values, gradient

    def _of_model(self, logits, bin_index, y, weight):
        logits = torch.tensor(logits.T, requires_grad=True)
        value = self.loss(logits, bin_index, y, sample_weight=weight) * len(logits)
        if value.requires_grad:  # not if the loss is constant
            value.backward()
        return value.item(), 0.0 if logits.grad is None else logits.grad.numpy().T


class RangesFCRC:
    """FCRC for bins that are ranges, as :func:`~sknumclip.losses.fcrc_loss` computes it.

    Terms that depend only on the labels are computed once, and the gradient is written out. For a
    hundred rows this is ten times as fast as torch, and a fit takes hundreds of steps.

    Parameters
    ----------
    rows : Rows
        Sorted by bin; their own weights are ignored.
    weight : ndarray of shape (n_models, n)
        Weight of each row for each model.
    n_bins : int
    label_range : float
    beta : float
    """

    def __init__(self, rows, weight, n_bins, label_range, beta):
        self.bin_index, self.weight = rows.bin_index, weight
        self.n_bins, self.samples = n_bins, np.arange(len(rows))
        self.present, self.first, self.sizes = np.unique(
            self.bin_index, return_index=True, return_counts=True
        )
        bins = np.arange(n_bins)[:, None]
        self.is_own = self.bin_index == bins
        # |t_i - t_j| = signed_t[bin of j, i] + signed_t[bin of i, j]
        signed_t = np.sign(self.bin_index - bins) * (rows.y * beta / label_range)
        with np.errstate(divide="ignore"):  # rows of weight 0
            self.counted_t = signed_t + np.log(weight)[:, None]
        sums, _ = self._log_sum_by_bin(self.counted_t)
        distances = signed_t + self._of_own_bin(sums.swapaxes(1, 2))
        distances[:, self.is_own] = -np.inf
        by_bin = np.zeros((len(weight), n_bins))
        by_bin[:, self.present] = np.add.reduceat(weight, self.first, axis=1)
        of_others = self._of_own_bin(by_bin @ (1 - np.eye(n_bins)))[:, None]
        log_norm = np.zeros_like(of_others)
        if n_bins > 1:
            norm = np.log(of_others.clip(TINY)) - _log_sum(distances)[0]
            log_norm = np.where(of_others > 0, norm, 0.0)
        self.of_texts = np.where(self.is_own, 0.0, distances + log_norm)
        self.of_images = signed_t + log_norm

    def __call__(self, logits):
        own = slice(None), self.bin_index, self.samples
        image_to_text, gradient = _log_sum(logits + self.of_texts)
        sums, by_image = self._log_sum_by_bin(logits + self.counted_t)
        others = self._of_own_bin(sums.swapaxes(1, 2)) + self.of_images
        np.copyto(others, logits, where=self.is_own)
        text_to_image, shares = _log_sum(others)
        both = (image_to_text + text_to_image)[:, 0] / 2
        half = self.weight[:, None] / 2
        gradient *= half
        shares *= half
        gradient[own] += shares[own] - self.weight
        shares[own] = 0.0
        by_text = np.zeros((len(logits), self.n_bins, self.n_bins))
        by_text[:, self.present] = np.add.reduceat(shares, self.first, axis=2).swapaxes(1, 2)
        gradient += self._of_own_bin(by_text) * by_image
        return (self.weight * (both - logits[own])).sum(axis=1), gradient

    def _of_own_bin(self, values):
        """Return for each row the values of its bin, shape (..., n)."""
        return np.take(values, self.bin_index, axis=-1)

    def _log_sum_by_bin(self, values):
        """Return the log-sum-exp over the rows of each bin and its gradient.

        Parameters
        ----------
        values : ndarray of shape (n_models, n_bins, n)

        Returns
        -------
        sums : ndarray of shape (n_models, n_bins, n_bins)
            The last axis is the bin of the rows.
        gradient : ndarray of shape (n_models, n_bins, n)
        """
        largest = np.maximum.reduceat(values, self.first, axis=2).clip(LOWEST)
        exps = np.exp(values - largest.repeat(self.sizes, axis=2))
        totals = np.add.reduceat(exps, self.first, axis=2).clip(TINY)
        sums = np.full((*values.shape[:2], self.n_bins), LOWEST)
        sums[:, :, self.present] = np.log(totals) + largest
        exps /= totals.repeat(self.sizes, axis=2)
        return sums, exps


def _log_sum(values):
    """Return the log-sum-exp over the bins, shape (n_models, 1, n), and its gradient."""
    largest = values.max(axis=1, keepdims=True)
    exps = np.exp(values - largest)
    sums = exps.sum(axis=1, keepdims=True)
    exps /= sums
    return np.log(sums) + largest, exps
