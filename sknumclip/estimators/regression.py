"""BinRegressionMixin: predict numbers from bins, with standard deviations and explanations."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from .._typing import FloatArray, ImagesOrFeatures
from ..bins import LinguisticBins, resolve_bins
from .checks import Described, Interval
from .explanation import Explanation
from .neighbors import add_neighbors

__all__ = ["BINS_CONSTRAINT", "BinRegressionMixin"]

BINS_CONSTRAINT = [
    LinguisticBins,
    Described(
        "a mapping of descriptions to ranges (low, high) (words alone have no ranges; for a list "
        "of edges, use LinguisticBins(descriptions, edges))",
        lambda value: isinstance(value, Mapping),
    ),
    str,
    Interval(Integral, 2, None, closed="left"),
]


class BinRegressionMixin:
    """Predict numbers from bins; for subclasses of BaseNumCLIP with the parameter `bins`."""

    # Defined by BaseNumCLIP.
    bins_: LinguisticBins
    _outputs: Any
    _explain: Any
    net_: Any

    def _resolve_bins(self, y, weight=None, classes=None):
        new = resolve_bins(self.bins, y, weight)
        if not self._continues():
            return new
        # Quantile bins keep their edges; others must be the ones that the model was trained on.
        is_same = new == self.bins_
        if isinstance(self.bins, Integral):
            is_same = self.bins_.n_bins in (self.bins, new.n_bins)
        if not is_same:
            raise ValueError(
                "warm_start=True cannot continue with other bins than those of the last fit, "
                f"{self.bins_}. Use warm_start=False. Got bins={self.bins!r}."
            )
        return self.bins_

    def _are_named(self, bins):
        return not isinstance(self.bins, Integral)

    @overload
    def predict(self, X: ImagesOrFeatures, return_std: Literal[False] = False) -> FloatArray: ...
    @overload
    def predict(
        self, X: ImagesOrFeatures, return_std: Literal[True]
    ) -> tuple[FloatArray, FloatArray]: ...
    def predict(
        self, X: ImagesOrFeatures, return_std: bool = False
    ) -> FloatArray | tuple[FloatArray, FloatArray]:
        """Predict the labels of images.

        Parameters
        ----------
        X : as in :meth:`fit`
        return_std : bool, default=False
            Whether to also return the standard deviation of the predicted distribution: a mixture
            of the bins, each uniform over its width around its moved center. After a solved fit
            it is scaled so that 90 % of the out-of-fold errors lie within 1.645 standard
            deviations, and may exceed the range of the labels. After a fit in epochs from
            zero-shot CLIP it may be far too large or too small. For intervals with a guarantee,
            calibrate on held-out images (MAPIE's
            ``SplitConformalRegressor`` takes the fitted estimator, and paths as an array or
            Series).

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
            Predictions in the unit of y; NaN for unreadable images, if ``on_error="skip"``.
        y_std : ndarray of shape (n_samples,)
            Only with ``return_std=True``.
        """
        y_pred, logits, centers = self._outputs(X)
        return (y_pred, self._std(y_pred, logits, centers)) if return_std else y_pred

    def _std(self, y_pred, logits, centers):
        variance = (centers - y_pred[:, None]) ** 2 + np.square(self.bins_.widths) / 12
        std = np.sqrt((softmax(logits, axis=1) * variance).sum(axis=1))
        return self.net_.module_.std_scale * std

    def predict_bin_proba(self, X: ImagesOrFeatures) -> FloatArray:
        """Predict the probability of each bin.

        Parameters
        ----------
        X : as in :meth:`fit`

        Returns
        -------
        ndarray of shape (n_samples, n_bins)
            Rows sum to 1; NaN for unreadable images, if ``on_error="skip"``.
        """
        return softmax(self._outputs(X)[1], axis=1)

    def explain(
        self,
        X: ImagesOrFeatures,
        neighbors: int | None = None,
        *,
        X_train: ImagesOrFeatures | None = None,
        y_train: ArrayLike | None = None,
    ) -> Explanation:
        """Explain each prediction.

        Parameters
        ----------
        X : as in :meth:`fit`
        neighbors : int, default=None
            Number of nearest training images to list for each prediction, by cosine similarity of
            embeddings. None lists none.
        X_train : as in :meth:`fit`, default=None
            The training images, for `neighbors`. Estimators keep no images and no labels, so that
            a saved model reveals no one's image.
        y_train : array-like of shape (n_train,), default=None
            Their labels.

        Returns
        -------
        DataFrame
            One row per image, with the index of X if that has one and no opened images, and else
            the file names of images that have one: ``concept``, the description of the most
            probable bin; ``low`` and ``high``, its range; its ``probability``; ``shift``, how far
            the regressor moved its center, in the unit of y; ``prediction``; ``std``, its standard
            deviation, as :meth:`predict` returns it; and ``path``, if images have one. All but the
            path are NaN for unreadable images, if ``on_error="skip"``. A notebook shows it as
            thumbnails and sentences; the method ``sentences`` returns the sentences as text. With
            `neighbors`, another column, ``neighbors``, contains tuples of ``image`` (path, or
            position in `X_train`), ``label`` and ``similarity``, the nearest first.

        Raises
        ------
        ValueError
            If `neighbors` is given and there are fewer training images, or none.
        """
        outputs = self._outputs(X)
        table = self._explain(X, *outputs)
        table.insert(table.columns.get_loc("prediction") + 1, "std", self._std(*outputs))
        return add_neighbors(table, self, X, neighbors, X_train, y_train)
