"""find_duplicates(): images that occur more than once, within a data set or across a split."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pandas.api.types import is_number
from sklearn.utils import check_array

from .._typing import CV, ImagesOrFeatures, OnError
from ..estimators.input_types import as_images
from ._checks import check_choice, check_column, splits_of
from ._nearest import labels_of
from ._pairs import best_match, clusters_of, distinct_rows, forest, normalized, similar_pairs
from ._pictures import best_alignment, likely_pairs, read_thumbnails

__all__ = ["find_duplicates"]

# Thresholds of similarity, measured on faces and drawn shapes: re-encoded and resized images have
# at least 0.996, images cropped by up to 5 % of each side at least 0.965, and different faces at
# most 0.948 in 4.7 million pairs.
_PICTURES = {"same": 0.99, "near": 0.955}
_EMBEDDINGS = {"same": 0.999, "near": 0.98}


def find_duplicates(
    X: ImagesOrFeatures,
    X_other: ImagesOrFeatures | None = None,
    *,
    y: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    cv: CV | None = None,
    threshold: Literal["same", "near"] | float = "near",
    on_error: OnError = "raise",
    verbose: int = 1,
) -> pd.DataFrame:
    """Find images that occur more than once, within X or across a split.

    Images are compared by their pixels, small and in gray, not by CLIP embeddings: those of two
    people of the same age can be closer than those of a face and its mirror image. No model is
    needed. If X is embeddings, they are compared by cosine similarity.

    Parameters
    ----------
    X : images as for :class:`~sknumclip.NumCLIPRegressor`, or array of shape \
            (n_samples, n_features)
        Images or embeddings.
    X_other : of the same kind as X, default=None
        The other part of a split, for example the test images. Then only pairs of one image of X
        and one of `X_other` are reported. None searches within X.
    y : array-like of shape (n_samples,), default=None
        Labels of X. If copies have different labels, one of them is wrong.
    groups : array-like of shape (n_samples,), default=None
        The group of each image, for example the person, as for ``GroupKFold``.
    cv : int, splitter, iterable of (train, test) or ndarray of fold numbers, default=None
        How X will be split. An int is the number of folds, as for scikit-learn.
    threshold : {"same", "near"} or float, default="near"
        ``"same"``: the same image, re-encoded or resized. ``"near"``: also mirrored, or cropped by
        up to 5 % of each side. A number is the minimum similarity, above 0 and at most 1. Nearly
        empty images may be near without being copies.
    on_error : {"raise", "skip"}, default="raise"
        What to do with unreadable images: raise one error that lists all of them, or leave them out
        and list them in ``attrs["unreadable"]`` of the result.
    verbose : int, default=1
        0 is silent; 1 shows a progress bar.

    Returns
    -------
    DataFrame
        One row for each image that is a copy of another one, so that dropping every ``duplicate``
        leaves one image of each cluster. The most similar come first. Columns:

        - ``image``, ``duplicate``: path, or position if there is no path; with `X_other`, the
          duplicate is one of those images
        - ``position``, ``duplicate_position``: their positions in X (or `X_other`)
        - ``kind``: "identical" (same pixels), "same" or "near"
        - ``is_mirrored``: whether one is the mirror image of the other
        - ``similarity``: at most 1
        - ``cluster``: number of the cluster of copies (without `X_other`)
        - ``label``, ``duplicate_label``: if `y` was passed
        - ``group``, ``duplicate_group``, ``is_group_leak``: if `groups` were passed; the last is
          True if the copies are in two groups, so that splitting by groups does not separate them
        - ``n_leaks``: if `cv` was passed; number of its splits with one of the two in the training
          set and the other in the test set

    Raises
    ------
    ImageReadError
        If images cannot be read and ``on_error="raise"``.
    ValueError
        If a parameter is invalid, or lengths differ.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumclip.datasets import make_counting_images
    >>> from sknumclip.inspection import find_duplicates
    >>> X, y = make_counting_images(20, random_state=0)
    >>> X = np.concatenate([X, X[3:4], X[5:6, :, ::-1]])
    >>> found = find_duplicates(X, verbose=0)
    >>> found[["image", "duplicate", "kind", "is_mirrored"]]
       image  duplicate       kind  is_mirrored
    0      3         20  identical        False
    1      5         21       near         True
    """
    check_choice("on_error", on_error, {"raise", "skip"})
    if X_other is not None and not (y is None and groups is None and cv is None):
        raise ValueError(
            "y, groups and cv describe X alone, but with X_other the split is X and X_other. Leave "
            "out either X_other, or y, groups and cv."
        )
    if isinstance(X_other, (list, np.ndarray, pd.Series)) and all(map(is_number, X_other)):
        raise TypeError(
            "X_other must be the images or embeddings of the other part of a split. Got numbers. "
            "Labels are y=: find_duplicates(X, y=y)."
        )
    images, others = as_images(X), None if X_other is None else as_images(X_other)
    if X_other is not None and (images is None) != (others is None):
        raise ValueError("X and X_other must both be images or both be embeddings.")
    columns = {
        name: check_column(name, values, len(X))
        for name, values in (("label", y), ("group", groups))
        if values is not None
    }
    leaks = None if cv is None else splits_of(cv, len(X), y, groups)
    _least(threshold, _PICTURES)
    if images is None:
        least = _least(threshold, _EMBEDDINGS)
        table, unreadable = _of_embeddings(X, X_other, least), {}
    else:
        table, unreadable = _of_pictures(images, others, threshold, on_error, verbose)
    names = images, images if others is None else others
    return _report(table, names, columns, leaks, unreadable, len(X), X_other is None)


def _least(threshold, known):
    if isinstance(threshold, str) and threshold in known:
        return known[threshold]
    is_real = isinstance(threshold, Real) and not isinstance(threshold, bool)
    if is_real and 0 < threshold <= 1:
        return float(threshold)
    raise ValueError(
        "threshold must be 'same', 'near' or a similarity above 0 and at most 1. Got "
        f"threshold={threshold!r}."
    )


# ------------------------------------------------------------------------------------------- pairs


def _of_embeddings(X, X_other, least):
    rows = normalized(check_array(X, dtype=np.float32, input_name="X"))
    if X_other is None:
        first = distinct_rows(rows)
        kept = np.unique(first)
        pairs, similarity = similar_pairs(rows[kept], least)
        copies = np.flatnonzero(first != np.arange(len(rows)))
        pairs = np.concatenate([kept[pairs], np.column_stack([first[copies], copies])])
        similarity = np.concatenate([similarity, np.ones(len(copies), np.float32)])
        others = rows
    else:
        others = normalized(check_array(X_other, dtype=np.float32, input_name="X_other"))
        if others.shape[1] != rows.shape[1]:
            raise ValueError(
                f"X has {rows.shape[1]} features and X_other {others.shape[1]}: embed both with "
                "the same model."
            )
        pairs, similarity = best_match(rows, others, least)
    identical = (rows[pairs[:, 0]] == others[pairs[:, 1]]).all(axis=1)
    kind = np.where(similarity >= _EMBEDDINGS["same"], "same", "near")
    return _table(pairs, np.where(identical, "identical", kind), False, similarity)


def _of_pictures(images, others, threshold, on_error, verbose):
    thumbnails, unreadable = read_thumbnails(images, on_error, verbose)
    known = np.setdiff1d(np.arange(len(images)), list(unreadable))
    unreadable = {images.name(i): why for i, why in sorted(unreadable.items())}
    if others is None:
        first = known[distinct_rows(thumbnails[known])]
        kept = np.unique(first)
        copies = known[first != known]
        table = pd.concat(
            [
                _compare(thumbnails, kept, thumbnails, kept, threshold),
                _table(np.column_stack([first[first != known], copies]), "same", False, 1.0),
            ]
        )
        table = _connected(len(images), table)
        other_images = images
    else:
        other_thumbnails, failed = read_thumbnails(others, on_error, verbose)
        kept = np.setdiff1d(np.arange(len(others)), list(failed))
        unreadable |= {others.name(i): why for i, why in sorted(failed.items())}
        table = _compare(thumbnails, known, other_thumbnails, kept, threshold)
        table = table.sort_values("similarity", ascending=False, kind="stable")
        table = table.drop_duplicates("j")
        other_images = others
    return _mark_identical(table, images, other_images), unreadable


def _compare(thumbnails, known, other_thumbnails, others, threshold):
    """Find likely pairs, then compare them in detail."""
    if not (len(known) and len(others)):
        return _table(np.empty((0, 2), dtype=int), "near", False, np.empty(0))
    pairs, mirrored = likely_pairs(thumbnails[known], other_thumbnails[others])
    pairs = np.column_stack([known[pairs[:, 0]], others[pairs[:, 1]]])
    if thumbnails is other_thumbnails:
        pairs = np.sort(pairs, axis=1)
        _, once = np.unique(np.column_stack([pairs, mirrored]), axis=0, return_index=True)
        once = once[pairs[once, 0] != pairs[once, 1]]
        pairs, mirrored = pairs[once], mirrored[once]
    plain, aligned = np.empty(len(pairs), np.float32), np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), 8192):
        part = slice(start, start + 8192)
        b = other_thumbnails[pairs[part, 1]]
        b = np.where(mirrored[part, None, None], b[:, :, ::-1], b)
        plain[part], aligned[part] = best_alignment(thumbnails[pairs[part, 0]], b)
    least = _least(threshold, _PICTURES)
    is_same = (plain >= _PICTURES["same"]) & ~mirrored
    found = is_same if threshold == "same" else aligned >= least
    kind = np.where(is_same, "same", "near")
    return _table(pairs[found], kind[found], mirrored[found], aligned[found])


def _table(pairs, kind, is_mirrored, similarity):
    columns = {"i": pairs[:, 0], "j": pairs[:, 1], "kind": kind, "is_mirrored": is_mirrored}
    table = pd.DataFrame({**columns, "similarity": similarity})
    return table.astype({"kind": object, "is_mirrored": bool, "similarity": float})


def _connected(n, table):
    """Keep only enough pairs to connect each cluster."""
    best = table.sort_values("similarity", ascending=False, kind="stable")
    best = best.drop_duplicates(["i", "j"])
    pairs, _ = forest(n, best[["i", "j"]].to_numpy(dtype=np.int64), best["similarity"].to_numpy())
    return pd.DataFrame(pairs, columns=["i", "j"]).merge(best, on=["i", "j"])


def _mark_identical(table, images, others):
    table = table.reset_index(drop=True)
    for row in np.flatnonzero((table["similarity"] > 0.9999) & (table["kind"] == "same")).tolist():
        i, j = table.loc[row, ["i", "j"]]
        if np.array_equal(np.asarray(images.read(i)), np.asarray(others.read(j))):
            table.loc[row, "kind"] = "identical"
    return table


# ------------------------------------------------------------------------------------------ report


def _report(table, names, columns, leaks, unreadable, n, is_within):
    table["similarity"] = table["similarity"].clip(upper=1.0)
    kinds = pd.Categorical(table["kind"], ["identical", "same", "near"])
    table = table.assign(rank=kinds.codes).sort_values(
        ["rank", "similarity", "i", "j"], ascending=[True, False, True, True], ignore_index=True
    )
    i, j = table["i"].to_numpy(dtype=int), table["j"].to_numpy(dtype=int)
    result = pd.DataFrame(
        {
            "image": labels_of(names[0], i),
            "duplicate": labels_of(names[1], j),
            "position": i,
            "duplicate_position": j,
            "kind": table["kind"].astype(str),
            "is_mirrored": table["is_mirrored"],
            "similarity": table["similarity"],
        }
    )
    if is_within:
        cluster = clusters_of(n, np.column_stack([i, j]))[i]
        result["cluster"] = pd.factorize(cluster)[0]
    for name, values in columns.items():
        result[name], result[f"duplicate_{name}"] = values[i], values[j]
    if "group" in columns:
        result["is_group_leak"] = result["group"] != result["duplicate_group"]
    if leaks is not None:
        result["n_leaks"] = _n_leaks(leaks, i, j, n)
    result.attrs["unreadable"] = unreadable
    return result


def _n_leaks(splits, i, j, n):
    count = np.zeros(len(i), dtype=int)
    for train, test in splits:
        trained, tested = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        trained[train], tested[test] = True, True
        count += (trained[i] & tested[j]) | (tested[i] & trained[j])
    return count
