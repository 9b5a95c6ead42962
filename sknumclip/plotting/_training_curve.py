"""TrainingCurveDisplay: loss and error by epoch."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from .._typing import Axes, Figure, Keywords
from ._axes import make_panels
from ._unwrap import unwrap

__all__ = ["TrainingCurveDisplay"]

_LOSSES = {
    "ranking_loss": "ranking loss",
    "class_loss": "class loss",  # baselines have it instead
    "log_loss": "log loss",  # of a solved classifier
    "mae": "mean absolute error\n(in the unit of the label)",
}
_CURVES = {"train": ("training", "tab:blue"), "valid": ("validation", "tab:orange")}
_BEST = {"color": "0.5", "linestyle": ":", "zorder": 0}


class TrainingCurveDisplay:
    """Ranking loss and mean absolute error by epoch, for training and validation.

    With early stopping there are validation curves, and a vertical line marks the best epoch, whose
    weights the fitted estimator has. For a solved fit, which has no epochs, the curve is the error
    out of fold by penalty: the mean absolute error, or a classifier's log loss with and without the
    ranking loss.

    The ranking loss grows with the number of images that it compares, so its training and
    validation curves are not comparable. Create the display with :meth:`from_estimator`. All
    parameters are stored as attributes.

    Parameters
    ----------
    history : DataFrame
        The attribute ``history_`` of a fitted estimator.

    Attributes
    ----------
    lines_ : dict of str to matplotlib Line2D
        The curves, by column of `history`.
    best_lines_ : list of matplotlib Line2D
        The vertical lines at the best epoch or penalty; empty without early stopping.
    axes_ : ndarray of matplotlib Axes of shape (2, 1), or (1, 1) for a solved fit
    ax_ : matplotlib Axes
        Invisible axes around the panels.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sknumclip import NumCLIPRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> from sknumclip.plotting import TrainingCurveDisplay
    >>> X, y = make_counting_images(60, random_state=0)
    >>> reg = NumCLIPRegressor(model_name="tiny", fine_tune="none", max_epochs=5, verbose=0)
    >>> TrainingCurveDisplay.from_estimator(reg.fit(X, y))
    <...>
    """

    ax_: Axes
    figure_: Figure

    def __init__(self, *, history: pd.DataFrame) -> None:
        self.history = history

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        ax: Axes | None = None,
        line_kwargs: Keywords | None = None,
    ) -> Self:
        """Plot the history of a fitted estimator.

        Parameters
        ----------
        estimator : NumCLIPRegressor or NumCLIPClassifier
            Or another fitted estimator of this package that trains; or a fitted search or Pipeline
            with one as its last step.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        line_kwargs : dict, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : TrainingCurveDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it has no history.
        ValueError
            If it was trained for 0 epochs.
        """
        needed = "an estimator with a history, such as NumCLIPRegressor"
        estimator, _ = unwrap(cls, estimator, needed, "history_")
        return cls(history=estimator.history_).plot(ax, line_kwargs=line_kwargs)

    def plot(self, ax: Axes | None = None, *, line_kwargs: Keywords | None = None) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to divide into two panels; None makes a figure.
        line_kwargs : dict, default=None
            Keywords for ``Axes.plot``.

        Returns
        -------
        display : TrainingCurveDisplay
        """
        if len(self.history) == 0:
            raise ValueError(
                "There are no curves to plot: the estimator was trained for 0 epochs. Fit it with "
                "max_epochs of at least 1."
            )
        self.lines_: dict[str, Any] = {}
        self.best_lines_: list[Any] = []
        style = {"marker": "." if len(self.history) < 30 else None, **(line_kwargs or {})}
        if "penalty" in self.history:
            self._plot_penalties(ax, style)
        else:
            self._plot_epochs(ax, style)
        return self

    def _plot_epochs(self, ax, style):
        panels = make_panels(self, ax, 2, 1, figsize=(6, 5))[:, 0]
        recorded = [loss for loss in _LOSSES if f"train_{loss}" in self.history]
        for panel, loss in zip(panels, recorded, strict=True):
            for part, (name, color) in _CURVES.items():
                column = f"{part}_{loss}"
                if column in self.history:
                    (self.lines_[column],) = panel.plot(
                        self.history["epoch"],
                        self.history[column],
                        **{"color": color, "label": name, **style},
                    )
            panel.set_ylabel(_LOSSES[loss])
            panel.xaxis.get_major_locator().set_params(integer=True)
        if "valid_mae" in self.history:
            best = _best_epoch(self.history)
            self.best_lines_ = [panel.axvline(best, **_BEST) for panel in panels]
            self.best_lines_[0].set_label(f"best epoch: {best}")
        panels[0].sharex(panels[1])
        panels[0].tick_params(labelbottom=False)
        panels[0].legend()
        panels[1].set_xlabel("epoch")

    def _plot_penalties(self, ax, style):
        panel = make_panels(self, ax, 1, 1, figsize=(6, 3.5))[0, 0]
        history, (_, color) = self.history, _CURVES["valid"]
        measure = "mae" if "valid_mae" in history else "log_loss"
        column = f"valid_{measure}"
        curves = {column: (history, "out of fold", color)}
        if "has_ranking_loss" in history:  # of a classifier
            has_it = history["has_ranking_loss"]
            label = "without ranking loss"
            curves = {
                column: (history[has_it], "with ranking loss", color),
                f"{column}, {label}": (history[~has_it], label, "C7"),
            }
        for name, (rows, label, color) in curves.items():
            (self.lines_[name],) = panel.plot(
                rows["penalty"], rows[column], **{"color": color, "label": label, **style}
            )
        if "median_mae" in history:
            median = history["median_mae"].iloc[0]
            bottom, top = panel.get_ylim()
            self.lines_["median_mae"] = panel.axhline(
                median, color="C7", ls="--", label=f"median: {median:.3g}"
            )
            # A median far above would flatten the curve; one below tells that nothing was learned.
            panel.set_ylim(min(bottom, 0.98 * median), top)
        best = history["penalty"][history[column].idxmin()]
        self.best_lines_ = [panel.axvline(best, label=f"best penalty: {best:g}", **_BEST)]
        panel.set(xscale="log", xlabel="penalty (right: only the words)", ylabel=_LOSSES[measure])
        panel.legend()


def _best_epoch(history):
    """Return the epoch that early stopping keeps: the last one that improved noticeably."""
    best, limit = history["epoch"].iloc[0], np.inf
    for epoch, error in zip(history["epoch"], history["valid_mae"], strict=True):
        if error < limit:
            best, limit = epoch, error * (1 - 1e-4)  # skorch's tolerance
    return int(best)
