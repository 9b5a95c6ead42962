"""ImageHeadRegressor: a linear head on the image tower, without text."""

from __future__ import annotations

from numbers import Real
from typing import Self

from numpy.typing import ArrayLike

from .._typing import (
    Augment,
    Device,
    FineTune,
    HeadLoss,
    ImagesOrFeatures,
    IntOrAuto,
    LrSchedule,
    OnError,
    Precision,
    RandomState,
    StrPath,
)
from ..estimators.base import TRAINING_CONSTRAINTS
from ..estimators.checks import Interval, StrOptions
from ._classes import ClassRegressor
from .heads import HEAD_LOSSES, HeadModule

__all__ = ["ImageHeadRegressor"]


class ImageHeadRegressor(ClassRegressor):
    """A linear layer on the image tower, without text: the usual alternative to prompts.

    Parameters
    ----------
    loss : str, default="l1"
        ``"l1"``: one output, absolute error. The others have one output per whole number and
        predict the mean of the distribution: ``"cross_entropy"`` (DEX, arXiv 1809.05474), and from
        dlordinal (``pip install "sknumclip[ordinal]"``) ``"sord"`` (soft labels), ``"corn"``
        (conditional probabilities of exceeding each class), ``"triangular"`` (soft labels) and
        ``"emd"`` (squared earth mover's distance).
    model_name : str, default="ViT-B-16"
    pretrained : str or None, default="openai"
    fine_tune : {"full", "none"} or int, default="full"
    max_epochs : int, default=100
    batch_size : int or "auto", default="auto"
    lr : float, default=1e-5
        Learning rate of the image tower.
    head_lr : float, default=1e-2
        Learning rate of the head.
    lr_schedule : {"cosine", "constant"}, default="cosine"
    augment : "crop", bool or callable, default=True
    canvas_scale : float, default=8/7
    early_stopping : bool, default=False
    validation_fraction : float, default=0.1
    n_iter_no_change : int, default=10
    device : str, default="auto"
    precision : {"auto", "fp32", "bf16"}, default="auto"
    image_cache : {"auto", "memory"}, str, Path or None, default="auto"
    num_workers : "auto" or int, default="auto"
    on_error : {"raise", "skip"}, default="raise"
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=1
        As in :class:`~sknumclip.NumCLIPRegressor`.

    Attributes
    ----------
    bins_ : LinguisticBins
        The classes: one bin for each whole number from the smallest to the largest label.
    history_ : DataFrame
        One row per epoch: the class loss as ``train_class_loss``, and ``train_mae``.
    n_iter_, net_, skipped_
        As in :class:`~sknumclip.NumCLIPRegressor`.

    Examples
    --------
    >>> from sknumclip.baselines import ImageHeadRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> X, y = make_counting_images(40, high=10, random_state=0)
    >>> reg = ImageHeadRegressor(model_name="tiny", fine_tune="none", max_epochs=2, verbose=0)
    >>> reg.fit(X, y).predict(X[:3]).shape
    (3,)
    """

    _parameter_constraints = {
        **TRAINING_CONSTRAINTS,
        "loss": [StrOptions(set(HEAD_LOSSES))],
        "head_lr": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        loss: HeadLoss = "l1",
        model_name: str = "ViT-B-16",
        pretrained: str | None = "openai",
        fine_tune: FineTune = "full",
        max_epochs: int = 100,
        batch_size: IntOrAuto = "auto",
        lr: float = 1e-5,
        head_lr: float = 1e-2,
        lr_schedule: LrSchedule = "cosine",
        augment: Augment = True,
        canvas_scale: float = 8 / 7,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        device: Device = "auto",
        precision: Precision = "auto",
        image_cache: StrPath | None = "auto",
        num_workers: IntOrAuto = "auto",
        on_error: OnError = "raise",
        random_state: RandomState = None,
        verbose: int = 1,
    ) -> None:
        self.loss = loss
        self.model_name = model_name
        self.pretrained = pretrained
        self.fine_tune = fine_tune
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.head_lr = head_lr
        self.lr_schedule = lr_schedule
        self.augment = augment
        self.canvas_scale = canvas_scale
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.device = device
        self.precision = precision
        self.image_cache = image_cache
        self.num_workers = num_workers
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    @property
    def _l1_weight(self):
        return 1.0 if self.loss == "l1" else 0.0

    def fit(
        self, X: ImagesOrFeatures, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train on images and their labels; see :meth:`~sknumclip.NumCLIPRegressor.fit`.

        Parameters
        ----------
        X, y
            As in :class:`~sknumclip.NumCLIPRegressor`.
        sample_weight : array-like of shape (n_samples,), default=None
            Only with ``loss="l1"`` and ``"cross_entropy"``.

        Returns
        -------
        self
        """
        self._validate_params()
        if sample_weight is not None and not HEAD_LOSSES[self.loss].is_weighted:
            raise ValueError(
                f"loss={self.loss!r} cannot weight samples. Use loss='l1' or 'cross_entropy', or "
                "no sample_weight."
            )
        return super().fit(X, y, sample_weight)

    def _ranking_loss(self, backbone, bins):
        return HEAD_LOSSES[self.loss].make(bins.n_bins)

    def _assemble(self, encoder, backbone, bins, generator):
        decoder = HEAD_LOSSES[self.loss].decoder
        return HeadModule(encoder, backbone.embed_dim, decoder, bins=bins, generator=generator)

    def _learning_rates(self, checked, prepared):
        return {"encoder": self.head_lr, "head": self.head_lr}
