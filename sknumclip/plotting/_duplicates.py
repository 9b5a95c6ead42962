"""DuplicatesDisplay: images beside their copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from .._typing import Axes, Figure, ImagesOrFeatures
from ._pictures import check_columns, check_n_shown, draw_pictures, read_pictures

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DuplicatesDisplay"]


class DuplicatesDisplay:
    """Pairs of equal or nearly equal images, side by side.

    Create it with :meth:`from_duplicates`. All parameters are stored as attributes.

    Parameters
    ----------
    pairs : list of (image, image)
        PIL images or arrays.
    titles : list of (str, str)
        Titles of the images.

    Attributes
    ----------
    images_ : list of matplotlib AxesImage
        Two for each pair.
    axes_ : ndarray of matplotlib Axes
    ax_ : matplotlib Axes
        Invisible axes around the panels.
    figure_ : matplotlib Figure

    See Also
    --------
    sknumclip.inspection.find_duplicates : Returns the table of duplicates.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumclip.datasets import make_counting_images
    >>> from sknumclip.inspection import find_duplicates
    >>> from sknumclip.plotting import DuplicatesDisplay
    >>> X, y = make_counting_images(20, random_state=0)
    >>> X = np.concatenate([X, X[3:4, :, ::-1]])
    >>> DuplicatesDisplay.from_duplicates(find_duplicates(X, verbose=0), X)
    <...>
    """

    images_: list[Any]
    ax_: Axes
    figure_: Figure

    def __init__(
        self, *, pairs: Sequence[tuple[Any, Any]], titles: Sequence[tuple[str, str]]
    ) -> None:
        self.pairs = pairs
        self.titles = titles

    @classmethod
    def from_duplicates(
        cls,
        duplicates: pd.DataFrame,
        X: ImagesOrFeatures,
        X_other: ImagesOrFeatures | None = None,
        *,
        n_pairs: int = 8,
        ax: Axes | None = None,
        n_columns: int | None = None,
    ) -> Self:
        """Show the first rows of a table; sort or filter it to show others.

        Parameters
        ----------
        duplicates : DataFrame
            Result of :func:`sknumclip.inspection.find_duplicates`, or rows of it.
        X : images
            The images passed to `find_duplicates`.
        X_other : images, default=None
            The same, if the table is across a split.
        n_pairs : int, default=8
            Number of pairs to show, at most 60.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        n_columns : int, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : DuplicatesDisplay

        Raises
        ------
        TypeError
            If `duplicates` is not such a table, or X is features.
        ValueError
            If it has no rows, or X has too few images for it.
        """
        columns = ("position", "duplicate_position", "kind", "similarity")
        check_columns(cls, duplicates, columns, "find_duplicates")
        check_n_shown("n_pairs", n_pairs)
        shown = duplicates.head(n_pairs)
        first = read_pictures(X, shown["position"].tolist())
        second = read_pictures(
            X if X_other is None else X_other, shown["duplicate_position"].tolist()
        )
        titles = [_titles(row) for row in shown.to_dict(orient="records")]
        display = cls(pairs=list(zip(first, second, strict=True)), titles=titles)
        return display.plot(ax, n_columns=n_columns)

    def plot(self, ax: Axes | None = None, *, n_columns: int | None = None) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None makes a figure.
        n_columns : int, default=None
            Number of pairs side by side; None is two.

        Returns
        -------
        display : DuplicatesDisplay
        """
        draw_pictures(self, ax, self.pairs, self.titles, n_columns)
        return self


def _titles(row):
    mirrored = ", mirrored" if row.get("is_mirrored") else ""
    kind = f"{row['kind']}{mirrored}"
    if row["kind"] != "identical":
        kind += f" ({row['similarity']:.3f})"
    titles = [f"{row['position']}", f"{row['duplicate_position']}: {kind}"]
    for name in ("label", "group"):
        if name in row:
            titles[0] += f"\n{name} {_short(row[name])}"
            titles[1] += f"\n{name} {_short(row[f'duplicate_{name}'])}"
    return tuple(titles)


def _short(value):
    return f"{value:g}" if isinstance(value, float) else value
