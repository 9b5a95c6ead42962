"""Grids of images with titles, for DuplicatesDisplay and LabelErrorsDisplay."""

from __future__ import annotations

import math

from ..estimators.input_types import as_images
from ..images.reading import read_thumbnail
from ._axes import make_panels, wrap

__all__ = ["check_columns", "draw_pictures", "read_pictures"]

_SIDE = 160  # pixels


def check_columns(display, table, columns, made_by):
    """Raise unless `table` is a result of the function `made_by` with at least one row."""
    if not hasattr(table, "columns") or not set(columns) <= set(table.columns):
        raise TypeError(
            f"{display.__name__} needs the result of inspection.{made_by}. Got "
            f"{type(table).__name__}."
        )
    if not len(table):
        raise ValueError("There is nothing to show: the table has no rows.")


def check_n_shown(name, value):
    """Raise ValueError unless `value` is an int from 1 to 60."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 60:
        raise ValueError(f"{name} must be an int from 1 to 60. Got {name}={value!r}.")


def read_pictures(X, positions):
    """Read images of X as thumbnails, a list of PIL.Image.Image."""
    images = as_images(X)
    if images is None:
        raise TypeError("There are no images to show: X is features. Pass the images.")
    if len(positions) and max(positions) >= len(images):
        raise ValueError(
            f"The table refers to at least {max(positions) + 1} images, but X has {len(images)}. "
            "Pass the X that the table was made from."
        )
    return [read_thumbnail(images.items[i], _SIDE) for i in positions]


def draw_pictures(display, ax, rows, titles, n_columns):
    """Draw groups of images, `n_columns` groups side by side.

    Parameters
    ----------
    display : object
        Gets the attributes ``axes_``, ``ax_``, ``figure_`` and ``images_``.
    ax : matplotlib Axes or None
    rows : list of lists of images
        The groups, all of the same length.
    titles : list of lists of str
        Title of each image.
    n_columns : int or None
        None is up to two pairs, or up to four single images, side by side.
    """
    width = len(rows[0])
    if n_columns is None:
        n_columns = min(len(rows), 4 // width)
    if not isinstance(n_columns, int) or isinstance(n_columns, bool) or n_columns < 1:
        raise ValueError(f"n_columns must be an int of at least 1. Got {n_columns!r}.")
    n_rows = math.ceil(len(rows) / n_columns)
    titles = [["\n".join(map(wrap, text.split("\n"))) for text in group] for group in titles]
    lines = max(text.count("\n") + 1 for group in titles for text in group)
    size = (2.4 * width * n_columns, (1.9 + 0.2 * lines) * n_rows)
    panels = make_panels(display, ax, n_rows, width * n_columns, figsize=size)
    display.images_ = []
    for panel in panels.flat:
        panel.set_axis_off()
    for group, texts, places in zip(rows, titles, panels.reshape(-1, width), strict=False):
        for picture, text, panel in zip(group, texts, places, strict=True):
            display.images_.append(panel.imshow(picture))
            panel.set_title(text, fontsize=9)
