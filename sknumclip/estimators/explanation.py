"""Explanation: a DataFrame of explained predictions, shown as sentences in a notebook."""

from __future__ import annotations

import base64
import io
import os
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from .._html import Markup, table_html
from .._typing import FloatArray, ImagesOrFeatures
from ..bins import LinguisticBins
from ..images.reading import Images, read_thumbnail

__all__ = ["Explanation", "explain_outputs"]

_THUMBNAIL_SIDE = 64  # pixels


class Explanation(pd.DataFrame):
    """A DataFrame with one row per image, shown with thumbnails and sentences in a notebook.

    The estimators' ``explain`` returns it; their docstrings list the columns. Filter and sort it
    like any DataFrame. Images are opened only for display, and only for the rows that pandas would
    show (``display.max_rows``).
    """

    # pandas passes these on to slices and copies.
    _metadata = ["_images", "_training"]
    # Images without a path, by index label; None if there are no images.
    _images: dict[Any, Any] | None = {}
    _training: Images | None = None  # the training images that neighbors refer to

    @property
    def _constructor(self):
        return Explanation

    def __getstate__(self):
        without_pixels = None if self._images is None else {}
        return {**super().__getstate__(), "_images": without_pixels, "_training": None}

    def __repr__(self):
        """Show all columns, and paths in full, however narrow the terminal is."""
        with pd.option_context("display.max_columns", None, "display.max_colwidth", None):
            return super().__repr__()

    def sentences(self) -> pd.Series:
        """Describe each row in a sentence.

        Returns
        -------
        Series of str
            Like "most like ‘teenager’ (13–19, 62 %), moved up by 1.2; averaged over all bins →
            18.6"; "cannot be read" for images without a prediction.

        Raises
        ------
        KeyError
            If ``concept``, ``probability`` or ``prediction`` is no longer among the columns.
        """
        digits = self._n_decimals()
        words = [_sentence(row, digits) for row in self.to_dict(orient="records")]
        return _Sentences(words, index=self.index, dtype=object)

    def _n_decimals(self):
        """Number of decimals that shows about a hundredth of the narrowest bin."""
        if not {"low", "high"} <= set(self.columns) or not (self["high"] > self["low"]).any():
            return 2
        return max(0, 2 - round(np.log10((self["high"] - self["low"]).min())))

    def _repr_html_(self):
        if not {"concept", "probability", "prediction"} <= set(self.columns):
            return super()._repr_html_()  # the columns were changed
        shown = self.head(_n_shown(len(self)))
        paths = shown["path"] if "path" in shown else [None] * len(shown)
        rows = [
            (thumbnail, label, sentence + problem)
            for (label, sentence), path in zip(shown.sentences().items(), paths, strict=True)
            for thumbnail, problem in [self._thumbnail(label, path)]
        ]
        header = ["image", "name", "explanation"]
        if "neighbors" in self:
            header.append("nearest training images")
            cells = map(self._neighbors_html, shown["neighbors"])
            rows = [(*row, cell) for row, cell in zip(rows, cells, strict=True)]
        table = table_html(header, rows)
        hidden = len(self) - len(shown)
        return table + Markup(f"<p>… and {hidden} more</p>" if hidden else "")

    def _thumbnail(self, label, path):
        """Return the HTML of the thumbnail, and the reason if there is none."""
        if isinstance(path, str):
            return _img(path)
        # A RangeIndex comes from reset_index, so its labels no longer identify images.
        if label not in (self._images or {}) or isinstance(self.index, pd.RangeIndex):
            return "", ""
        return _img(self._images[label])

    def _neighbors_html(self, neighbors):
        """Return the thumbnails of training images, each with its label."""
        cells = []
        for image, label, _ in neighbors if isinstance(neighbors, tuple) else ():
            source = image
            if not isinstance(image, str):
                source = None if self._training is None else self._training.items[image]
            thumbnail = "" if source is None else _img(source)[0]
            cells.append(thumbnail + Markup(escape("" if label is None else f" {label} ")))
        return Markup(" ".join(cells))


class _Sentences(pd.Series):
    """A Series of strings that are shown in full."""

    def __repr__(self):
        with pd.option_context("display.max_colwidth", None):
            return super().__repr__()


def _img(source):
    """Return the HTML of a thumbnail, and the reason if there is none."""
    try:
        image = read_thumbnail(source, _THUMBNAIL_SIDE)
    except Exception as error:  # Pillow's readers may raise anything
        return "", f" ({error})"
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return Markup(f'<img src="data:image/jpeg;base64,{data}" alt="">'), ""


def _n_shown(n_rows):
    """Number of rows to show, like pandas: min_rows if there are more than max_rows."""
    most = pd.get_option("display.max_rows")
    if not most or n_rows <= most:
        return n_rows
    return min(most, pd.get_option("display.min_rows") or most)


def _sentence(row, digits):
    if pd.isna(row["concept"]):
        return "cannot be read"
    details = [f"{row['probability']:.0%}".replace("%", " %")]
    if {"low", "high"} <= set(row):
        details.insert(0, f"{_short(row['low'], digits)}–{_short(row['high'], digits)}")
    parts = [f"most like ‘{row['concept']}’ ({', '.join(details)})"]
    if "shift" in row:
        parts.append(_movement(row["shift"], digits) + "; averaged over all bins")
    if "rank" in row:
        parts.append(f"rank {row['rank']:.{digits}f}")
    outcome = row["prediction"]
    if isinstance(outcome, float):
        outcome = f"{outcome:.{digits}f}"
    return f"{', '.join(parts)} → {outcome}"


def _short(number, digits):
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _movement(shift, digits):
    amount = f"{abs(shift):.{digits}f}"
    if float(amount) == 0:
        return "not moved"
    return f"moved {'up' if shift > 0 else 'down'} by {amount}"


def explain_outputs(
    X: ImagesOrFeatures,
    images: Images | None,
    bins: LinguisticBins,
    y_pred: FloatArray,
    proba: FloatArray,
    centers: FloatArray,
) -> Explanation:
    """Make the table for :meth:`~sknumclip.NumCLIPRegressor.explain`.

    Parameters
    ----------
    X : as passed to ``explain``
    images : Images or None
        X as images; None if X is features.
    bins : LinguisticBins
    y_pred : ndarray of shape (n_samples,)
    proba : ndarray of shape (n_samples, n_bins)
    centers : ndarray of shape (n_samples, n_bins)
        Centers of the bins after the shift.

    Returns
    -------
    Explanation
    """
    unread = np.isnan(y_pred)
    winner = np.where(unread[:, None], 0, proba).argmax(axis=1)
    samples = np.arange(len(winner))
    labels = None if images is None else [images.label(i) for i in samples.tolist()]
    index: list[Any] | pd.Index | None = None
    if isinstance(X, (pd.DataFrame, pd.Series)) and all(isinstance(k, str) for k in labels or ()):
        index = X.index  # so that a column of labels can be added
    elif labels is not None:
        index = [os.path.basename(label) if isinstance(label, str) else label for label in labels]
    table = Explanation(
        {
            "concept": np.array(bins.descriptions, dtype=object)[winner],
            "low": np.array(bins.edges[:-1])[winner],
            "high": np.array(bins.edges[1:])[winner],
            "probability": proba[samples, winner],
            "shift": centers[samples, winner] - np.array(bins.centers)[winner],
            "prediction": y_pred,
        },
        index=index,
    ).mask(np.tile(unread[:, None], 6))
    table._images = None
    if images is not None and labels is not None:
        paths = [label if isinstance(label, str) else None for label in labels]
        table._images = {i: images.items[i] for i, path in enumerate(paths) if path is None}
        if any(path is not None for path in paths):
            table["path"] = np.array(paths, dtype=object)
    return table
