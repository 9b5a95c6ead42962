"""Cross-validation splitters: FewShotSplit and DistributionShiftSplit.

Pass them to scikit-learn as ``cv=``. They take the training and test parts of another splitter, of
published folds or of a published split, and keep the whole test part but only some samples of the
training part.
"""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.model_selection import (
    BaseCrossValidator,
    GroupKFold,
    KFold,
    PredefinedSplit,
    check_cv,
)
from sklearn.utils import check_random_state, column_or_1d

from .._numbers import refuse_mask
from .._typing import CV, IntArray, RandomState
from ._subsets import check_int, distribution_shift, draw_per_label, warn_about_rare_labels

__all__ = ["DistributionShiftSplit", "FewShotSplit"]


class _TrainingSubsetSplit(BaseCrossValidator):
    """Base class: parts of another splitter; ``_choose(y, seed)`` selects training samples."""

    def __init__(self, cv: CV, n_repeats: int, random_state: RandomState) -> None:
        self.cv = cv
        self.n_repeats = n_repeats
        self.random_state = random_state

    def split(
        self, X: Any, y: ArrayLike, groups: ArrayLike | None = None
    ) -> Iterator[tuple[IntArray, IntArray]]:
        """Yield train and test indices, one repeat after another.

        Parameters
        ----------
        X : array-like of length n_samples
            Only its length matters, unless `cv` uses its content.
        y : array-like of shape (n_samples,)
            Labels.
        groups : array-like of shape (n_samples,), default=None
            For `cv`. With an int `cv` a group is never in both parts.

        Yields
        ------
        train, test : ndarray of int
            Indices of the samples.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} draws by label: pass y to split.")
        refuse_mask("y", y)
        y = np.asarray(column_or_1d(y))
        # Split once, so that repeats differ in the drawn samples but not in the test parts.
        outer = self._outer(y, groups).split(X, y, groups)
        folds = [(_indices(train, len(y)), _indices(test, len(y))) for train, test in outer]
        for train, _ in folds:
            self._prepare(y[train])
        # The seeds depend only on random_state, so that compared models get the same draws.
        largest = np.iinfo(np.int32).max
        seeds = check_random_state(self.random_state).randint(largest, size=self.n_repeats)
        for seed in seeds:
            for train, test in folds:
                yield train[self._choose(y[train], seed)], test

    def get_n_splits(
        self, X: Any = None, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of splits: repeats times folds.

        Parameters
        ----------
        X, y, groups : object, default=None
            As in :meth:`split`, for splitters that need them to count their folds.

        Returns
        -------
        int
        """
        return self.n_repeats * self._outer(y, groups).get_n_splits(X, y, groups)

    def _outer(self, y, groups):
        """Return the splitter for `cv`."""
        check_int("n_repeats", self.n_repeats)
        if isinstance(self.cv, Integral):
            return KFold(self.cv) if groups is None else GroupKFold(self.cv)
        if isinstance(self.cv, (np.ndarray, pd.Series)) and self.cv.ndim == 1:
            return _as_published(np.asarray(self.cv), y)
        if hasattr(self.cv, "__next__"):
            raise ValueError(f"cv is used more than once, so make it a list. Got {self.cv!r}.")
        return check_cv(self.cv)

    def _prepare(self, y):
        """Check the labels of a training part before drawing from it."""


def _indices(part, n):
    """Return the sample indices of a part given by indices or by a mask."""
    part = np.asarray(part)
    if part.dtype.kind != "b":
        return part
    if part.shape != (n,):
        raise ValueError(
            f"A mask in cv must have one bool for each of the {n} samples. Got shape {part.shape}."
        )
    return np.flatnonzero(part)


def _as_published(parts, y):
    """Return a splitter for published fold numbers, or for parts named "train" and "test"."""
    if y is not None and len(parts) != len(y):
        raise ValueError(f"cv has {len(parts)} folds, one for each sample, but y has {len(y)}.")
    if parts.dtype.kind in "iu":
        return PredefinedSplit(parts)
    if parts.dtype.kind == "b":
        raise ValueError(
            "cv is an array of True and False, so it is unclear which are for training. Use "
            "np.where(cv, 'train', 'test') or np.where(cv, 'test', 'train')."
        )
    train, test = np.flatnonzero(parts == "train"), np.flatnonzero(parts == "test")
    if not (len(train) and len(test)):
        raise ValueError(
            "An array as cv must contain fold numbers (int), or names of parts, of which some are "
            f"'train' and some 'test'. Got {sorted(set(map(str, parts)))[:5]}."
        )
    return check_cv([(train, test)])


class FewShotSplit(_TrainingSubsetSplit):
    """Train on `k` samples of each label, test on whole folds.

    Parameters
    ----------
    k : int
        Number of samples per label of the training part, at least 1. If a label has fewer, all of
        its samples are used, with a warning.
    cv : int, splitter, list of (train, test) or ndarray of shape (n_samples,), default=5
        The training and test parts to draw from. An int is the number of folds: of ``GroupKFold``
        if groups are passed, otherwise of ``KFold``. A list contains indices or masks. An array
        contains, for each sample, the fold that it is tested in (int, -1 for always training), or
        "train" or "test" (samples with other names are in neither part).
    n_repeats : int, default=1
        Number of draws from each training part.
    random_state : int, RandomState instance or None, default=None
        Pass an int to compare models on the same draws. The draws for a smaller `k` are then a
        subset of those for a larger one.

    See Also
    --------
    few_shot : The draw as a function.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import cross_validate
    >>> from sknumclip.datasets import FewShotSplit
    >>> y = np.tile([10, 20, 30], 20)
    >>> cv = FewShotSplit(k=4, cv=5, n_repeats=2, random_state=0)
    >>> [(len(train), len(test)) for train, test in cv.split(y, y)][:2]
    [(12, 12), (12, 12)]
    >>> len(cross_validate(Ridge(), y[:, None], y, cv=cv)["test_score"])
    10
    """

    def __init__(
        self, k: int, cv: CV = 5, *, n_repeats: int = 1, random_state: RandomState = None
    ) -> None:
        super().__init__(cv, n_repeats, random_state)
        self.k = k

    def _prepare(self, y):
        check_int("k", self.k)
        warn_about_rare_labels(y, self.k)

    def _choose(self, y, seed):
        return draw_per_label(y, self.k, seed)


class DistributionShiftSplit(_TrainingSubsetSplit):
    """Train with fewer samples of the most frequent labels, test on whole folds.

    Parameters
    ----------
    top_k : int
        Number of most frequent labels of the training part to scale down, at least 1. OrdinalCLIP
        reports 10, 20, 30 and 40.
    scale : float
        The share of their samples to keep, between 0 and 1, but at least one sample of each
        label. OrdinalCLIP reports 0.1 and 0.2.
    cv : int, splitter, list of (train, test) or ndarray of shape (n_samples,), default=5
        As in :class:`FewShotSplit`.
    n_repeats : int, default=1
        Number of draws from each training part.
    random_state : int, RandomState instance or None, default=None
        Pass an int to compare models on the same draws.

    See Also
    --------
    distribution_shift : The draw as a function.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumclip.datasets import DistributionShiftSplit
    >>> y = np.tile([10, 10, 10, 20], 20)
    >>> cv = DistributionShiftSplit(top_k=1, scale=0.1, cv=4, random_state=0)
    >>> train, test = next(cv.split(y, y))
    >>> np.unique(y[train], return_counts=True), np.unique(y[test], return_counts=True)
    ((array([10, 20]), array([ 4, 15])), (array([10, 20]), array([15,  5])))
    """

    def __init__(
        self,
        top_k: int,
        scale: float,
        cv: CV = 5,
        *,
        n_repeats: int = 1,
        random_state: RandomState = None,
    ) -> None:
        super().__init__(cv, n_repeats, random_state)
        self.top_k = top_k
        self.scale = scale

    def _choose(self, y, seed):
        return distribution_shift(y, self.top_k, self.scale, seed)
