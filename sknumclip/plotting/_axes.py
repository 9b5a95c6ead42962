"""Helpers for displays: importing matplotlib, axes, panels, matrices, labels, checks."""

from __future__ import annotations

import math
import textwrap

import numpy as np
from numpy.typing import NDArray

from .._numbers import as_float64, refuse_mask
from .._typing import Axes

_MAX_LABELS = 20  # with more along one axis, labels overlap
_MAX_CELLS_WITH_TEXT = 150
_MAX_LINE = 40  # characters


def import_pyplot(display):
    """Import matplotlib, or raise ImportError with the command to install it.

    Parameters
    ----------
    display : object
        The display that needs it, for the message.

    Returns
    -------
    module
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{type(display).__name__}.plot needs matplotlib: pip install 'sknumclip[plot]'."
        ) from error
    return plt


def check_finite(name, values) -> NDArray[np.float64]:
    """Return `values` as an array of float64; raise ValueError if some are NaN or infinite."""
    refuse_mask(name, values)
    values = as_float64(values)
    bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
    if len(bad):
        raise ValueError(
            f"{name} has NaN or infinite values for {len(bad)} of {len(values)} samples (the first "
            f"at {bad[:5].tolist()}), for example for unreadable images. Leave them out."
        )
    return values


def make_axes(display, ax, figsize) -> Axes:
    """Return `ax`, or the axes of a new figure, and store them in the display."""
    plt = import_pyplot(display)
    if ax is None:
        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    display.ax_, display.figure_ = ax, ax.figure
    return ax


def make_panels(display, ax, n_rows, n_columns, *, figsize, gridspec_kw=None):
    """Divide `ax`, or a new figure, into panels.

    Parameters
    ----------
    display : object
        Gets the attributes ``ax_``, ``figure_`` and ``axes_``.
    ax : matplotlib Axes or None
    n_rows, n_columns : int
    figsize : tuple of float
        Size of a new figure, in inches.
    gridspec_kw : dict, default=None
        Option of ``Figure.subplots``.

    Returns
    -------
    ndarray of matplotlib Axes of shape (n_rows, n_columns)
    """
    ax = make_axes(display, ax, figsize)
    if ax.get_subplotspec() is None:
        raise ValueError(
            "ax must be made by plt.subplots or figure.add_subplot, so that it can be divided into "
            "panels. Got axes at a free position."
        )
    ax.set_axis_off()
    # Unlike a nested grid, a subfigure keeps its distance from its neighbors.
    panels = ax.figure.add_subfigure(ax.get_subplotspec())
    display.axes_ = panels.subplots(n_rows, n_columns, squeeze=False, gridspec_kw=gridspec_kw)
    return display.axes_


def draw_matrix(ax, values, *, cmap, texts=None, **kwargs):
    """Draw a matrix in colors, with text in the cells if it is small enough.

    Parameters
    ----------
    ax : matplotlib Axes
    values : ndarray of shape (n_rows, n_columns)
        NaN for missing values.
    cmap : str or matplotlib Colormap
    texts : array-like of str of shape (n_rows, n_columns), default=None
        Text of the cells; None writes the values with two decimals.
    **kwargs
        Options of ``imshow``.

    Returns
    -------
    image : matplotlib AxesImage
    texts : list of matplotlib Text
        Row by row; empty for large matrices.
    """
    image = ax.imshow(np.ma.masked_invalid(values), cmap=cmap, **kwargs)
    if values.size > _MAX_CELLS_WITH_TEXT:
        return image, []
    if texts is None:
        texts = [[f"{value:.2f}" for value in row] for row in values]
    drawn = []
    for (row, column), value in np.ndenumerate(values):
        red, green, blue, _ = image.cmap(image.norm(value)) if np.isfinite(value) else (1,) * 4
        is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        color = "white" if is_dark else "black"
        style = dict(ha="center", va="center", color=color)
        drawn.append(ax.text(column, row, texts[row][column], **style))
    return image, drawn


def set_labels(axis, labels, **kwargs):
    """Label the positions 0, 1, ... of a matplotlib Axis or Colorbar; skip some if too many."""
    shown = range(0, len(labels), math.ceil(len(labels) / _MAX_LABELS))
    axis.set_ticks(list(shown), labels=[labels[i] for i in shown], **kwargs)


def wrap(text):
    """Break a very long description into lines."""
    return textwrap.fill(str(text), _MAX_LINE)


def label_width(labels):
    """Return the width in inches of the longest line of labels at font size 10."""
    return 0.08 * max(len(line) for label in labels for line in label.split("\n"))


def n_decimals(scale):
    """Return the number of decimals that show a number of size `scale` with three digits."""
    return max(0, 2 - math.floor(math.log10(scale))) if scale > 0 else 0
