"""Baselines with learned prompts and numbers: CoOp, OrdinalCLIP, L2RCLIP."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real
from typing import Literal

import torch

from .._typing import (
    Augment,
    Device,
    FineTune,
    IntOrAuto,
    LrSchedule,
    OnError,
    Precision,
    RandomState,
    StrPath,
)
from ..estimators.base import TRAINING_CONSTRAINTS
from ..estimators.checks import Interval, StrOptions
from ..model.modules import NumCLIPModule
from ._classes import ClassRegressor
from .class_losses import cross_entropy, cross_entropy_kl, ordinal_pairwise
from .class_prompts import (
    INTERPOLATIONS,
    ContextPrompts,
    RankFormerPrompts,
    RankPrompts,
    check_numbers,
    class_tokens,
    interpolation_weights,
)

__all__ = ["CoOpRegressor", "L2RCLIPRegressor", "OrdinalCLIPRegressor"]


class CoOpRegressor(ClassRegressor):
    """CoOp: learned context before numbers in digits, cross-entropy, expectation.

    After K. Zhou et al., "Learning to Prompt for Vision-Language Models", arXiv 2109.01134, as used
    in the NumCLIP paper: one class per whole number, with the image tower fine-tuned as well.

    Parameters
    ----------
    context : str or int, default="a photo of number"
        Words before the number, or a number of random tokens; these tokens are learned.
    model_name : str, default="ViT-B-16"
    pretrained : str or None, default="openai"
    fine_tune : {"full", "none"} or int, default="full"
    max_epochs : int, default=100
    batch_size : int or "auto", default="auto"
    lr : float, default=1e-5
        Learning rate of the image tower.
    prompt_lr : float, default=1e-4
        Learning rate of the prompts.
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
    >>> from sknumclip.baselines import CoOpRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> X, y = make_counting_images(40, high=10, random_state=0)
    >>> reg = CoOpRegressor(model_name="tiny", fine_tune="none", max_epochs=2, verbose=0)
    >>> reg.fit(X, y).predict(X[:3]).shape
    (3,)
    """

    _parameter_constraints = {
        **TRAINING_CONSTRAINTS,
        "context": [str, Interval(Integral, 1, None, closed="left")],
        "prompt_lr": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        context: str | int = "a photo of number",
        model_name: str = "ViT-B-16",
        pretrained: str | None = "openai",
        fine_tune: FineTune = "full",
        max_epochs: int = 100,
        batch_size: IntOrAuto = "auto",
        lr: float = 1e-5,
        prompt_lr: float = 1e-4,
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
        self.context = context
        self.model_name = model_name
        self.pretrained = pretrained
        self.fine_tune = fine_tune
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.prompt_lr = prompt_lr
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

    def _check_prompts(self, backbone, bins):
        check_numbers(backbone, self.context, bins.descriptions)

    def _make_prompts(self, backbone, bins, generator):
        return ContextPrompts.from_numbers(backbone, self.context, bins.descriptions, generator)

    def _assemble(self, encoder, backbone, bins, generator):
        prompts = self._make_prompts(backbone, bins, generator)
        prompts.own_tower()
        return NumCLIPModule(
            encoder,
            prompts,
            bins=bins,
            logit_scale=backbone.logit_scale,
            shift="none",
            max_shift=0.5,
            generator=generator,
        )

    def _ranking_loss(self, backbone, bins):
        return cross_entropy

    def _learning_rates(self, checked, prepared):
        return {"encoder": self.prompt_lr, "prompts": self.prompt_lr}


class OrdinalCLIPRegressor(CoOpRegressor):
    """OrdinalCLIP: learned tokens for numbers, interpolated between base ranks.

    After W. Li et al., "OrdinalCLIP: Learning Rank Prompts for Language-Guided Ordinal
    Regression", NeurIPS 2022, arXiv 2206.02338: context and base ranks are learned with
    cross-entropy from images to texts and KL divergence from texts to images.

    Parameters
    ----------
    n_base_ranks : int, default=3
        Number of learned tokens, equally spaced over the scale; at least 2.
    interpolation : {"linear", "inverse"}, default="linear"
        Whether the share of a base rank in a number's token falls linearly with their distance,
        or is proportional to its inverse.
    context : str or int, default="a photo of number"
        As in :class:`CoOpRegressor`.
    model_name : str, default="ViT-B-16"
    pretrained : str or None, default="openai"
    fine_tune : {"full", "none"} or int, default="full"
    max_epochs : int, default=100
    batch_size : int or "auto", default="auto"
    lr : float, default=1e-5
        Learning rate of the image tower.
    prompt_lr : float, default=1e-4
        Learning rate of the prompts.
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
    >>> from sknumclip.baselines import OrdinalCLIPRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> X, y = make_counting_images(40, high=10, random_state=0)
    >>> reg = OrdinalCLIPRegressor(model_name="tiny", fine_tune="none", max_epochs=2, verbose=0)
    >>> reg.fit(X, y).predict(X[:3]).shape
    (3,)
    """

    _parameter_constraints = {
        **CoOpRegressor._parameter_constraints,
        "n_base_ranks": [Interval(Integral, 2, None, closed="left")],
        "interpolation": [StrOptions(set(INTERPOLATIONS))],
    }

    def __init__(
        self,
        *,
        n_base_ranks: int = 3,
        interpolation: Literal["linear", "inverse"] = "linear",
        context: str | int = "a photo of number",
        model_name: str = "ViT-B-16",
        pretrained: str | None = "openai",
        fine_tune: FineTune = "full",
        max_epochs: int = 100,
        batch_size: IntOrAuto = "auto",
        lr: float = 1e-5,
        prompt_lr: float = 1e-4,
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
        self.n_base_ranks = n_base_ranks
        self.interpolation = interpolation
        self.context = context
        self.model_name = model_name
        self.pretrained = pretrained
        self.fine_tune = fine_tune
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.prompt_lr = prompt_lr
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

    def _check_prompts(self, backbone, bins):
        class_tokens(backbone, self.context, ["X"])

    def _make_prompts(self, backbone, bins, generator):
        weights = interpolation_weights(bins.n_bins, self.n_base_ranks, self.interpolation)
        spread = backbone.token_embedding.weight.std()
        width = backbone.token_embedding.weight.shape[1]
        base_ranks = torch.randn(self.n_base_ranks, width, generator=generator) * spread
        # Each number has one token as a placeholder for the interpolated one.
        numbers = ["X"] * bins.n_bins
        return RankPrompts.from_numbers(
            backbone, self.context, numbers, generator, weights=weights, base_ranks=base_ranks
        )

    def _ranking_loss(self, backbone, bins):
        return cross_entropy_kl


class L2RCLIPRegressor(CoOpRegressor):
    """L2RCLIP: numbers that attend to each other, and an ordinal pairwise loss.

    After R. Wang et al., "Learning-to-Rank Meets Language: Boosting Language-Driven Ordering
    Alignment for Ordinal Classification", NeurIPS 2023, arXiv 2306.13856: token-level attention
    over the prompts of all ranks with residual blending (RankFormer), and cross-entropy with a
    cross-modal ordinal pairwise loss. The authors train in two stages with different schedules,
    which is not done here, and the layer sizes of RankFormer are our choice.

    Parameters
    ----------
    context : str or int, default="a photo of number"
        As in :class:`CoOpRegressor`.
    model_name : str, default="ViT-B-16"
    pretrained : str or None, default="openai"
    fine_tune : {"full", "none"} or int, default="full"
    max_epochs : int, default=100
    batch_size : int or "auto", default="auto"
    lr : float, default=1e-5
        Learning rate of the image tower.
    prompt_lr : float, default=1e-4
        Learning rate of the prompts.
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
    >>> from sknumclip.baselines import L2RCLIPRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> X, y = make_counting_images(40, high=10, random_state=0)
    >>> reg = L2RCLIPRegressor(model_name="tiny", fine_tune="none", max_epochs=2, verbose=0)
    >>> reg.fit(X, y).predict(X[:3]).shape
    (3,)
    """

    def _make_prompts(self, backbone, bins, generator):
        return RankFormerPrompts.from_numbers(backbone, self.context, bins.descriptions, generator)

    def _ranking_loss(self, backbone, bins):
        return partial(ordinal_pairwise, logit_scale=backbone.logit_scale)
