"""Ranking losses: FCRC, InfoNCE and the authors' variant (Sections 3.4 and 3.5 of the paper).

The parameter `ranking_loss` of the estimators is a name or an object with the call signature of
:class:`FCRC`: one from this module, or your own.

A batch of M images with labels makes M image-text pairs: the text of sample j is the prompt of the
bin that its label falls in. Everything is computed from ``logits`` of shape (M, n_bins), the
cosine similarity of each image with each bin's prompt, divided by the temperature.
"""

from __future__ import annotations

from typing import Any

import torch
from sklearn.base import BaseEstimator

from .._typing import Distance, WeightNorm
from .functions import (
    DISTANCES,
    at_least_float32,
    author_code_fcrc_loss,
    fcrc_of_pairs,
    fcrc_of_ranges,
    label_distance,
    negative_weights,
    widest_float,
)
from .functions import regression_loss as regression_loss

__all__ = [
    "FCRC",
    "AuthorCodeFCRC",
    "InfoNCE",
    "author_code_fcrc_loss",
    "fcrc_loss",
    "label_distance",
    "negative_weights",
    "resolve_ranking_loss",
]


class _RankingLoss(BaseEstimator):
    """Base class of ranking losses: scikit-learn parameters, validated by `check_params`."""

    _allowed: dict[str, Any] = {}

    def check_params(self) -> None:
        """Raise ValueError for an invalid parameter."""
        for name, allowed in self._allowed.items():
            value = getattr(self, name)
            if not isinstance(value, (str, bool)) or value not in allowed:
                raise ValueError(
                    f"The {name!r} parameter of {type(self).__name__} must be one of "
                    f"{list(allowed)}. Got {value!r} instead."
                )


class FCRC(_RankingLoss):
    """The paper's ranking loss; see :func:`fcrc_loss`.

    Parameters
    ----------
    distance : {"absolute", "sqrt", "squared"}, default="absolute"
        Distance of labels in the weights of the negatives (Table 6 of the paper).
    weight_norm : {"softmax", "mean"}, default="softmax"
        How the weights are normalized to mean 1. With ``"mean"``, as in the authors' code, `beta`
        cancels out.
    mask_same_bin : bool, default=True
        Whether to exclude samples of the same bin, which share a prompt, from each other's
        negatives.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sknumclip import NumCLIPRegressor
    >>> from sknumclip.losses import FCRC
    >>> reg = NumCLIPRegressor(ranking_loss=FCRC(distance="sqrt"))
    >>> search = GridSearchCV(reg, {"ranking_loss__distance": ["absolute", "sqrt"]})
    """

    _allowed = {
        "distance": tuple(DISTANCES),
        "weight_norm": ("softmax", "mean"),
        "mask_same_bin": (True, False),
    }

    def __init__(
        self,
        distance: Distance = "absolute",
        weight_norm: WeightNorm = "softmax",
        mask_same_bin: bool = True,
    ) -> None:
        self.distance = distance
        self.weight_norm = weight_norm
        self.mask_same_bin = mask_same_bin

    def __call__(
        self,
        logits: torch.Tensor,
        bin_index: torch.Tensor,
        y: torch.Tensor,
        *,
        label_range: float,
        beta: float,
        sample_weight: torch.Tensor | None = None,
        bins_are_ranges: bool = False,
    ) -> torch.Tensor:
        """Compute the loss of a batch; the arguments are those of :func:`fcrc_loss`."""
        logits = at_least_float32(logits)
        form = self.get_params()
        if bins_are_ranges and form == _PAPERS_FORM:
            return fcrc_of_ranges(
                logits,
                bin_index,
                y,
                beta=beta,
                label_range=label_range,
                sample_weight=sample_weight,
            )
        # Distances of labels as fine as the computer can tell.
        distances = label_distance(y.to(widest_float(y)), label_range, form.pop("distance"))
        return fcrc_of_pairs(
            logits, bin_index, distances, beta=beta, sample_weight=sample_weight, **form
        )


_PAPERS_FORM = FCRC().get_params()


def fcrc_loss(
    logits: torch.Tensor,
    bin_index: torch.Tensor,
    y: torch.Tensor,
    *,
    label_range: float,
    beta: float,
    sample_weight: torch.Tensor | None = None,
    bins_are_ranges: bool = False,
    **form: Any,
) -> torch.Tensor:
    """Fine-grained cross-modal ranking-based contrastive loss (FCRC, Eq. 4 of the paper).

    Let ``f_ij = exp(logits[i, bin_index[j]])`` be the similarity of image i and the text of
    sample j. Each image contributes ``-log(f_ii / (f_ii + sum_j λ_ij f_ij))``, summed over its
    negatives j; each text contributes the same with the roles exchanged, and both directions are
    averaged. ``beta=0`` gives InfoNCE.

    Parameters
    ----------
    logits : Tensor of shape (M, n_bins)
        Cosine similarity of images and prompts, divided by the temperature.
    bin_index : int Tensor of shape (M,)
        The bin of each sample.
    y : Tensor of shape (M,)
        Labels.
    label_range : float
        Total width of all bins, in the unit of `y`.
    beta : float
        Scale of the label distance in the weights λ; see :func:`negative_weights`.
    sample_weight : Tensor of shape (M,), default=None
        A sample of weight 2 counts as two samples, in the mean and among the negatives. Weights
        should average 1 over all batches.
    bins_are_ranges : bool, default=False
        Whether the bins are ranges of `y` in ascending order, as in
        :class:`~sknumclip.LinguisticBins`. With the other defaults, time and memory then grow with
        M instead of M².
    **form
        Parameters of :class:`FCRC`: `distance`, `weight_norm`, `mask_same_bin`.

    Returns
    -------
    Tensor of shape ()
        At least 0; 0 for a batch without negatives.

    Examples
    --------
    >>> import torch
    >>> from sknumclip.losses import fcrc_loss
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> fcrc_loss(logits, torch.tensor([0, 1]), torch.tensor([5.0, 50.0]), label_range=100, beta=4)
    tensor(0.1269)
    """
    loss = FCRC(**form)
    loss.check_params()
    return loss(
        logits,
        bin_index,
        y,
        label_range=label_range,
        beta=beta,
        sample_weight=sample_weight,
        bins_are_ranges=bins_are_ranges,
    )


class InfoNCE(_RankingLoss):
    """InfoNCE: FCRC with equal weights for all negatives, whatever `beta` is.

    Parameters
    ----------
    mask_same_bin : bool, default=True
        As in :class:`FCRC`.
    """

    _allowed = {"mask_same_bin": (True, False)}

    def __init__(self, mask_same_bin: bool = True) -> None:
        self.mask_same_bin = mask_same_bin

    def __call__(
        self,
        logits: torch.Tensor,
        bin_index: torch.Tensor,
        y: torch.Tensor,
        *,
        beta: float = 0.0,
        **options: Any,
    ) -> torch.Tensor:
        """Compute the loss of a batch; the arguments are those of :func:`fcrc_loss`."""
        options["mask_same_bin"] = self.mask_same_bin
        return fcrc_loss(logits, bin_index, y, beta=0.0, **options)


class AuthorCodeFCRC(_RankingLoss):
    """FCRC as in the authors' code; see :func:`author_code_fcrc_loss`."""

    def __call__(
        self,
        logits: torch.Tensor,
        bin_index: torch.Tensor,
        y: torch.Tensor,
        *,
        sample_weight: torch.Tensor | None = None,
        **options: Any,
    ) -> torch.Tensor:
        """Compute the loss of a batch; `y` and other options have no effect."""
        return author_code_fcrc_loss(logits, bin_index, sample_weight=sample_weight)


def _no_loss(logits, bin_index, y, **options):
    return logits.new_zeros(())


# The string values of the parameter `ranking_loss`.
RANKING_LOSSES = {
    "fcrc": FCRC(),
    "infonce": InfoNCE(),
    "author_code": AuthorCodeFCRC(),
    "none": _no_loss,
}


def resolve_ranking_loss(ranking_loss: str | Any) -> Any:
    """Return the ranking loss for a name, or the object itself after checking its parameters.

    Parameters
    ----------
    ranking_loss : {"fcrc", "infonce", "author_code", "none"} or callable

    Returns
    -------
    callable
        With the call signature of :class:`FCRC`.

    Raises
    ------
    ValueError
        If a parameter of the object is invalid.
    """
    loss = RANKING_LOSSES[ranking_loss] if isinstance(ranking_loss, str) else ranking_loss
    if isinstance(loss, _RankingLoss):
        loss.check_params()
    return loss
