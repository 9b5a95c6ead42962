"""Solve a frozen fit: bins model, zero-shot CLIP, ridge and median, blended out of fold."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.special import softmax

from .bins_model import PENALTIES, BinsModel, FittedBins
from .blend import blend_candidates, strength_shares
from .coordinates import Coordinates
from .features import feature_parts
from .ranking import no_ranking, ranking_of
from .ridge import solve_ridges, weighted_sum
from .rows import MANY_ROWS, N_FOLDS, folds_of, merge_rows, weighted_quantile
from .shifts import MANY_BINS, Shifts, solve_shifts

__all__ = ["Problem", "Solution", "n_steps", "solve"]

NEGLIGIBLE = 1e-3  # share of the last two penalties; smaller ones would get less
COVERED = 0.9  # share of labels within 1.645 standard deviations, as in a normal distribution


@dataclass(frozen=True)
class Problem:
    """Everything that determines a fit besides the rows."""

    bins: object
    """LinguisticBins."""
    text_weights: np.ndarray | None
    """Text features divided by the temperature, shape (n_bins, n_features); None if the features
    are not CLIP's."""
    shift: str
    max_shift: float
    ranking_loss: object
    seed: int
    classifies: bool = False
    """Whether bins are classes, whose probabilities matter more than the error of the rank."""


@dataclass(frozen=True)
class Solution:
    """A solved model, which predicts labels minus the lower end of the bins."""

    coordinates: Coordinates
    """Whose waves the solution is a function of, too."""
    weights: np.ndarray
    """Of the bins, shape (n_bins, n_features)."""
    wave_weights: np.ndarray
    """Of the bins, shape (n_bins, n_waves)."""
    bias: np.ndarray
    """Of the bins, shape (n_bins,)."""
    centers: np.ndarray
    """Moved centers times the share of the bins model, shape (n_bins,)."""
    slopes: np.ndarray
    """Movement of each center per unit of each logit, shape (n_bins, n_bins)."""
    text_share: float
    """Share of zero-shot CLIP."""
    coefficients: np.ndarray
    """Of the ridge regressions, shape (n_features,)."""
    wave_coefficients: np.ndarray
    """Of the ridge regressions, shape (n_waves,)."""
    intercept: float
    std_scale: float
    is_new_to_clip: bool
    """Whether embeddings tell the label better than the median, but words do not."""
    path: list
    """A dict for each penalty of the bins model, with its out-of-fold mean absolute error."""


@dataclass(frozen=True)
class _Held:
    """A split into rows to fit and held-out rows."""

    inside: np.ndarray
    outside: np.ndarray


def solve(rows, problem, advance=lambda: None):
    """Solve for all parameters, and choose penalties and shares out of fold.

    Parameters
    ----------
    rows : Rows
    problem : Problem
    advance : callable, default=None
        Called after each of the :func:`n_steps` steps.

    Returns
    -------
    Solution
    """
    rows = merge_rows(rows)
    splits, of_clip = _splits(rows, problem.seed), problem.text_weights is not None
    held, tested = _held(rows, splits)
    parts = feature_parts(rows, tested, problem.seed, of_clip)
    coordinates = parts.coordinates
    inner = replace(rows, X=parts.X, zero_shot=_zero_shot(rows, problem))
    models = _models(problem, inner.X.shape[1])
    bins = _solve_bins(models, inner, held, splits, advance)
    medians = [np.full(len(split.outside), rows[split.inside].median()) for split in splits]
    candidates = {"bins": bins.predictions, "median": np.concatenate(medians)}
    simple = ["median"]
    start = None
    if of_clip:
        text = models[0].fitted(np.zeros(models[0].n_parameters)).predict(inner)
        candidates["text"] = text[tested]
        simple.append("text")
        start = text if _beats_median(text, rows) else None
    ridges = solve_ridges(parts.paths, rows, coordinates, start)
    candidates |= {name: ridge.left_out for name, ridge in ridges.items()}
    shifts = [Shifts.none(problem.bins.n_bins)] * (len(splits) + 1)
    if problem.shift != "none" and problem.bins.n_bins <= MANY_BINS:
        candidates["shifted"], shifts = solve_shifts(
            inner, held, splits, bins.of_splits, bins.of_all
        )
    rich = "bins" if of_clip else "ridge, one unit"
    blend = blend_candidates(candidates, held.y, held.weight, simple, rich)
    shifts = [
        shift.blend(blend.shares["shifted"], blend.shares["bins"] * fitted.centers)
        for shift, fitted in zip(shifts, [*bins.of_splits, bins.of_all], strict=True)
    ]
    std = _out_of_fold_std(bins.of_splits, shifts, inner, splits, models[0].widths)
    weights, wave_weights, bias = coordinates.undo(bins.of_all.weights, bins.of_all.bias)
    if of_clip:
        weights += bins.of_all.factor * problem.text_weights
    linear = weighted_sum(ridges, blend.shares)
    return Solution(
        coordinates=coordinates,
        weights=weights,
        wave_weights=wave_weights,
        bias=bias,
        centers=shifts[-1].centers,
        slopes=shifts[-1].slopes,
        text_share=blend.shares["text"] + linear.of_text,
        coefficients=linear.of_features,
        wave_coefficients=linear.of_waves,
        intercept=linear.intercept + blend.shares["median"] * rows.median(),
        std_scale=_std_scale(held, blend.predictions, std),
        is_new_to_clip=_is_new_to_clip(blend),
        path=_with_median(bins.path, blend),
    )


def n_steps(classifies):
    """Return the number of penalties to try, for one kind of models or two."""
    return (1 + classifies) * len(PENALTIES)


def n_repeats(n_rows):
    """Return how often rows are cut into folds: the fewer rows, the more the cut matters."""
    return 4 if n_rows <= 50 else 2 if n_rows <= 200 else 1


def _splits(rows, seed):
    n = len(rows)
    if n == 1:  # all samples are the same: there is nothing to hold out
        return [_Held(np.array([0]), np.array([0]))]
    if n <= MANY_ROWS:
        rng = np.random.default_rng(seed)
        folds = [fold for _ in range(n_repeats(n)) for fold in folds_of(rows, rng)]
        return [_Held(np.setdiff1d(np.arange(n), fold), fold) for fold in folds]
    some = np.random.default_rng(seed).permutation(n)[:MANY_ROWS]
    return [_Held(np.sort(some[MANY_ROWS // N_FOLDS :]), some[: MANY_ROWS // N_FOLDS])]


def _held(rows, splits):
    """Return the held-out rows, each counted once over all repeats, and their indices."""
    tested = np.concatenate([split.outside for split in splits])
    held = rows[tested]
    times = np.bincount(tested, minlength=len(rows))[tested]
    return replace(held, weight=held.weight / times), tested


def _zero_shot(rows, problem):
    """Return the logits of zero-shot CLIP, shape (n, n_bins)."""
    if problem.text_weights is None:
        return np.zeros((len(rows), problem.bins.n_bins))
    return rows.X @ problem.text_weights.T


def _models(problem, n_coordinates):
    """Return the bins model and, for classes, one more without the ranking loss.

    Next to the cross-entropy, the ranking loss is at best of no harm; see docs/results.md.
    """
    rankings = [partial(ranking_of, problem.ranking_loss, bins=problem.bins)]
    if problem.classifies:
        rankings.append(no_ranking)
    how = problem.shift, problem.max_shift
    return [
        BinsModel(problem.bins, n_coordinates, *how, ranking, problem.classifies)
        for ranking in rankings
    ]


@dataclass(frozen=True)
class _SolvedBins:
    """The bins model and its out-of-fold predictions."""

    of_all: FittedBins
    of_splits: list
    """FittedBins of each split."""
    path: list
    predictions: np.ndarray


def _solve_bins(models, rows, held, splits, advance):
    paths = [_solve_paths(model, rows, held, splits, advance) for model in models]
    solved = np.concatenate([path[0] for path in paths], axis=1)
    predictions, errors = (np.concatenate([path[i] for path in paths]) for i in (1, 2))
    shares = strength_shares(errors, held.weight)
    errors = np.average(errors, axis=1, weights=held.weight)
    # Which model and which penalty each solution is of.
    kinds = [(i, penalty) for i, path in enumerate(paths) for penalty in PENALTIES[: len(path[1])]]
    if len(rows) > MANY_ROWS:
        best, penalty = kinds[errors.argmin()]
        start = np.mean([shares @ steps for steps in solved], axis=0)
        solve_all = models[best].solver(rows, rows.weight[None], start[None])
        of_all = models[best].fitted(solve_all(penalty)[0])
    else:
        # The average of the folds' models predicts better than one model of all rows.
        of_all = models[0].average(solved, shares, rows)
    path = []
    for (i, penalty), error in zip(kinds, errors.tolist(), strict=True):
        tried = {"penalty": float(penalty)}
        if models[i].classifies:
            path.append({**tried, "has_ranking_loss": i == 0, "valid_log_loss": error})
        else:
            path.append({**tried, "valid_mae": error})
    of_splits = [models[0].fitted(shares @ steps) for steps in solved]
    return _SolvedBins(of_all, of_splits, path, shares @ predictions)


def _solve_paths(model, rows, held, splits, advance):
    """Solve for one penalty after another, for all splits at once, until it gets only worse.

    Returns
    -------
    solved : ndarray of shape (n_splits, n_penalties, n_parameters)
    predictions, errors : ndarray of shape (n_penalties, n_held)
        Of the held-out rows; see :meth:`BinsModel.evaluate`.
    """
    solve_all = model.solver(*_weighted(rows, splits))
    solved, predictions, errors = [], [], []
    for penalty in PENALTIES:
        solved.append(solve_all(penalty))
        evaluated = [
            model.evaluate(parameters, rows[split.outside])
            for parameters, split in zip(solved[-1], splits, strict=True)
        ]
        of_rows = np.concatenate(evaluated, axis=1)
        predictions.append(of_rows[0])
        errors.append(of_rows[1])
        advance()
        shares = strength_shares(np.array(errors), held.weight)
        if len(shares) > 2 and shares[-2:].sum() < NEGLIGIBLE:
            break
    return np.array(solved).swapaxes(0, 1), np.array(predictions), np.array(errors)


def _weighted(rows, splits):
    """Return the rows to learn from, and their weight in each split, shape (n_splits, n)."""
    weight = np.zeros((len(splits), len(rows)))
    for of_split, split in zip(weight, splits, strict=True):
        of_split[split.inside] = rows.weight[split.inside]
    used = weight.any(axis=0)
    return rows[used], weight[:, used]


def _out_of_fold_std(of_splits, shifts, rows, splits, widths):
    """Return the standard deviation of the mixture of bins for held-out rows; see `predict`."""
    stds = []
    for fitted, shift, split in zip(of_splits, shifts, splits, strict=False):
        logits = fitted.logits(rows[split.outside])
        proba = softmax(logits, axis=1)
        centers = shift.centers + logits @ shift.slopes.T
        spread = (proba * centers**2).sum(axis=1) - (proba * centers).sum(axis=1) ** 2
        stds.append(np.sqrt(spread.clip(0) + proba @ widths**2 / 12))
    return np.concatenate(stds)


def _with_median(path, blend):
    """Add the error of the median to that of each penalty: no better means nothing is learned."""
    median = float(blend.errors["median"])
    return [{**tried, "median_mae": median} if "valid_mae" in tried else tried for tried in path]


def _beats_median(y_pred, rows):
    errors = np.abs(y_pred - rows.y), np.abs(rows.median() - rows.y)
    return rows.mean(errors[0]) < rows.mean(errors[1])


def _is_new_to_clip(blend):
    """Compare the errors of zero-shot CLIP and of the blend with that of the median."""
    median = blend.errors["median"]
    return bool(blend.errors.get("text", np.inf) > median and blend.error < 0.95 * median)


def _std_scale(held, y_pred, std):
    """Return the factor for which 90 % of labels are within 1.645 standard deviations.

    The quantile is raised a little, so that 90 % of *new* labels are covered on average.
    """
    ratio = np.abs(held.y - y_pred) / std
    quantile = min(COVERED * (1 + 1 / held.weight.sum()), 1.0)
    return float(max(weighted_quantile(ratio, quantile, held.weight) / 1.645, 1e-6))
