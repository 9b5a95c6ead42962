"""ClassRegressor: base class of baselines with one class per whole number."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from .._typing import FloatArray, ImagesOrFeatures
from ..bins.class_bins import unit_bins
from ..estimators.base import BaseCLIPEstimator

__all__ = ["ClassRegressor"]

MAX_CLASSES = 1000


class ClassRegressor(RegressorMixin, BaseCLIPEstimator):
    """Base class: each whole number is a class; predictions are the mean over the classes."""

    _loss_name = "class_loss"
    _l1_weight = 0.0

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # if the range of labels is about one class
        return tags

    def fit(
        self, X: ImagesOrFeatures, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train on images and their labels; see :meth:`~sknumclip.NumCLIPRegressor.fit`.

        Parameters
        ----------
        X, y, sample_weight
            As in :class:`~sknumclip.NumCLIPRegressor`.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight)

    def predict(self, X: ImagesOrFeatures) -> FloatArray:
        """Predict the labels of images.

        Parameters
        ----------
        X : as in :meth:`fit`

        Returns
        -------
        ndarray of shape (n_samples,)
            Predictions; NaN for unreadable images, if ``on_error="skip"``.
        """
        return self._outputs(X)[0]

    def _resolve_bins(self, y, weight=None, classes=None):
        low, high = np.floor(np.array([y.min(), y.max()]) + 0.5).astype(int).tolist()
        numbers = range(low, max(high, low + 1) + 1)
        if len(numbers) > MAX_CLASSES:
            raise ValueError(
                f"{type(self).__name__} has one class per whole number, here from {low} to {high}; "
                f"at most {MAX_CLASSES} are allowed. Divide y by something, or use "
                "NumCLIPRegressor."
            )
        return unit_bins([str(number) for number in numbers], first=low)
