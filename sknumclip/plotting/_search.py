"""SearchDisplay: scores of a search, as a heat map over two parameters or a line over one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from .._typing import Axes, Colormap, Figure, Keywords
from ..bins import LinguisticBins
from ._axes import (
    draw_matrix,
    import_pyplot,
    label_width,
    make_axes,
    n_decimals,
    set_labels,
    wrap,
)
from ._unwrap import unwrap

__all__ = ["SearchDisplay"]


class SearchDisplay:
    """Scores of a search: a heat map over two parameters, such as β and bins, or a line over one.

    Create it with :meth:`from_estimator`. All parameters are stored as attributes.

    Parameters
    ----------
    scores : DataFrame
        Mean score over folds of each combination: values of the parameter `y` as index, of `x` as
        columns. NaN for missing combinations. A single row, named ``""``, makes a line.
    stds : DataFrame
        Standard deviations over folds, in the same layout.
    score_name : str, default="score"
        Name of the score.
    greater_is_better : bool, default=True
        Whether the best score is the largest.

    Attributes
    ----------
    im_ : matplotlib AxesImage
        Of a map.
    text_ : list of matplotlib Text
        Of a map: mean ± standard deviation, row by row; empty if there are too many cells.
    frame_ : matplotlib Rectangle
        Of a map: frame around the best cell.
    errorbar_ : matplotlib ErrorbarContainer
        Of a line: mean ± standard deviation.
    best_ : matplotlib Line2D
        Of a line: the best score.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sknumclip import NumCLIPRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> from sknumclip.plotting import SearchDisplay
    >>> X, y = make_counting_images(60, random_state=0)
    >>> reg = NumCLIPRegressor(model_name="tiny", fine_tune="none", max_epochs=2, verbose=0)
    >>> search = GridSearchCV(reg, {"beta": [0, 4], "bins": [3, 5]}, cv=2)
    >>> SearchDisplay.from_estimator(search.fit(X, y))
    <...>
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        *,
        scores: pd.DataFrame,
        stds: pd.DataFrame,
        score_name: str = "score",
        greater_is_better: bool = True,
    ) -> None:
        self.scores = scores
        self.stds = stds
        self.score_name = score_name
        self.greater_is_better = greater_is_better

    @classmethod
    def from_estimator(
        cls,
        search: BaseEstimator,
        *,
        x: str | None = None,
        y: str | None = None,
        labels: Mapping[str, Sequence[str]] | None = None,
        metric: str | None = None,
        ax: Axes | None = None,
        **plot_options: Any,
    ) -> Self:
        """Plot the scores of a fitted search.

        If other parameters were searched too, each cell shows the best of its combinations.
        Scorers named ``"neg_..."`` are shown as errors, with the opposite sign.

        Parameters
        ----------
        search : GridSearchCV or RandomizedSearchCV
            Fitted; or a fitted Pipeline with one as its last step.
        x, y : str, default=None
            The parameters along the two axes, as named in the grid: ``"regressor__beta"`` for a
            step of a Pipeline. With `x` alone, a line. With neither, the one or two parameters
            that were searched; of more, ``"beta"`` and ``"bins"``.
        labels : mapping of str to sequence of str, default=None
            Labels for the values of a parameter, as in ``{"bins": ["coarse", "fine"]}``: numbers in
            increasing order, others in the order of the grid. None writes the values; bins are
            written as their number and their first and last description.
        metric : str, default=None
            Which score to show, if the search has several; None is the one used for refitting.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        **plot_options
            `cmap`, `im_kwargs` and `colorbar`, as in :meth:`plot`.

        Returns
        -------
        display : SearchDisplay

        Raises
        ------
        NotFittedError
            If the search is not fitted.
        TypeError
            If it is not a search.
        ValueError
            If a parameter was not searched, or not in all candidates; if more than two parameters
            were searched and `x` is not given; if there are too many or too few labels; if `metric`
            does not exist; if all fits failed; or for successive halving, where scores come from
            samples of different sizes.
        """
        search, _ = unwrap(cls, search, "a search, such as GridSearchCV", "cv_results_")
        results = search.cv_results_
        if "iter" in results:
            raise ValueError(
                "The scores of successive halving come from samples of different sizes, so they "
                "cannot be compared in one map. Use GridSearchCV or RandomizedSearchCV."
            )
        name, column = _metric(search, metric)
        sign = -1 if name.startswith("neg_") else 1
        x, y = _axes_of_plot(results, x, y)
        labels = _check_labels(labels, x, y)
        x_values, x_index = _values(results, x)
        y_values, y_index = ([""], [0] * len(x_index)) if y is None else _values(results, y)
        means, stds = _matrices(results, column, x_index, y_index)
        axes = {
            "index": pd.Index(_labels(y, labels.get(y), y_values), name=y),
            "columns": pd.Index(_labels(x, labels.get(x), x_values), name=x),
        }
        display = cls(
            scores=pd.DataFrame(sign * means, **axes),
            stds=pd.DataFrame(stds, **axes),
            score_name=name.removeprefix("neg_").replace("_", " "),
            greater_is_better=sign > 0,
        )
        return display.plot(ax, **plot_options)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        cmap: Colormap | None = None,
        im_kwargs: Keywords | None = None,
        colorbar: bool = True,
    ) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        cmap : str or matplotlib Colormap, default=None
            For a map. None uses viridis, reversed if needed so that the best is bright.
        im_kwargs : dict, default=None
            For a map: keywords for ``Axes.imshow``.
        colorbar : bool, default=True
            For a map: whether to draw a color bar.

        Returns
        -------
        display : SearchDisplay
        """
        if list(self.scores.index) == [""]:
            return self._plot_line(ax)
        scores, stds = self.scores.to_numpy(dtype=float), self.stds.to_numpy(dtype=float)
        n_rows, n_columns = scores.shape
        x_labels, y_labels = (
            [wrap(label) for label in labels] for labels in (self.scores.columns, self.scores.index)
        )
        width = max(1.1, label_width(x_labels)) * n_columns + label_width(y_labels) + 1.8
        ax = make_axes(self, ax, (width, max(2.4, 0.6 * n_rows + 1.2)))
        if cmap is None:
            cmap = "viridis" if self.greater_is_better else "viridis_r"
        sizes = np.abs(scores[np.isfinite(scores) & (scores != 0)])
        decimals = min(3, n_decimals(min(sizes, default=0)))
        texts = [
            [_cell(mean, std, decimals) for mean, std in zip(*row, strict=True)]
            for row in zip(scores, stds, strict=True)
        ]
        style = {"aspect": "auto", **(im_kwargs or {})}
        self.im_, self.text_ = draw_matrix(ax, scores, cmap=cmap, texts=texts, **style)
        best = np.nanargmax(scores if self.greater_is_better else -scores)
        row, column = np.unravel_index(best, scores.shape)
        self.frame_ = import_pyplot(self).Rectangle(
            (column - 0.5, row - 0.5),
            *(1, 1),
            fill=False,
            edgecolor="tab:red",
            linewidth=2.5,
            clip_on=False,
            zorder=3,  # above the lines of the axes
        )
        ax.add_patch(self.frame_)
        set_labels(ax.xaxis, x_labels)
        set_labels(ax.yaxis, y_labels)
        ax.set(xlabel=self.scores.columns.name, ylabel=self.scores.index.name)
        if colorbar:
            self.figure_.colorbar(self.im_, ax=ax, label=self.score_name)
        return self

    def _plot_line(self, ax):
        scores, stds = self.scores.iloc[0].to_numpy(float), self.stds.iloc[0].to_numpy(float)
        labels = [wrap(label) for label in self.scores.columns]
        width = max(4.8, max(0.9, label_width(labels)) * len(labels) + 1.2)
        ax = make_axes(self, ax, (width, 3.6))
        places = np.arange(len(scores))
        self.errorbar_ = ax.errorbar(places, scores, yerr=stds, marker="o", capsize=3)
        best = np.nanargmax(scores if self.greater_is_better else -scores)
        (self.best_,) = ax.plot(
            places[best], scores[best], "o", color="tab:red", markersize=9, label="best"
        )
        set_labels(ax.xaxis, labels)
        ax.set(xlabel=self.scores.columns.name, ylabel=self.score_name)
        ax.legend()
        return self


def _metric(search, metric):
    """Return the name of the metric and its suffix in ``cv_results_``."""
    prefix = "mean_test_"
    found = [name.removeprefix(prefix) for name in search.cv_results_ if name.startswith(prefix)]
    if found == ["score"] and metric is None:
        return (search.scoring if isinstance(search.scoring, str) else "score"), "score"
    if metric is None and isinstance(search.refit, str):
        metric = search.refit
    if metric not in found:
        raise ValueError(
            f"metric must be one of {found}, the scores of the search. Got {metric!r}."
        )
    return metric, metric


def _searched(results):
    return [name.removeprefix("param_") for name in results if name.startswith("param_")]


def _axes_of_plot(results, x, y):
    """Return the parameters along x and y; None along y for a line."""
    searched = _searched(results)
    if x is not None:
        return x, y
    if y is not None:
        raise ValueError(f"y={y!r} is given, but not x. Choose x from {searched}.")
    first = [name for end in ("beta", "bins") for name in searched if name.split("__")[-1] == end]
    searched = [*first, *(name for name in searched if name not in first)]
    if len(first) != 2 and len(searched) > 2:
        raise ValueError(
            f"The search is over {len(searched)} parameters: {searched}. Choose x, and y for a map."
        )
    return (*searched, None)[:2]


def _check_labels(labels, x, y):
    if labels is None:
        return {}
    if unknown := [name for name in labels if name not in (x, y)]:
        raise ValueError(
            f"labels has labels for the values of {unknown}, but the plot shows "
            f"{[name for name in (x, y) if name is not None]}."
        )
    return labels


def _values(results, parameter):
    """Return the distinct values of a parameter, and the index of each candidate's value."""
    if f"param_{parameter}" not in results:
        raise ValueError(
            f"{parameter!r} was not searched over. Choose x and y from {_searched(results)}."
        )
    candidates = results[f"param_{parameter}"]
    if np.ma.getmaskarray(candidates).any():
        raise ValueError(
            f"{parameter!r} was not searched over by all candidates, so it cannot be mapped. "
            "Include it in every grid of the list of grids."
        )
    candidates = candidates.tolist()
    values = []  # some, like dicts, can be compared but not hashed
    for value in candidates:
        if value not in values:
            values.append(value)
    if all(isinstance(value, (int, float)) for value in values):
        values.sort()
    return values, [values.index(value) for value in candidates]


def _matrices(results, metric, x_index, y_index):
    """Return mean and standard deviation of the best candidate of each cell; NaN if none."""
    means = np.full((max(y_index) + 1, max(x_index) + 1), np.nan)
    stds = means.copy()
    scores = results[f"mean_test_{metric}"], results[f"std_test_{metric}"]
    for cell, mean, std in zip(zip(y_index, x_index, strict=True), *scores, strict=True):
        if np.isnan(means[cell]) or mean > means[cell]:
            means[cell], stds[cell] = mean, std
    if np.isnan(means).all():
        raise ValueError("There are no scores: all fits of the search failed.")
    return means, stds


def _cell(mean, std, decimals):
    return "–" if np.isnan(mean) else f"{mean:.{decimals}f}\n± {std:.{decimals}f}"


def _labels(name, labels, values):
    if name is None or labels is None:
        return [_describe(value) for value in values]
    if len(labels) != len(values):
        raise ValueError(
            f"labels[{name!r}] must have one label for each of the {len(values)} values {values}. "
            f"Got {len(labels)}: {list(labels)}."
        )
    return list(labels)


def _describe(value):
    """Format the value of a parameter as a short label."""
    if isinstance(value, LinguisticBins):
        value = dict.fromkeys(value.descriptions)
    if isinstance(value, dict):
        return f"{len(value)}: {next(iter(value))} … {list(value)[-1]}"
    return f"{value:g}" if isinstance(value, float) else str(value)
