"""LabelErrorsDisplay: images with labels that are likely wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from .._typing import Axes, Figure, ImagesOrFeatures
from ._axes import n_decimals
from ._pictures import check_columns, check_n_shown, draw_pictures, read_pictures

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LabelErrorsDisplay"]


class LabelErrorsDisplay:
    """Images with labels that are most likely wrong, and their predictions.

    Create it with :meth:`from_label_errors`. All parameters are stored as attributes.

    Parameters
    ----------
    pictures : list of PIL.Image.Image or ndarray
    titles : list of str
        Titles of the images.

    Attributes
    ----------
    images_ : list of matplotlib AxesImage
        One for each image.
    axes_ : ndarray of matplotlib Axes
    ax_ : matplotlib Axes
        Invisible axes around the panels.
    figure_ : matplotlib Figure

    See Also
    --------
    sknumclip.inspection.find_label_errors : Returns the table of label errors.

    Examples
    --------
    >>> from sknumclip import NumCLIPRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> from sknumclip.inspection import find_label_errors
    >>> from sknumclip.plotting import LabelErrorsDisplay
    >>> X, y = make_counting_images(40, random_state=0)
    >>> reg = NumCLIPRegressor(2, model_name="tiny", fine_tune="none", max_epochs=2, verbose=0)
    >>> LabelErrorsDisplay.from_label_errors(find_label_errors(reg, X, y), X)
    <...>
    """

    images_: list[Any]
    ax_: Axes
    figure_: Figure

    def __init__(self, *, pictures: Sequence[Any], titles: Sequence[str]) -> None:
        self.pictures = pictures
        self.titles = titles

    @classmethod
    def from_label_errors(
        cls,
        label_errors: pd.DataFrame,
        X: ImagesOrFeatures,
        *,
        n_images: int = 12,
        ax: Axes | None = None,
        n_columns: int | None = None,
    ) -> Self:
        """Show the first rows of a table.

        Parameters
        ----------
        label_errors : DataFrame
            Result of :func:`sknumclip.inspection.find_label_errors`, or rows of it.
        X : images
            The images passed to `find_label_errors`; if it got embeddings, their images.
        n_images : int, default=12
            Number of images to show, at most 60.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        n_columns : int, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : LabelErrorsDisplay

        Raises
        ------
        TypeError
            If `label_errors` is not such a table, or X is features.
        ValueError
            If it has no rows, or X has too few images for it.
        """
        check_columns(cls, label_errors, ("label", "prediction", "score"), "find_label_errors")
        check_n_shown("n_images", n_images)
        shown = label_errors.head(n_images)
        decimals = n_decimals(shown["prediction"].abs().max())
        titles = [
            f"{row.Index}: labeled {row.label:g}\npredicted {row.prediction:.{decimals}f}"
            f"\nscore {row.score:.2f}"
            for row in shown.itertuples()
        ]
        display = cls(pictures=read_pictures(X, shown.index.tolist()), titles=titles)
        return display.plot(ax, n_columns=n_columns)

    def plot(self, ax: Axes | None = None, *, n_columns: int | None = None) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None makes a figure.
        n_columns : int, default=None
            Number of images side by side; None is four.

        Returns
        -------
        display : LabelErrorsDisplay
        """
        groups = [[picture] for picture in self.pictures]
        draw_pictures(self, ax, groups, [[title] for title in self.titles], n_columns)
        return self
