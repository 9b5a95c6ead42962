"""summarize(): a one-page overview of images and labels before a fit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from PIL import Image

from .._html import Markup, table_html
from .._typing import ImagesOrFeatures
from ..bins import Bins, resolve_bins
from ..estimators.input_types import as_images
from ..images.urls import is_url, open_url
from ._checks import check_labels
from ._duplicates import find_duplicates

__all__ = ["Summary", "summarize"]

_MAX_ASKED = 1000  # images for the zero-shot test
_MANY_ALIKE = 0.1  # share of the images
_THIN = 10  # a bin with fewer images is thin: little can be learned about it


class Summary:
    """Result of :func:`summarize`: one page, as text or, in a notebook, as tables.

    All parameters are stored as attributes.

    Parameters
    ----------
    facts : DataFrame
        Columns ``what`` and ``found``.
    bins : DataFrame
        One row for each bin: ``description``, ``low``, ``high``, ``count``, ``remark``.
    next_steps : list of str
        Recommendations, the most urgent first.
    duplicates : DataFrame
        Result of :func:`find_duplicates`.
    unreadable : dict of str to str
        Reason for each unreadable image, by path or position.
    """

    def __init__(
        self,
        facts: pd.DataFrame,
        bins: pd.DataFrame,
        next_steps: list[str],
        duplicates: pd.DataFrame,
        unreadable: dict[str, str],
    ) -> None:
        self.facts = facts
        self.bins = bins
        self.next_steps = next_steps
        self.duplicates = duplicates
        self.unreadable = unreadable

    def __str__(self):
        wide = max(len(what) for what in self.facts["what"])
        lines = [f"{what:<{wide}}  {found}" for what, found in self.facts.to_numpy()]
        lines += ["", "Labels by bin"]
        wide = max(len(words) for words in self.bins["description"])
        most = max(1, self.bins["count"].max())
        for words, low, high, count, remark in self.bins.to_numpy():
            bar = "#" * int(np.ceil(30 * count / most))
            span = f"{low:g}–{high:g}"
            lines.append(f"  {words:<{wide}}  {span:>12} {count:>7}  {bar} {remark}")
        lines += ["", "What to do next"]
        return "\n".join(line.rstrip() for line in [*lines, *(f"- {s}" for s in self.next_steps)])

    __repr__ = __str__

    def _repr_html_(self):
        facts = table_html(["", "found"], self.facts.to_numpy())
        most = max(1, self.bins["count"].max())
        rows = [
            (words, f"{low:g}–{high:g}", count, _bar(count / most), remark)
            for words, low, high, count, remark in self.bins.to_numpy()
        ]
        bins = table_html(["bin", "range", "images", "", ""], rows, "Labels by bin")
        steps = table_html(["what to do next"], [[step] for step in self.next_steps])
        return facts + bins + steps


def summarize(
    X: ImagesOrFeatures,
    y: ArrayLike,
    bins: Bins = 5,
    *,
    estimator: Any = None,
    verbose: int = 1,
) -> Summary:
    """Summarize images and labels on one page before a fit.

    It shows the number of images, their sizes and modes; which are unreadable and which are
    duplicates; how labels fall into the bins; whether the descriptions of the bins tell CLIP
    anything about the label; and what to do next.

    Parameters
    ----------
    X : images as for :class:`~sknumclip.NumCLIPRegressor`
    y : array-like of shape (n_samples,)
        Labels: numbers.
    bins : LinguisticBins, mapping, str or int, default=5
        As in :class:`~sknumclip.NumCLIPRegressor`. Labels outside are counted.
    estimator : NumCLIPRegressor or ZeroShotCLIPRegressor, default=None
        Its `model_name`, `template` and other parameters are used for zero-shot predictions on up
        to 1000 of the images; its bins are ignored. None uses the defaults of
        :class:`~sknumclip.baselines.ZeroShotCLIPRegressor`. If `bins` is an int, there are no
        meaningful descriptions and this test is skipped.
    verbose : int, default=1
        0 is silent; 1 shows progress bars.

    Returns
    -------
    Summary
        ``print`` shows it as text, a notebook as tables. The contents are in its attributes
        ``facts``, ``bins``, ``next_steps``, ``duplicates``, ``unreadable``.

    Raises
    ------
    TypeError
        If X is features.
    ValueError
        If labels are not finite, lengths differ, or `bins` are invalid.
    BackboneError
        If CLIP is needed and cannot be loaded.

    Examples
    --------
    >>> from sknumclip import NumCLIPRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> from sknumclip.inspection import summarize
    >>> X, y = make_counting_images(60, random_state=0)
    >>> words = {"a few": (1, 6), "several": (6, 16), "many": (16, 40), "countless": (40, 101)}
    >>> reg = NumCLIPRegressor(template="a picture of {} shapes.", model_name="tiny")
    >>> page = summarize(X, y, words, estimator=reg, verbose=0)
    >>> page.bins["count"].tolist()
    [16, 9, 13, 22]
    """
    images = as_images(X)
    if images is None:
        raise TypeError(
            "summarize needs images, but X is features. Pass the images that they were computed "
            "from."
        )
    labels = check_labels(y, len(images))
    resolved = resolve_bins(bins, labels)
    duplicates = find_duplicates(X, y=labels, on_error="skip", verbose=verbose)
    unreadable = duplicates.attrs["unreadable"]
    readable = [i for i in range(len(images)) if images.name(i) not in unreadable]
    span = f"{labels.min():g} to {labels.max():g}, median {np.median(labels):g}"
    facts = [
        ("images", f"{len(images)}"),
        *_forms(images, readable),
        ("cannot be read", _share(len(unreadable), len(images))),
        ("copies of others", _copies(duplicates)),
        ("labels", f"{span}, {_n_values(labels)}"),
    ]
    table, n_outside = _by_bin(resolved, labels)
    if n_outside:
        facts.append(("labels outside the bins", _share(n_outside, len(labels))))
    words_help = None
    if not isinstance(bins, Integral) and len(readable) > 1:
        inside = [i for i in readable if _is_inside(resolved, labels[i])]
        words_help, sentence = _ask(images, labels, resolved, inside, estimator, verbose)
        facts.append(("words alone", sentence))
    steps = _next_steps(unreadable, duplicates, table, n_outside, words_help, bins, labels)
    return Summary(
        pd.DataFrame(facts, columns=["what", "found"]), table, steps, duplicates, unreadable
    )


# ------------------------------------------------------------------------------------------- parts


def _forms(images, readable):
    """Return sizes and modes, read from the headers of the files."""
    with ThreadPoolExecutor(8) as pool:
        forms = [form for form in pool.map(lambda i: _form(images.items[i]), readable) if form]
    if not forms:
        return []
    widths, heights, modes = zip(*forms, strict=True)
    sizes = pd.Series(zip(widths, heights, strict=True)).value_counts()
    (width, height), most = sizes.index[0], int(sizes.iloc[0])
    found = f"{min(widths)} × {min(heights)} to {max(widths)} × {max(heights)} pixels"
    if len(sizes) == 1:
        found = f"all {width} × {height} pixels"
    elif most > 1:
        found += f"; most often {width} × {height} ({_share(most, len(forms))})"
    counts = pd.Series(modes).value_counts()
    return [
        ("sizes", found),
        ("modes", ", ".join(f"{mode} ({count})" for mode, count in counts.items())),
    ]


def _form(item):
    if isinstance(item, np.ndarray):
        return item.shape[1], item.shape[0], "RGB"
    if isinstance(item, Image.Image):
        return *item.size, item.mode
    with Image.open(open_url(item) if is_url(item) else item) as image:
        return *image.size, image.mode


def _share(part, whole):
    return f"{part} ({part / whole:.1%})".replace("%", " %") if part else "none"


def _copies(duplicates):
    if duplicates.empty:
        return "none"
    kinds = duplicates["kind"].value_counts().reindex(["identical", "same", "near"]).dropna()
    listed = ", ".join(f"{int(count)} {kind}" for kind, count in kinds.items())
    n_different = (duplicates["label"] != duplicates["duplicate_label"]).sum()
    return listed + (f"; {n_different} with another label" if n_different else "")


def _n_values(y):
    n = len(np.unique(y))
    return f"{n} different value{'s' * (n != 1)}"


def _is_inside(bins, value):
    return bins.outside == "clip" or bins.edges[0] <= value <= bins.edges[-1]


def _by_bin(bins, y):
    inside = np.array([_is_inside(bins, value) for value in y])
    count = np.bincount(bins.assign(y[inside]), minlength=bins.n_bins) if inside.any() else 0
    count = np.broadcast_to(count, bins.n_bins)
    remark = np.select([count == 0, count < _THIN], ["empty", "thin"], "")
    table = {"description": bins.descriptions, "low": bins.edges[:-1], "high": bins.edges[1:]}
    table = pd.DataFrame({**table, "count": count, "remark": remark})
    return table, int((~inside).sum())


def _ask(images, y, bins, inside, estimator, verbose):
    """Compare zero-shot predictions with the median, on some of the images."""
    if len(inside) < 2:
        return None, "not tested: fewer than 2 readable images within the bins"
    chosen = np.random.default_rng(0).permutation(inside)[:_MAX_ASKED].tolist()
    reg = _zero_shot(estimator, bins, verbose)
    X = [images.items[i] for i in chosen]
    error = np.abs(reg.fit(X, y[chosen]).predict(X) - y[chosen]).mean()
    of_median = np.abs(np.median(y[chosen]) - y[chosen]).mean()
    verdict = "something" if error < 0.95 * of_median else "nothing"
    return verdict == "something", (
        f"the words tell CLIP {verdict} about this label: off by {error:.3g} on average, the "
        f"median by {of_median:.3g} ({len(chosen)} images)"
    )


def _zero_shot(estimator, bins, verbose):
    from ..baselines import ZeroShotCLIPRegressor  # slow to import, and not always needed

    asked = ZeroShotCLIPRegressor(bins, verbose=verbose)
    if estimator is not None:
        if not hasattr(estimator, "get_params"):
            raise TypeError(
                f"estimator must be a NumCLIPRegressor or ZeroShotCLIPRegressor. Got {estimator!r}."
            )
        given = estimator.get_params(deep=False)
        shared = asked.get_params().keys() & given.keys() - {"bins", "verbose", "prompt_init"}
        asked.set_params(**{name: given[name] for name in shared})
    return asked


def _next_steps(unreadable, duplicates, table, n_outside, words_help, bins, y):
    """Return recommendations, the most urgent first."""
    alike = duplicates[["position", "duplicate_position"]].to_numpy()
    share = len(np.unique(alike)) / len(y)
    has_two_labels = (duplicates["label"] != duplicates["duplicate_label"]).any()
    steps = [
        (
            unreadable,
            "Replace unreadable images (`unreadable` has the reasons), or use on_error='skip'.",
        ),
        (
            n_outside,
            "Widen the first or last bin, or assign labels beyond to them: outside='clip'.",
        ),
        (len(np.unique(y)) == 1, "All labels are the same: there is nothing to learn."),
        (
            len(duplicates) and share <= _MANY_ALIKE,
            "Look at the copies (`duplicates`; plotting.DuplicatesDisplay) and keep one of each, "
            "or keep them on the same side of every split.",
        ),
        (
            share > _MANY_ALIKE,
            f"{share:.0%} of the images look like another one: if they show objects of one kind, "
            "as scans do, they may be alike without being copies. Raise find_duplicates's "
            "threshold until only copies are left, and delete nothing unseen.",
        ),
        (
            has_two_labels and share <= _MANY_ALIKE,
            "Check the labels of copies with different labels.",
        ),
        (
            (table["remark"] == "empty").any(),
            "Merge empty bins with their neighbors: nothing can be learned about them.",
        ),
        (
            (table["remark"] == "thin").any(),
            f"Add images to bins with fewer than {_THIN}, or merge them.",
        ),
        (
            isinstance(bins, Integral),
            "Describe the bins in words from image captions, which CLIP may know.",
        ),
        (
            words_help is False,
            "Try other words or another template. With fine_tune='none' the fit relies on the "
            "embeddings instead; compare it with a ridge on them.",
        ),
        (
            words_help,
            "Fit with fine_tune='none' first: the words help, and it takes seconds.",
        ),
        (True, "Then check which labels may be wrong: inspection.find_label_errors."),
    ]
    return [sentence for applies, sentence in steps if applies]


def _bar(share):
    style = f"background: #4878a8; height: 0.8em; width: {8 * share:.2f}em"
    return Markup(f'<div style="{style}"></div>')
