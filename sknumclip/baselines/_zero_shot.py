"""ZeroShotCLIPRegressor: CLIP without training."""

from __future__ import annotations

from typing import Literal, Self

import torch
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from .._typing import Device, ImagesOrFeatures, IntOrAuto, OnError, Precision, StrPath
from ..bins import Bins
from ..estimators.checks import StrOptions
from ..estimators.fitting import Prepared
from ..estimators.numclip import NUMCLIP_CONSTRAINTS, BaseNumCLIP
from ..estimators.regression import BINS_CONSTRAINT, BinRegressionMixin
from ..training.net import restore_net

__all__ = ["ZeroShotCLIPRegressor"]


class ZeroShotCLIPRegressor(RegressorMixin, BinRegressionMixin, BaseNumCLIP):
    """Zero-shot CLIP: bin centers, weighted by how well their descriptions fit the image.

    ``fit`` reads no images. It only computes the bins, if they are quantiles of y.

    Parameters
    ----------
    bins : LinguisticBins, mapping, {"age", "age_fine", "decade", "aesthetics"} or int, default=5
    template : str, default="{}"
    prompt_init : {"words", "numbers"}, default="words"
        Whether to compare images with the bins' descriptions, or with their centers in digits.
    model_name : str, default="ViT-B-16"
    pretrained : str or None, default="openai"
    canvas_scale : float, default=8/7
    device : str, default="auto"
    precision : {"auto", "fp32", "bf16"}, default="auto"
    image_cache : {"auto"} or None, default="auto"
    num_workers : "auto" or int, default="auto"
    on_error : {"raise", "skip"}, default="raise"
    verbose : int, default=1
        As in :class:`~sknumclip.NumCLIPRegressor`.

    Attributes
    ----------
    bins_ : LinguisticBins
        The bins of the fit.

    Examples
    --------
    >>> from sknumclip.baselines import ZeroShotCLIPRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> X, y = make_counting_images(10, random_state=0)
    >>> bins = {"a few": (1, 6), "several": (6, 16), "many": (16, 40), "countless": (40, 101)}
    >>> reg = ZeroShotCLIPRegressor(bins, template="{} shapes.", model_name="tiny", verbose=0)
    >>> reg.fit(X, y).predict(X[:3]).shape
    (3,)
    """

    _parameter_constraints = {
        **NUMCLIP_CONSTRAINTS,
        "bins": BINS_CONSTRAINT,
        "prompt_init": [StrOptions({"words", "numbers"})],
    }
    fine_tune = shift = "none"
    max_epochs = random_state = 0

    def __init__(
        self,
        bins: Bins = 5,
        *,
        template: str = "{}",
        prompt_init: Literal["words", "numbers"] = "words",
        model_name: str = "ViT-B-16",
        pretrained: str | None = "openai",
        canvas_scale: float = 8 / 7,
        device: Device = "auto",
        precision: Precision = "auto",
        image_cache: StrPath | None = "auto",
        num_workers: IntOrAuto = "auto",
        on_error: OnError = "raise",
        verbose: int = 1,
    ) -> None:
        self.bins = bins
        self.template = template
        self.prompt_init = prompt_init
        self.model_name = model_name
        self.pretrained = pretrained
        self.canvas_scale = canvas_scale
        self.device = device
        self.precision = precision
        self.image_cache = image_cache
        self.num_workers = num_workers
        self.on_error = on_error
        self.verbose = verbose

    def fit(
        self, X: ImagesOrFeatures, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Check X and y, and compute quantile bins; no image is read.

        Parameters
        ----------
        X : as in :meth:`sknumclip.NumCLIPRegressor.fit`
        y : array-like of shape (n_samples,)
            Labels: numbers within the bins.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights for quantiles; samples of weight 0 are left out.

        Returns
        -------
        self : ZeroShotCLIPRegressor
        """
        return self._fit(X, y, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # it does not learn
        return tags

    def _ranking_loss(self, backbone, bins):
        return None

    def _prepare(self, checked):
        width = checked.backbone.embed_dim if checked.X.are_images else checked.X.items.shape[1]
        return Prepared(torch.empty(0, width), None, None, {})

    def _train(self, checked, prepared, tasks):
        return restore_net(self._make_module(checked, prepared).eval(), [])
