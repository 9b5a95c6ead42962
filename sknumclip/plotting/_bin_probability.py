"""BinProbabilityDisplay: bar charts of the bin probabilities of single images."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, column_or_1d

from .._numbers import refuse_mask
from .._typing import Axes, Figure, ImagesOrFeatures, Keywords
from ..estimators.input_types import as_images
from ..images.reading import read_thumbnail
from ._axes import label_width, make_panels, n_decimals, set_labels, wrap
from ._unwrap import unwrap

__all__ = ["BinProbabilityDisplay"]

_THUMBNAIL = 160  # pixels
_MAX_SAMPLES = 60  # with more, matplotlib needs minutes


class BinProbabilityDisplay:
    """Bar chart of the bin probabilities, next to each image.

    Best for a few images; create it with :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    proba : array-like of shape (n_samples, n_bins)
        Probabilities; a row of NaN for an unreadable image.
    descriptions : sequence of str, length n_bins
        Descriptions of the bins.
    y_pred : array-like of shape (n_samples,), default=None
        Predictions.
    y_true : array-like of shape (n_samples,), default=None
        True labels.
    images : list of (ndarray or PIL.Image.Image or None), length n_samples, default=None
        Images to show next to the bars.

    Attributes
    ----------
    bars_ : list of matplotlib BarContainer
        One per sample.
    axes_ : ndarray of matplotlib Axes
        The panels; two per sample if there are images.
    ax_ : matplotlib Axes
        Invisible axes around the panels.
    figure_ : matplotlib Figure

    See Also
    --------
    NumCLIPRegressor.explain : Table of only the most probable bin.

    Examples
    --------
    >>> from sknumclip import NumCLIPRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> from sknumclip.plotting import BinProbabilityDisplay
    >>> X, y = make_counting_images(60, random_state=0)
    >>> reg = NumCLIPRegressor(model_name="tiny", fine_tune="none", max_epochs=2, verbose=0)
    >>> BinProbabilityDisplay.from_estimator(reg.fit(X, y), X[:4], y[:4])
    <...>
    """

    bars_: list[Any]
    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        *,
        proba: ArrayLike,
        descriptions: Sequence[str],
        y_pred: ArrayLike | None = None,
        y_true: ArrayLike | None = None,
        images: Sequence[Any] | None = None,
    ) -> None:
        self.proba = proba
        self.descriptions = descriptions
        self.y_pred = y_pred
        self.y_true = y_true
        self.images = images

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ImagesOrFeatures,
        y: ArrayLike | None = None,
        *,
        ax: Axes | None = None,
        n_columns: int | None = None,
        bar_kwargs: Keywords | None = None,
    ) -> Self:
        """Predict and plot.

        Parameters
        ----------
        estimator : NumCLIPRegressor or NumCLIPClassifier
            Fitted; or a fitted search or Pipeline with one as its last step.
        X : as for ``estimator.predict``
            The images to show. For features, only bars are shown.
        y : array-like of shape (n_samples,), default=None
            True labels.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        n_columns : int, default=None
            As in :meth:`plot`.
        bar_kwargs : dict, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : BinProbabilityDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it has no bins.
        ValueError
            If X and y differ in length, there are more than 60 images, or an image is unreadable
            and the estimator is a classifier.
        """
        needed = "a NumCLIPRegressor or a NumCLIPClassifier"
        estimator, X = unwrap(cls, estimator, needed, "bins_", X=X)
        unwrap(cls, estimator, needed, "predict_bin_proba", "predict_proba")  # else raise
        predict_proba = getattr(estimator, "predict_bin_proba", None) or estimator.predict_proba
        if y is not None:
            check_consistent_length(X, y)
            refuse_mask("y", y)
        if len(X) > _MAX_SAMPLES:
            raise ValueError(
                f"A figure has room for {_MAX_SAMPLES} images. Got {len(X)}: show a few of them, "
                "as in X[:8]; for many images use BinErrorDisplay."
            )
        with warnings.catch_warnings():
            # The order of columns does not matter here, since each bar is labeled.
            warnings.filterwarnings("ignore", "The columns of predict_proba")
            proba = np.asarray(predict_proba(X))
        display = cls(
            proba=proba,
            descriptions=estimator.bins_.descriptions,
            y_pred=estimator.predict(X),
            y_true=None if y is None else column_or_1d(y),
            images=_thumbnails(X, ~np.isnan(proba).any(axis=1)),
        )
        return display.plot(ax, n_columns=n_columns, bar_kwargs=bar_kwargs)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        n_columns: int | None = None,
        bar_kwargs: Keywords | None = None,
    ) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None makes a figure.
        n_columns : int, default=None
            Number of samples side by side; None uses one column for every four, at most three.
        bar_kwargs : dict, default=None
            Keywords for ``Axes.barh``.

        Returns
        -------
        display : BinProbabilityDisplay
        """
        n_samples = np.shape(self.proba)[0]
        if n_columns is None:
            n_columns = min(3, math.ceil(n_samples / 4))
        if not isinstance(n_columns, Integral) or n_columns < 1:
            raise ValueError(f"n_columns must be an int of at least 1. Got {n_columns!r}.")
        n_rows = math.ceil(n_samples / n_columns)
        labels = [wrap(description) for description in self.descriptions]
        n_lines = sum(label.count("\n") + 1 for label in labels)
        widths = [2.75] if self.images is None else [1.25, 2.75]
        height = min(max(1.3, 0.18 * n_lines + 0.45), 6)
        panels = make_panels(
            self,
            ax,
            n_rows,
            n_columns * len(widths),
            figsize=(label_width(labels) + sum(widths) * n_columns, 0.4 + height * n_rows),
            gridspec_kw={"width_ratios": widths * n_columns},
        ).reshape(-1, len(widths))
        self.bars_ = []
        for i, pair in enumerate(panels):
            if i >= n_samples:
                for panel in pair:
                    panel.set_axis_off()
                continue
            self._draw_bars(pair[-1], i, bar_kwargs)
            if i % n_columns == 0:
                set_labels(pair[-1].yaxis, labels)
            if i // n_columns == n_rows - 1:
                pair[-1].set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
                pair[-1].set_xlabel("probability of the bin")
            if self.images is not None:
                pair[0].set_axis_off()
                if self.images[i] is not None:
                    pair[0].imshow(self.images[i])
        return self

    def _draw_bars(self, panel, i, bar_kwargs):
        style = {"color": "tab:blue", **(bar_kwargs or {})}
        self.bars_.append(panel.barh(range(len(self.descriptions)), self.proba[i], **style))
        panel.set(xlim=(0, 1), xticks=[0, 0.5, 1], xticklabels=[], yticks=[])
        panel.set_ylim(len(self.descriptions) - 0.5, -0.5)  # the lowest bin on top
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_title(self._title(i), fontsize=10)

    def _title(self, i):
        if np.isnan(self.proba[i]).any():
            return "cannot be read"
        predicted = "" if self.y_pred is None else _as_text(self.y_pred, i)
        true = "" if self.y_true is None else f"true: {_as_text(self.y_true, i)}"
        if not (predicted and true):
            return predicted or true
        return f"{predicted}{' ' if len(predicted + true) < 24 else chr(10)}({true})"


def _as_text(values, i):
    """Format label `i`: a number with as many decimals as all of them need, or a class."""
    values = np.asarray(values)
    if values.dtype.kind not in "iuf":
        return wrap(values[i])
    known = values[~np.isnan(values)]
    decimals = 0 if (known == np.round(known)).all() else n_decimals(np.abs(known).max())
    return f"{values[i]:.{decimals}f}"


def _thumbnails(X, is_read):
    """Return thumbnails, None for each unreadable image; or None if X is features."""
    images = as_images(X)
    if images is None:
        return None
    return [
        read_thumbnail(item, _THUMBNAIL) if there else None
        for item, there in zip(images.items, is_read, strict=True)
    ]
