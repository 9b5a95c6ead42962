"""Displays like scikit-learn's; they need matplotlib (``pip install 'sknumclip[plot]'``).

``SomeDisplay.from_estimator(...)`` computes and plots. The display keeps its data, so that
``display.plot(ax)`` draws it again elsewhere, and has the matplotlib artists as attributes, so
that you can change them.

- for an estimator: :class:`PromptSimilarityDisplay`, the order of the bins' prompts;
  :class:`TrainingCurveDisplay`, the losses by epoch
- for predictions: :class:`BinProbabilityDisplay`, for a few images; :class:`BinErrorDisplay`, for
  many; :class:`EmbeddingDisplay`, a map of image embeddings
- for a search: :class:`SearchDisplay`
- for images and labels: :class:`DuplicatesDisplay` and :class:`LabelErrorsDisplay`, the results of
  :mod:`sknumclip.inspection`
"""

from ._bin_error import BinErrorDisplay
from ._bin_probability import BinProbabilityDisplay
from ._duplicates import DuplicatesDisplay
from ._embedding import EmbeddingDisplay
from ._label_errors import LabelErrorsDisplay
from ._prompt_similarity import PromptSimilarityDisplay
from ._search import SearchDisplay
from ._training_curve import TrainingCurveDisplay

__all__ = [
    "BinErrorDisplay",
    "BinProbabilityDisplay",
    "DuplicatesDisplay",
    "EmbeddingDisplay",
    "LabelErrorsDisplay",
    "PromptSimilarityDisplay",
    "SearchDisplay",
    "TrainingCurveDisplay",
]
