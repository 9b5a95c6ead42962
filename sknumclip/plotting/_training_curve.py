"""TrainingCurveDisplay: losses by epoch."""

from __future__ import annotations

from typing import Self

import pandas as pd
from sklearn.base import BaseEstimator

from .._typing import Axes, Figure, Keywords
from ._axes import make_panels
from ._unwrap import unwrap

__all__ = ["TrainingCurveDisplay"]

_LOSSES = {
    "ranking_loss": "ranking loss",
    "class_loss": "class loss",  # baselines have it instead
    "l1_loss": "L1 loss\n(hundredths of the range)",
}
_CURVES = {"train": ("training", "tab:blue"), "valid": ("validation", "tab:orange")}


class TrainingCurveDisplay:
    """Both losses by epoch, for training and, with early stopping, for validation.

    The ranking loss grows with the number of images that it compares, so its training and
    validation curves are not comparable. Create it with :meth:`from_estimator`. All parameters are
    stored as attributes.

    Parameters
    ----------
    history : DataFrame
        The attribute ``history_`` of a fitted estimator.

    Attributes
    ----------
    lines_ : dict of str to matplotlib Line2D
        The curves, by column of `history`.
    axes_ : ndarray of matplotlib Axes of shape (2, 1)
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
        panels = make_panels(self, ax, 2, 1, figsize=(6, 5))[:, 0]
        style = {"marker": "." if len(self.history) < 30 else None, **(line_kwargs or {})}
        self.lines_ = {}
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
        panels[0].sharex(panels[1])
        panels[0].tick_params(labelbottom=False)
        panels[0].legend()
        panels[1].set_xlabel("epoch")
        return self
