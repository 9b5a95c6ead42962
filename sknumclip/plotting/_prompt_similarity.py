"""PromptSimilarityDisplay: cosine similarities of the bins' prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from .._typing import Axes, Colormap, Figure, Keywords
from ..metrics import ordinality_score
from ._axes import draw_matrix, label_width, make_axes, set_labels, wrap
from ._unwrap import unwrap

__all__ = ["PromptSimilarityDisplay"]


class PromptSimilarityDisplay:
    """Cosine similarities of the prompts' text embeddings, to check whether the bins are in order.

    If they are, similarities decrease with the distance from the diagonal, and the ordinality score
    (:func:`~sknumclip.metrics.ordinality_score` of text embeddings and bin centers) is near 1.
    Create it with :meth:`from_estimator`. All parameters are stored as attributes.

    Parameters
    ----------
    similarity : ndarray of shape (n_bins, n_bins)
        Cosine similarities, between -1 and 1.
    descriptions : sequence of str, length n_bins
        Descriptions of the bins.
    ordinality : float, default=None
        Ordinality score, between -1 and 1; None leaves it out.

    Attributes
    ----------
    im_ : matplotlib AxesImage
    text_ : list of matplotlib Text
        The numbers, row by row; empty if there are too many bins.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sknumclip.baselines import ZeroShotCLIPRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> from sknumclip.plotting import PromptSimilarityDisplay
    >>> X, y = make_counting_images(20, random_state=0)
    >>> counts = {"a few": (1, 16), "many": (16, 50), "countless": (50, 101)}
    >>> zero_shot = ZeroShotCLIPRegressor(counts, model_name="tiny", verbose=0).fit(X, y)
    >>> PromptSimilarityDisplay.from_estimator(zero_shot)
    <...>
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        *,
        similarity: NDArray[Any],
        descriptions: Sequence[str],
        ordinality: float | None = None,
    ) -> None:
        self.similarity = similarity
        self.descriptions = descriptions
        self.ordinality = ordinality

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        ax: Axes | None = None,
        cmap: Colormap = "viridis",
        im_kwargs: Keywords | None = None,
        colorbar: bool = True,
    ) -> Self:
        """Compare the prompts of a fitted estimator.

        Parameters
        ----------
        estimator : NumCLIPRegressor or NumCLIPClassifier
            Or another fitted estimator that compares images with texts, from
            :mod:`sknumclip.baselines`; or a fitted search or Pipeline with one as its last step.
            With ``max_epochs=0`` the prompts are untrained.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        cmap : str or matplotlib Colormap, default="viridis"
            As in :meth:`plot`.
        im_kwargs : dict, default=None
            As in :meth:`plot`.
        colorbar : bool, default=True
            As in :meth:`plot`.

        Returns
        -------
        display : PromptSimilarityDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it has no prompts.
        """
        needed = "an estimator with prompts, such as NumCLIPRegressor"
        estimator, _ = unwrap(cls, estimator, needed, "net_.module_.text_features")
        features = estimator.net_.module_.text_features
        features, bins = features.cpu().numpy().astype(np.float64), estimator.bins_
        # Two bins make a single pair, which has no order.
        ordinality = ordinality_score(features, bins.centers) if bins.n_bins > 2 else None
        display = cls(
            similarity=features @ features.T,
            descriptions=bins.descriptions,
            ordinality=ordinality,
        )
        return display.plot(ax, cmap=cmap, im_kwargs=im_kwargs, colorbar=colorbar)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        cmap: Colormap = "viridis",
        im_kwargs: Keywords | None = None,
        colorbar: bool = True,
    ) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.
        cmap : str or matplotlib Colormap, default="viridis"
            Colors, from the smallest similarity to 1.
        im_kwargs : dict, default=None
            Keywords for ``Axes.imshow``, such as ``vmin`` to make figures comparable.
        colorbar : bool, default=True
            Whether to draw a color bar.

        Returns
        -------
        display : PromptSimilarityDisplay
        """
        similarity = np.asarray(self.similarity)
        labels = [wrap(description) for description in self.descriptions]
        side, margin = min(max(3.4, 0.6 * len(similarity)), 8), label_width(labels)
        ax = make_axes(self, ax, (side + margin + 1, side + 0.7 * margin))
        limits = {"vmin": similarity.min(), "vmax": 1, **(im_kwargs or {})}
        self.im_, self.text_ = draw_matrix(ax, similarity, cmap=cmap, **limits)
        set_labels(ax.xaxis, labels, rotation=45, ha="right", rotation_mode="anchor")
        set_labels(ax.yaxis, labels)
        if self.ordinality is not None:
            ax.set_title(f"ordinality {self.ordinality:.2f}")
        if colorbar:
            self.figure_.colorbar(self.im_, ax=ax, label="cosine similarity")
        return self
