"""NumCLIPClassifier: predict ordered classes from images. Steps of fit: estimators/fitting.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import ClassifierMixin

from ._typing import (
    Accelerator,
    AugmentOrAuto,
    Device,
    FineTune,
    FloatArray,
    FloatOrAuto,
    ImagesOrFeatures,
    IntOrAuto,
    OnError,
    Precision,
    PromptInit,
    RandomState,
    RankingLoss,
    Shift,
    StrPath,
)
from ._warnings import warn_user
from .bins.class_bins import bins_of_classes, is_word
from .estimators.checks import Described, StrOptions, check_no_label_is_missing
from .estimators.explanation import Explanation
from .estimators.labels import as_column, class_labels, has_an_order, rank_labels
from .estimators.neighbors import add_neighbors
from .estimators.numclip import NUMCLIP_CONSTRAINTS, BaseNumCLIP

__all__ = ["NumCLIPClassifier"]


class NumCLIPClassifier(ClassifierMixin, BaseNumCLIP):
    """Classify images into classes that have an order, like decades or grades, with CLIP.

    It is :class:`NumCLIPRegressor` on the ranks of the classes: each class is a bin one rank wide,
    with its own description. The losses are the same, measured in ranks.

    Parameters are listed in groups: the task (`classes` to `template`), the model (`model_name` to
    `fine_tune`), training (`ranking_loss` to `random_state`), images (`augment` to
    `on_error`), and the machine (`device` to `verbose`).

    Parameters
    ----------
    classes : array-like of shape (n_classes,) or None, default=None
        The labels in order; at least two. If None, the order comes from y: its categories, if it
        is an ordered pandas Categorical, a polars Enum or an ordered Arrow dictionary; its
        intervals, as made by ``pandas.cut``; otherwise its unique labels, sorted.
    descriptions : list of str or None, default=None
        A description of each class, in the same order. If None, the labels are the descriptions.
    predict_by : {"mode", "expected_rank"}, default="mode"
        Whether to predict the most probable class, or the one nearest to the predicted rank,
        which has the smaller absolute error if probabilities are spread out.
    template : str, default="{}"
    model_name : str, default="ViT-B-16"
    pretrained : str or None, default="openai"
    prompt_init : {"words", "numbers", "random"}, default="words"
    fine_tune : {"full", "none"} or int, default="full"
    ranking_loss : {"fcrc", "infonce", "author_code", "none"} or callable, default="fcrc"
    beta : float, default=4.0
    max_epochs : int or "auto", default="auto"
    batch_size : int or "auto", default="auto"
    lr : float or "auto", default="auto"
    prompt_lr : float or "auto", default="auto"
    early_stopping : bool, default=False
    validation_fraction : float, default=0.1
    n_iter_no_change : int, default=10
    warm_start : bool, default=False
    checkpoint : str, Path or None, default=None
    callbacks : list of skorch callbacks or None, default=None
    random_state : int, RandomState instance or None, default=None
    augment : {"auto", "crop"}, bool or callable, default="auto"
    canvas_scale : float, default=8/7
    image_cache : {"auto", "memory"}, str, Path or None, default="auto"
    num_workers : "auto" or int, default="auto"
    on_error : {"raise", "skip"}, default="raise"
    device : str, default="auto"
    precision : {"auto", "fp32", "bf16"}, default="auto"
    compile : bool, default=False
    grad_checkpointing : bool, default=False
    accumulate_steps : int, default=1
    accelerator : accelerate.Accelerator or None, default=None
    verbose : int, default=1
        As in :class:`NumCLIPRegressor`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, in order.
    bins_ : LinguisticBins
        The classes as ranges of ranks, 0 to n_classes - 1, with their descriptions.
    net_, history_, n_iter_, skipped_, n_features_in_
        As in :class:`NumCLIPRegressor`.

    See Also
    --------
    NumCLIPRegressor : For numbers.

    Notes
    -----
    `shift` is a class attribute here, ``"width"``. A solved fit minimizes the cross-entropy, not
    the error of the rank, with or without the ranking loss, whichever has the lower log loss out of
    fold: see ``history_``.

    ``classes_`` and the columns of ``predict_proba`` are in the order of the classes. If that is
    not the sorted order ("poor", "fair", "good"), scikit-learn's probability metrics (``log_loss``,
    ``roc_auc_score``, ``top_k_accuracy_score``) assign the columns to the wrong classes, and
    meta-estimators that replace labels by their sorted position (``VotingClassifier``,
    ``StackingClassifier``, ``cross_val_predict`` of probabilities) do not work. All of them work
    with numbers as labels, 0 to n_classes - 1, and the words as `descriptions`.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumclip import NumCLIPClassifier
    >>> from sknumclip.datasets import make_counting_images
    >>> X, y = make_counting_images(60, random_state=0)
    >>> grades = np.array(["few", "many", "lots"])[np.digitize(y, [10, 40])]
    >>> clf = NumCLIPClassifier(
    ...     ["few", "many", "lots"], model_name="tiny", fine_tune="none", max_epochs=2, verbose=0
    ... )
    >>> clf.fit(X, grades).predict_proba(X[:2]).shape
    (2, 3)
    """

    _parameter_constraints = {
        **NUMCLIP_CONSTRAINTS,
        "classes": [
            Described(
                "a list of the labels in their order (to describe them, use `descriptions`; to "
                "make classes of numbers, pandas.cut)",
                has_an_order,
            ),
            None,
        ],
        "descriptions": [
            Described("a list of the descriptions of the classes, in their order", has_an_order),
            None,
        ],
        "predict_by": [StrOptions({"mode", "expected_rank"})],
    }
    shift: Shift = "width"

    def __init__(
        self,
        classes: ArrayLike | None = None,
        *,
        descriptions: Sequence[str] | None = None,
        predict_by: Literal["mode", "expected_rank"] = "mode",
        template: str = "{}",
        model_name: str = "ViT-B-16",
        pretrained: str | None = "openai",
        prompt_init: PromptInit = "words",
        fine_tune: FineTune = "full",
        ranking_loss: RankingLoss = "fcrc",
        beta: float = 4.0,
        max_epochs: IntOrAuto = "auto",
        batch_size: IntOrAuto = "auto",
        lr: FloatOrAuto = "auto",
        prompt_lr: FloatOrAuto = "auto",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        checkpoint: StrPath | None = None,
        callbacks: list[Any] | None = None,
        random_state: RandomState = None,
        augment: AugmentOrAuto = "auto",
        canvas_scale: float = 8 / 7,
        image_cache: StrPath | None = "auto",
        num_workers: IntOrAuto = "auto",
        on_error: OnError = "raise",
        device: Device = "auto",
        precision: Precision = "auto",
        compile: bool = False,
        grad_checkpointing: bool = False,
        accumulate_steps: int = 1,
        accelerator: Accelerator | None = None,
        verbose: int = 1,
    ) -> None:
        self.classes = classes
        self.descriptions = descriptions
        self.predict_by = predict_by
        self.template = template
        self.model_name = model_name
        self.pretrained = pretrained
        self.prompt_init = prompt_init
        self.fine_tune = fine_tune
        self.ranking_loss = ranking_loss
        self.beta = beta
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.prompt_lr = prompt_lr
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.callbacks = callbacks
        self.random_state = random_state
        self.augment = augment
        self.canvas_scale = canvas_scale
        self.image_cache = image_cache
        self.num_workers = num_workers
        self.on_error = on_error
        self.device = device
        self.precision = precision
        self.compile = compile
        self.grad_checkpointing = grad_checkpointing
        self.accumulate_steps = accumulate_steps
        self.accelerator = accelerator
        self.verbose = verbose

    def fit(
        self, X: ImagesOrFeatures, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train on images and their classes.

        Parameters
        ----------
        X : as for :meth:`NumCLIPRegressor.fit`
        y : array-like of shape (n_samples,)
            Labels: strings, whole numbers, bools, or intervals, whose classes are named like
            "0 to 13".
        sample_weight : array-like of shape (n_samples,), default=None
            As for :meth:`NumCLIPRegressor.fit`.

        Returns
        -------
        self : NumCLIPClassifier

        Raises
        ------
        ValueError
            If a parameter is invalid, a label is not among `classes`, there is only one class, or
            two classes have the same prompt.
        ImageReadError
            If images cannot be read and ``on_error="raise"``. It lists all of them.
        BackboneError
            If the CLIP model cannot be loaded.

        Warns
        -----
        UserWarning
            If there are more than two string labels and no order is given: they are then ordered
            alphabetically.
        """
        return self._fit(X, y, sample_weight)

    def _as_numbers(self, y):
        """Convert labels to ranks; return the classes too."""
        if y is None:
            raise ValueError(
                "This estimator requires y to be passed, but the target y is None: give one label "
                "per image."
            )
        check_no_label_is_missing(as_column(y))
        ranks, found = rank_labels(y, self.classes)
        if len(found) < 2:
            raise ValueError(f"At least two classes are needed. Got one class: {found.tolist()}.")
        if self._continues() and found.tolist() != self.classes_.tolist():
            raise ValueError(
                "warm_start=True cannot continue with other classes than those of the last fit, "
                f"{self.classes_.tolist()}. Use warm_start=False. Got {found.tolist()}."
            )
        return ranks, found

    def _resolve_bins(self, y, weight, classes):
        bins = bins_of_classes(classes, self.descriptions)
        if self._continues() and bins != self.bins_:
            raise ValueError(
                "warm_start=True cannot continue with other descriptions than those of the last "
                f"fit, {list(self.bins_.descriptions)}. Use warm_start=False."
            )
        return bins

    def _are_named(self, bins):
        return self.descriptions is not None or any(map(is_word, bins.descriptions))

    def predict(self, X: ImagesOrFeatures) -> NDArray[Any]:
        """Predict the classes of images.

        Parameters
        ----------
        X : as for :meth:`NumCLIPRegressor.fit`

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.

        Raises
        ------
        ValueError
            If images cannot be read, even with ``on_error="skip"``, since no label could stand for
            them: leave them out.
        """
        rank, logits, _ = self._outputs(X)
        if np.isnan(rank).any():
            raise ValueError(
                f"{np.isnan(rank).sum()} of {len(rank)} images cannot be read, so they have no "
                "class. Leave them out of X, or use predict_proba, which gives NaN for them."
            )
        return self._choose(rank, logits)

    def _choose(self, rank, logits):
        if self.predict_by == "mode":
            return self.classes_[logits.argmax(axis=1)]
        nearest = np.floor(rank + 0.5).astype(int).clip(0, len(self.classes_) - 1)
        return self.classes_[nearest]

    def score(
        self, X: ImagesOrFeatures, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Compute the accuracy: the share of images whose class is predicted correctly.

        Parameters
        ----------
        X : as for :meth:`NumCLIPRegressor.fit`
        y : array-like of shape (n_samples,)
            Labels, of any type that :meth:`fit` takes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the images.

        Returns
        -------
        float
            Between 0 and 1.
        """
        return super().score(X, class_labels(y)[0], sample_weight)

    def predict_proba(self, X: ImagesOrFeatures) -> FloatArray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : as for :meth:`NumCLIPRegressor.fit`

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; rows sum to 1; NaN for unreadable images, if
            ``on_error="skip"``.

        Warns
        -----
        UserWarning
            If the classes are not in sorted order, which scikit-learn's probability metrics rely
            on; see Notes of the class.
        """
        _, logits, _ = self._outputs(X)
        labels = self.classes_.tolist()
        if labels != sorted(labels):
            warn_user(
                f"The columns of predict_proba are in the order of the classes, {labels}. "
                "scikit-learn's probability metrics (neg_log_loss, roc_auc, top_k_accuracy) "
                "expect sorted classes and would be wrong: use numbers as labels, and the words as "
                "descriptions.",
            )
        return softmax(logits, axis=1)

    def explain(
        self,
        X: ImagesOrFeatures,
        neighbors: int | None = None,
        *,
        X_train: ImagesOrFeatures | None = None,
        y_train: ArrayLike | None = None,
    ) -> Explanation:
        """Explain each prediction.

        Parameters
        ----------
        X : as for :meth:`NumCLIPRegressor.fit`
        neighbors, X_train, y_train : default=None
            As in :meth:`NumCLIPRegressor.explain`.

        Returns
        -------
        DataFrame
            One row per image: ``concept``, the description of the most probable class; its
            ``probability``; ``rank``, the predicted rank, from 0 to n_classes - 1; ``prediction``,
            the class; and ``path``. Otherwise as in :meth:`NumCLIPRegressor.explain`.
        """
        rank, logits, centers = self._outputs(X)
        table = self._explain(X, rank, logits, centers).rename(columns={"prediction": "rank"})
        chosen = self._choose(np.nan_to_num(rank), logits).astype(object)
        chosen[np.isnan(rank)] = np.nan
        table.insert(table.columns.get_loc("rank") + 1, "prediction", chosen)
        table = table.drop(columns=["low", "high", "shift"])
        return add_neighbors(table, self, X, neighbors, X_train, y_train)
