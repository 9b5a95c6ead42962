"""EmbeddingDisplay: two-dimensional maps of image embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.preprocessing import normalize
from sklearn.utils import check_consistent_length, column_or_1d

from .._numbers import refuse_mask
from .._typing import Axes, Figure, ImagesOrFeatures, Keywords, RandomState
from ..estimators.labels import class_labels
from ..metrics import ordinality_score
from ._axes import check_finite, make_axes, set_labels, wrap
from ._unwrap import unwrap

__all__ = ["EmbeddingDisplay"]

_PROJECTIONS = {"tsne": "t-SNE", "pca": "PCA"}


class EmbeddingDisplay:
    """Map of image embeddings, colored by label, to check whether they are in order.

    The title names the projection and shows the :func:`~sknumclip.metrics.ordinality_score` of the
    embeddings, not of the map; the caption says what it means. Create it with
    :meth:`from_estimator` or :meth:`from_features`. All parameters are stored as attributes.

    Parameters
    ----------
    positions : ndarray of shape (n_samples, 2)
        Positions of the samples on the map.
    y : ndarray of shape (n_samples,)
        Numbers for the colors: labels, or the ranks of classes.
    ordinality : float, default=None
        Ordinality score, between -1 and 1; None leaves it out.
    classes : sequence, default=None
        The classes that the ranks in `y` refer to.
    projection : str, default=None
        Name of the projection for the title.

    Attributes
    ----------
    scatter_ : matplotlib PathCollection
    colorbar_ : matplotlib Colorbar or None
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sknumclip import CLIPEmbedder
    >>> from sknumclip.datasets import make_counting_images
    >>> from sknumclip.plotting import EmbeddingDisplay
    >>> X, y = make_counting_images(60, random_state=0)
    >>> embedder = CLIPEmbedder(model_name="tiny", verbose=0).fit(X)
    >>> EmbeddingDisplay.from_estimator(embedder, X, y, method="pca")
    <...>
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        *,
        positions: NDArray[Any],
        y: NDArray[Any],
        ordinality: float | None = None,
        classes: Sequence[Any] | NDArray[Any] | None = None,
        projection: str | None = None,
    ) -> None:
        self.positions = positions
        self.y = y
        self.ordinality = ordinality
        self.classes = classes
        self.projection = projection

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ImagesOrFeatures,
        y: ArrayLike,
        *,
        method: Literal["tsne", "pca"] = "tsne",
        random_state: RandomState = None,
        ax: Axes | None = None,
        scatter_kwargs: Keywords | None = None,
        colorbar: bool = True,
    ) -> Self:
        """Embed images and map the embeddings.

        Parameters
        ----------
        estimator : NumCLIPRegressor, NumCLIPClassifier or CLIPEmbedder
            Or another fitted transformer.
        X : as for ``estimator.transform``
        y : array-like of shape (n_samples,)
            Labels: numbers, or classes in the order of ``estimator.classes_``.
        method : {"tsne", "pca"}, default="tsne"
            As in :meth:`from_features`.
        random_state : int, RandomState instance or None, default=None
            As in :meth:`from_features`.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        scatter_kwargs : dict, default=None
            As in :meth:`plot`.
        colorbar : bool, default=True
            As in :meth:`plot`.

        Returns
        -------
        display : EmbeddingDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it has no ``transform``.
        ValueError
            As in :meth:`from_features`.
        """
        needed = "a transformer, such as CLIPEmbedder"
        estimator, X = unwrap(cls, estimator, needed, "transform", X=X)
        return cls.from_features(
            estimator.transform(X),
            y,
            classes=getattr(estimator, "classes_", None),
            method=method,
            random_state=random_state,
            ax=ax,
            scatter_kwargs=scatter_kwargs,
            colorbar=colorbar,
        )

    @classmethod
    def from_features(
        cls,
        features: ArrayLike,
        y: ArrayLike,
        *,
        classes: Sequence[Any] | NDArray[Any] | None = None,
        method: Literal["tsne", "pca"] = "tsne",
        random_state: RandomState = None,
        ax: Axes | None = None,
        scatter_kwargs: Keywords | None = None,
        colorbar: bool = True,
    ) -> Self:
        """Map precomputed features.

        Parameters
        ----------
        features : array-like of shape (n_samples, n_features)
            Embeddings or other features of at least 3 images. Only their directions matter, as in
            CLIP.
        y : array-like of shape (n_samples,)
            Labels with at least two different values: numbers, or `classes`.
        classes : array-like of shape (n_classes,), default=None
            The labels in order, if they are classes.
        method : {"tsne", "pca"}, default="tsne"
            :class:`~sklearn.manifold.TSNE` shows which images are neighbors;
            :class:`~sklearn.decomposition.PCA`, which is much faster, shows the two directions in
            which features differ most.
        random_state : int, RandomState instance or None, default=None
            Set it to get the same map in every call.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        scatter_kwargs : dict, default=None
            As in :meth:`plot`.
        colorbar : bool, default=True
            As in :meth:`plot`.

        Returns
        -------
        display : EmbeddingDisplay

        Raises
        ------
        ValueError
            If features or labels are NaN or infinite, too few, or all the same, labels are not
            among the classes, or `method` is invalid.
        """
        features = check_finite("features", features)
        check_consistent_length(features, y)
        refuse_mask("y", y)
        numbers = check_finite("y", column_or_1d(y) if classes is None else _ranks(y, classes))
        if len(features) < 3 or (numbers == numbers[0]).all():
            raise ValueError(
                "A map needs at least 3 samples with at least two different labels. Got "
                f"{len(features)} samples with {len(np.unique(numbers))} different labels."
            )
        features = normalize(features)
        display = cls(
            positions=_positions(features, method, random_state),
            y=numbers,
            ordinality=ordinality_score(features, numbers),
            classes=classes,
            projection=_PROJECTIONS[method],
        )
        return display.plot(ax, scatter_kwargs=scatter_kwargs, colorbar=colorbar)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        scatter_kwargs: Keywords | None = None,
        colorbar: bool = True,
    ) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        scatter_kwargs : dict, default=None
            Keywords for ``Axes.scatter``.
        colorbar : bool, default=True
            Whether to draw a color bar.

        Returns
        -------
        display : EmbeddingDisplay
        """
        ax = make_axes(self, ax, (6, 5))
        style = {"s": 12, "cmap": "viridis", **(scatter_kwargs or {})}
        x, y = np.transpose(self.positions)
        self.scatter_ = ax.scatter(x, y, c=self.y, **style)
        ax.set(xticks=[], yticks=[])
        title = [] if self.projection is None else [f"{self.projection} of embeddings"]
        if self.ordinality is not None:
            title.append(f"ordinality {self.ordinality:.2f}")
            ax.set_xlabel("ordinality: rank correlation of label and embedding distances")
        ax.set_title(", ".join(title))
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = self.figure_.colorbar(self.scatter_, ax=ax)
            if self.classes is None:
                self.colorbar_.set_label("label")
            else:
                set_labels(self.colorbar_, [wrap(label) for label in self.classes])
        return self


def _ranks(y, classes):
    """Return the rank of each label."""
    y, _ = class_labels(y)
    order = {label: rank for rank, label in enumerate(np.asarray(classes).tolist())}
    unknown = sorted(set(y.tolist()) - set(order), key=str)
    if unknown:
        raise ValueError(
            f"All labels in y must be among the classes {list(order)}. Got also {unknown[:10]}."
        )
    return [order[label] for label in y.tolist()]


def _positions(features, method, random_state):
    """Map ℓ2-normalized features to the plane."""
    if method == "pca":
        mapping = PCA(2, random_state=random_state)
    elif method == "tsne":
        # scikit-learn's default of 30 is too large for few samples.
        perplexity = min(30, (len(features) - 1) / 3)
        mapping = TSNE(perplexity=perplexity, random_state=random_state)
    else:
        raise ValueError(f"method must be 'tsne' or 'pca'. Got method={method!r}.")
    return np.asarray(mapping.fit_transform(features))  # never a table
