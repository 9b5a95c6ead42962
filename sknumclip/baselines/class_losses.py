"""Class losses of the baselines, with one class per number; called like ranking losses."""

import torch
import torch.nn.functional as F

from ..losses.functions import weighted_mean

__all__ = ["cross_entropy", "cross_entropy_kl", "ordinal_pairwise"]


def cross_entropy(logits, bin_index, y, *, sample_weight=None, **options):
    """Compute the cross-entropy of the classes, a Tensor of shape ().

    Parameters
    ----------
    logits : Tensor of shape (M, n_classes)
    bin_index : int Tensor of shape (M,)
        The class of each sample.
    y : Tensor of shape (M,)
        Not used.
    sample_weight : Tensor of shape (M,), default=None

    Examples
    --------
    >>> import torch
    >>> from sknumclip.baselines.class_losses import cross_entropy
    >>> cross_entropy(torch.zeros(2, 3), torch.tensor([0, 2]), None)
    tensor(1.0986)
    """
    return weighted_mean(
        F.cross_entropy(logits.float(), bin_index, reduction="none"), sample_weight
    )


def cross_entropy_kl(logits, bin_index, y, *, sample_weight=None, **options):
    """Compute cross-entropy from images to texts plus KL divergence from texts to images.

    This is the loss of OrdinalCLIP. The second part is a distribution over the images of the batch
    for each class in it; the target is uniform over the images of that class.

    Parameters
    ----------
    logits, bin_index, y, sample_weight
        As in :func:`cross_entropy`; weights apply to the first part.

    Examples
    --------
    >>> import torch
    >>> from sknumclip.baselines.class_losses import cross_entropy_kl
    >>> cross_entropy_kl(torch.zeros(2, 3), torch.tensor([0, 2]), None)  # log 3 + log 2
    tensor(1.7918)
    """
    is_own = F.one_hot(bin_index, logits.shape[1]).float()
    sizes = is_own.sum(dim=0)
    target = is_own / sizes.clamp_min(1)
    log_prob = logits.float().log_softmax(dim=0)
    # Terms with a target of 0 are 0.
    divergence = (target * (target.clamp_min(1e-12).log() - log_prob)).sum(dim=0)
    text_to_image = divergence.sum() / (sizes > 0).sum()
    return cross_entropy(logits, bin_index, y, sample_weight=sample_weight) + text_to_image


def ordinal_pairwise(logits, bin_index, y, *, logit_scale, sample_weight=None, **options):
    """Compute cross-entropy plus L2RCLIP's cross-modal ordinal pairwise loss (arXiv 2306.13856).

    The pairwise loss is the squared distance of an image to the text of its class, minus the mean
    weighted distance to all texts. The weight of a text is the difference of the classes divided
    by the largest possible difference.

    Parameters
    ----------
    logits, bin_index, y, sample_weight
        As in :func:`cross_entropy`; logits are cosine similarities times `logit_scale`.
    logit_scale : float

    Examples
    --------
    >>> import torch
    >>> from sknumclip.baselines.class_losses import ordinal_pairwise
    >>> logits = torch.tensor([[1.0, 0.0]])  # distance 0 to the first text, √2 to the second
    >>> ordinal_pairwise(logits, torch.tensor([0]), None, logit_scale=1.0)  # 0.3133 + 0 - √2 / 2
    tensor(-0.3938)
    """
    n_classes = logits.shape[1]
    squared = (2 - 2 * logits.float() / logit_scale).clamp_min(1e-12)
    classes = torch.arange(n_classes, device=logits.device)
    weights = (bin_index[:, None] - classes).abs() / max(1, n_classes - 1)
    tightness = squared.gather(1, bin_index[:, None])[:, 0]
    spread = (weights * squared.sqrt()).mean(dim=1)
    entropy = cross_entropy(logits, bin_index, y, sample_weight=sample_weight)
    return entropy + weighted_mean(tightness - spread, sample_weight)
