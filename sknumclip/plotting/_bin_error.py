"""BinErrorDisplay: predictions against labels, and residuals by bin."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, is_regressor
from sklearn.metrics import PredictionErrorDisplay
from sklearn.utils import check_consistent_length, column_or_1d

from .._numbers import refuse_mask
from .._typing import Axes, Figure, ImagesOrFeatures, Keywords
from ..bins import Bins, LinguisticBins, resolve_bins
from ._axes import check_finite, label_width, make_panels, n_decimals, set_labels, wrap
from ._unwrap import unwrap

__all__ = ["BinErrorDisplay"]


class BinErrorDisplay:
    """Predictions against true labels, and the residuals of each bin.

    On the left is scikit-learn's :class:`~sklearn.metrics.PredictionErrorDisplay` with the bin
    edges, and the mean absolute error (MAE) as its title. On the right are box plots of the
    residuals (actual - predicted) by the bin of the true label; bins that are predicted too low lie
    to the right of zero. Create it with
    :meth:`from_estimator` or :meth:`from_predictions`. All parameters are stored as attributes.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predictions.
    bins : LinguisticBins

    Attributes
    ----------
    prediction_error_ : PredictionErrorDisplay
        The left panel.
    boxes_ : dict
        The parts of the box plots, as returned by ``Axes.boxplot``.
    axes_ : ndarray of matplotlib Axes of shape (1, 2)
    ax_ : matplotlib Axes
        Invisible axes around the panels.
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn.metrics.ConfusionMatrixDisplay : For :class:`~sknumclip.NumCLIPClassifier`.

    Examples
    --------
    >>> from sknumclip.plotting import BinErrorDisplay
    >>> ages = {"child": (0, 13), "teenager": (13, 19), "adult": (19, 100)}
    >>> BinErrorDisplay.from_predictions([3, 9, 15, 40, 60], [5, 8, 19, 36, 51], ages)
    <...>
    """

    ax_: Axes
    figure_: Figure

    def __init__(self, *, y_true: ArrayLike, y_pred: ArrayLike, bins: LinguisticBins) -> None:
        self.y_true = y_true
        self.y_pred = y_pred
        self.bins = bins

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ImagesOrFeatures,
        y: ArrayLike,
        *,
        bins: Bins | None = None,
        ax: Axes | None = None,
        scatter_kwargs: Keywords | None = None,
        box_kwargs: Keywords | None = None,
    ) -> Self:
        """Predict and plot.

        Parameters
        ----------
        estimator : NumCLIPRegressor
            Or another fitted regressor; or a fitted search or Pipeline with one as its last step.
        X : as for ``estimator.predict``
        y : array-like of shape (n_samples,)
            True labels, within the bins.
        bins : LinguisticBins, mapping, str or int, default=None
            As in :class:`~sknumclip.NumCLIPRegressor`; None takes those of the estimator.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        scatter_kwargs : dict, default=None
            As in :meth:`plot`.
        box_kwargs : dict, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : BinErrorDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it has no bins and none are passed, or is a classifier.
        ValueError
            As in :meth:`from_predictions`.
        """
        if bins is None:
            needed = "a regressor with bins, such as NumCLIPRegressor, or the parameter bins"
            estimator, X = unwrap(cls, estimator, needed, "bins_", X=X)
        else:
            estimator, X = unwrap(cls, estimator, "a regressor", "predict", X=X)
        if not is_regressor(estimator):
            raise TypeError(
                "BinErrorDisplay needs a regressor. For a classifier use "
                "sklearn.metrics.ConfusionMatrixDisplay.from_estimator with labels=classes_. Got "
                f"{type(estimator).__name__}."
            )
        return cls.from_predictions(
            y,
            estimator.predict(X),
            estimator.bins_ if bins is None else bins,
            ax=ax,
            scatter_kwargs=scatter_kwargs,
            box_kwargs=box_kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        bins: Bins,
        *,
        ax: Axes | None = None,
        scatter_kwargs: Keywords | None = None,
        box_kwargs: Keywords | None = None,
    ) -> Self:
        """Plot given predictions.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels, within the bins.
        y_pred : array-like of shape (n_samples,)
            Predictions.
        bins : LinguisticBins, mapping, str or int
            As in :class:`~sknumclip.NumCLIPRegressor`.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        scatter_kwargs : dict, default=None
            As in :meth:`plot`.
        box_kwargs : dict, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : BinErrorDisplay

        Raises
        ------
        ValueError
            If labels or predictions are NaN or infinite or differ in length, or labels lie outside
            the bins.
        """
        y_true, y_pred = _as_numbers("y_true", y_true), _as_numbers("y_pred", y_pred)
        check_consistent_length(y_true, y_pred)
        display = cls(y_true=y_true, y_pred=y_pred, bins=resolve_bins(bins, y_true))
        return display.plot(ax, scatter_kwargs=scatter_kwargs, box_kwargs=box_kwargs)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        scatter_kwargs: Keywords | None = None,
        box_kwargs: Keywords | None = None,
    ) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to divide into two panels; None makes a figure.
        scatter_kwargs : dict, default=None
            Keywords for ``Axes.scatter``.
        box_kwargs : dict, default=None
            Keywords for ``Axes.boxplot``.

        Returns
        -------
        display : BinErrorDisplay
        """
        # As floats: differences of unsigned integers would wrap around.
        y_true, y_pred = _as_numbers("y_true", self.y_true), _as_numbers("y_pred", self.y_pred)
        bin_index = self.bins.assign(y_true)
        labels = [wrap(description) for description in self.bins.descriptions]
        height = 0.5 + 0.2 * sum(2 + label.count("\n") for label in labels)
        figsize = (9.5 + label_width(labels), max(4.5, height))
        panels = make_panels(self, ax, 1, 2, figsize=figsize)
        self._draw_predictions(panels[0, 0], y_true, y_pred, scatter_kwargs)
        self._draw_residuals(panels[0, 1], y_true - y_pred, bin_index, labels, box_kwargs)
        return self

    def _draw_predictions(self, panel, y_true, y_pred, scatter_kwargs):
        from matplotlib.ticker import MaxNLocator

        low, high = y_true.min(), y_true.max()
        for edge in self.bins.edges:
            if low < edge < high:
                panel.axhline(edge, color="0.85", linewidth=1, zorder=0)
        self.prediction_error_ = PredictionErrorDisplay(y_true=y_true, y_pred=y_pred)
        style = {"s": 12, "alpha": 0.6, **(scatter_kwargs or {})}
        self.prediction_error_.plot(panel, kind="actual_vs_predicted", scatter_kwargs=style)
        panel.set_aspect("equal", adjustable="box")
        error = np.abs(y_true - y_pred).mean()
        panel.set_title(f"MAE {error:.{n_decimals(np.abs(y_true - y_pred).max())}f}")
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))  # round numbers

    def _draw_residuals(self, panel, residuals, bin_index, labels, box_kwargs):
        groups = [residuals[bin_index == k] for k in range(self.bins.n_bins)]
        decimals = n_decimals(np.abs(residuals).max())
        labels = [
            f"{label}\nn = {len(group)}"
            + (f", MAE {np.abs(group).mean():.{decimals}f}" if len(group) else "")
            for label, group in zip(labels, groups, strict=True)
        ]
        style = {"widths": 0.6, "flierprops": {"markersize": 3}, **(box_kwargs or {})}
        panel.axvline(0, color="black", alpha=0.7, linestyle="--", zorder=0)
        self.boxes_ = panel.boxplot(
            groups, positions=range(len(groups)), orientation="horizontal", **style
        )
        set_labels(panel.yaxis, labels, fontsize=9)
        panel.set(
            xlabel="Residuals (actual - predicted)\n← predicted too high · predicted too low →",
            ylabel="Bin of the actual value",
        )


def _as_numbers(name, values):
    refuse_mask(name, values)  # scikit-learn would drop the mask
    return check_finite(name, column_or_1d(values))
