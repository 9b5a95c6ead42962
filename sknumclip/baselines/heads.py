"""Linear heads on the image tower (baselines without text)."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from ..losses import RANKING_LOSSES
from ..model.modules import CLIPModule, Output, empty_linear
from .class_losses import cross_entropy

__all__ = ["DECODERS", "HEAD_LOSSES", "HeadModule"]


def _number(logits, centers):
    """Decode one output: offset from the middle of the classes, in units of their range."""
    span = centers[-1] - centers[0]
    return centers[0] + span * (0.5 + logits[:, 0])


def _expectation(logits, centers):
    """Decode a softmax over classes to its mean (DEX)."""
    return logits.softmax(dim=1) @ centers


def _conditional(logits, centers):
    """Decode the probabilities of being above class k, given above k - 1, to the mean (CORN)."""
    above = logits.sigmoid().cumprod(dim=1)
    return centers[0] + above @ centers.diff()


DECODERS = {"number": _number, "expectation": _expectation, "conditional": _conditional}
_N_MISSING = {"expectation": 0, "conditional": 1}  # number of classes minus number of outputs


class HeadModule(CLIPModule):
    """A linear layer on the ℓ2-normalized embeddings of an image tower.

    Parameters
    ----------
    encoder : nn.Module
    embed_dim : int
    decoder : {"number", "expectation", "conditional"}
        How to compute the prediction from the outputs: a key of ``DECODERS``.
    bins : LinguisticBins
        The classes.
    generator : torch.Generator, default=None
        For the initial weights.
    """

    def __init__(self, encoder, embed_dim, decoder, *, bins, generator=None):
        super().__init__(encoder, bins=bins)
        n_outputs = 1 if decoder == "number" else bins.n_bins - _N_MISSING[decoder]
        self.embed_dim = embed_dim
        self.decoder = decoder
        self.head = empty_linear(embed_dim, n_outputs)
        nn.init.normal_(self.head.weight, std=0.01, generator=generator)
        nn.init.zeros_(self.head.bias)

    def from_features(self, features):
        """Predict from ℓ2-normalized image embeddings; see ``Output``."""
        with self._in_float32():
            logits = self.head(features)
            y_pred = DECODERS[self.decoder](logits, self.centers)
        return Output(y_pred, logits, self.centers.expand(len(logits), -1))


@dataclass(frozen=True)
class HeadLoss:
    """A loss for a head, with the decoder for the head's outputs."""

    decoder: str
    make: Callable
    """Takes the number of classes, returns a function that is called like ranking losses."""
    is_weighted: bool = False
    """Whether it supports sample weights."""


def _from_dlordinal(name, **options):
    def make(n_classes):
        try:
            from dlordinal import losses
        except ImportError as error:
            raise ImportError(
                f"This loss is dlordinal's {name}: pip install 'sknumclip[ordinal]'."
            ) from error
        loss = getattr(losses, name)(num_classes=n_classes, **options)
        return lambda logits, bin_index, y, **unused: loss.to(logits.device)(logits, bin_index)

    return make


HEAD_LOSSES = {
    "l1": HeadLoss("number", lambda n_classes: RANKING_LOSSES["none"], is_weighted=True),
    "cross_entropy": HeadLoss("expectation", lambda n_classes: cross_entropy, is_weighted=True),
    "sord": HeadLoss("expectation", _from_dlordinal("SORDLoss", alpha=1.0, train_targets=None)),
    "corn": HeadLoss("conditional", _from_dlordinal("CORNLoss")),
    "triangular": HeadLoss(
        "expectation", _from_dlordinal("TriangularLoss", base_loss=nn.CrossEntropyLoss())
    ),
    "emd": HeadLoss("expectation", _from_dlordinal("EMDLoss")),
}
