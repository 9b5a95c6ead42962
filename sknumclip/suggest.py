"""suggest_bins(): ask a language model for linguistic bins (Section 3.3 of the paper)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from ._numbers import in_full
from ._typing import Outside
from .bins import LinguisticBins

__all__ = ["suggest_bins"]

_QUESTION = """\
How do people describe {quantity} in everyday words?
Divide the range from {low} to {high} into {n_bins} neighboring ranges and give each the \
short, common description (one to three words, no digits) that one would most likely read in the \
caption of a photograph.
Answer with one JSON object and nothing else. Its keys are the descriptions from the lowest range \
to the highest, its values are the ranges as [low, high]: the first range starts at {low}, each \
further one starts where the one before it ends, the last one ends at {high}."""


def suggest_bins(
    ask: Callable[[str], str],
    *,
    quantity: str,
    low: float,
    high: float,
    n_bins: int = 5,
    outside: Outside = "raise",
) -> LinguisticBins:
    """Let a language model propose the descriptions and ranges of bins.

    The paper initializes its bins by asking a language model how people describe different
    ages (Section 3.3). This function writes the question and checks the answer.

    Parameters
    ----------
    ask : callable
        Takes the question (str) and returns the language model's answer (str).
    quantity : str
        The quantity to predict, in words: ``"the age of a person"``.
    low, high : float
        The range that the bins must cover exactly, in the unit of the label.
    n_bins : int, default=5
        Number of bins to ask for; at least 2.
    outside : {"raise", "clip"}, default="raise"
        As in :class:`~sknumclip.LinguisticBins`.

    Returns
    -------
    LinguisticBins

    Raises
    ------
    ValueError
        If the answer is not a JSON object as requested, or does not give `n_bins` valid, contiguous
        bins from `low` to `high`. The message includes the reason and the answer.

    Examples
    --------
    >>> from sknumclip import suggest_bins
    >>> def ask(question):  # stands for a call to any language model
    ...     return '{"child": [0, 13], "teenager": [13, 20], "adult": [20, 100]}'
    >>> bins = suggest_bins(ask, quantity="the age of a person", low=0, high=100, n_bins=3)
    >>> bins.descriptions
    ('child', 'teenager', 'adult')
    """
    if not callable(ask):
        raise TypeError(
            f"ask must be a function that takes a question and returns an answer. Got ask={ask!r}."
        )
    if not low < high:
        raise ValueError(f"low must be less than high. Got low={low!r}, high={high!r}.")
    start, end = in_full(low), in_full(high)
    answer = ask(_QUESTION.format(quantity=quantity, low=start, high=end, n_bins=n_bins))
    try:
        bins = LinguisticBins.from_mapping(_parse(answer), outside=outside)
        _check_as_asked(bins, low, high, n_bins)
    except ValueError as error:
        raise ValueError(
            f"The language model's answer cannot be used as bins: {error} "
            f"Ask again, or define the bins by hand. The answer was: {str(answer)[:500]!r}"
        ) from error
    return bins


def _parse(answer):
    if not isinstance(answer, str):
        raise ValueError(f"it must be a string. Got {type(answer).__name__}.")
    # Models often wrap JSON in sentences or a code fence.
    found = re.search(r"\{.*\}", answer, flags=re.DOTALL)
    if found is None:
        raise ValueError("it does not contain a JSON object.")
    try:
        return json.loads(found.group(), object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise ValueError(f"its JSON is invalid ({error}).") from error


def _without_repeats(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"a description is repeated in {names}.")
    return dict(pairs)


def _check_as_asked(bins, low, high, n_bins):
    if bins.n_bins != n_bins:
        raise ValueError(f"it has {bins.n_bins} bins where {n_bins} were asked for.")
    if (bins.edges[0], bins.edges[-1]) != (low, high):
        raise ValueError(
            f"its bins cover [{in_full(bins.edges[0])}, {in_full(bins.edges[-1])}], not "
            f"[{in_full(low)}, {in_full(high)}]."
        )
