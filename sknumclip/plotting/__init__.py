"""Displays in scikit-learn's manner; they need matplotlib (``pip install 'sknumclip[plot]'``).

``SomeDisplay.from_estimator(...)`` computes and plots. The display keeps what it shows, so that
``display.plot(ax)`` draws it again somewhere else, and has the artists as attributes, so that
they can be changed.

- of an estimator: :class:`PromptSimilarityDisplay`, the order of the concepts;
  :class:`TrainingCurveDisplay`, its losses by epoch
- of predictions: :class:`BinProbabilityDisplay`, for a few images; :class:`BinErrorDisplay`, for
  many; :class:`EmbeddingDisplay`, a map of image features
- of a search: :class:`SearchDisplay`
- of pictures and labels: :class:`DuplicatesDisplay` and :class:`LabelErrorsDisplay`, what
  :mod:`sknumclip.inspection` found
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
