"""Solve a frozen fit: bins model, zero-shot CLIP, ridge and median, blended out of fold."""

from collections import defaultdict
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import softmax

from .bins_model import PENALTIES, BinsModel
from .blend import prior_shares, solve_shares, strength_shares
from .ranking import ranking_of
from .ridge import ridge_path
from .rows import Rows, folds_of, merge_rows, n_folds, weighted_quantile
from .scaling import Scaling, standard_scaling
from .shifts import MANY_BINS, Shifts, solve_shifts

__all__ = ["Problem", "Solution", "n_steps", "solve"]

# With more rows, the penalty is chosen on this many, of which one part of five is held out.
MANY_ROWS = 20_000
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

    weights: np.ndarray
    """Of the bins, shape (n_bins, n_features)."""
    bias: np.ndarray
    """Of the bins, shape (n_bins,)."""
    centers: np.ndarray
    """Moved centers times the share of the bins model, shape (n_bins,)."""
    slopes: np.ndarray
    """Movement of each center per unit of each logit, shape (n_bins, n_bins)."""
    text_share: float
    """Share of zero-shot CLIP."""
    coefficients: np.ndarray
    """Of the linear part, shape (n_features,)."""
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
    splits = _splits(rows, problem.seed)
    held, tested = _held(rows, splits)
    standard = standard_scaling(rows)
    own = _own_scaling(standard, problem)
    scaled = own.rows(rows)
    model = BinsModel(
        _start(rows, problem),
        problem.bins,
        problem.shift,
        problem.max_shift,
        partial(ranking_of, problem.ranking_loss, bins=problem.bins),
        problem.classifies,
    )
    bins = _solve_bins(model, scaled, held, splits, advance)
    shifted, shifts = None, [Shifts.none(model.bins.n_bins)] * (len(splits) + 1)
    if problem.shift != "none" and problem.bins.n_bins <= MANY_BINS:
        shifted, shifts = solve_shifts(scaled, held, splits, bins.of_splits, bins.parts)
    medians = [np.full(len(split.outside), rows[split.inside].median()) for split in splits]
    candidates = {"bins": bins.predictions, "median": np.concatenate(medians)}
    if problem.text_weights is not None:
        candidates["text"] = model.predict(np.zeros(model.n_parameters), scaled.X[tested])
    simple = list(range(1, len(candidates)))
    ridges = [_solve_ridge(rows, scaling, tested) for scaling in _ridge_scalings(standard, problem)]
    rich = 0 if problem.text_weights is not None else len(candidates) + len(ridges) - 1
    candidates |= {i: ridge[0] for i, ridge in enumerate(ridges)}
    if shifted is not None:
        candidates["shifted"] = shifted
    predictions = np.column_stack(list(candidates.values()))
    errors = np.abs(predictions - held.y[:, None])
    prior = prior_shares(errors, held.weight, simple, rich)
    blend = solve_shares(predictions, held.y, held.weight, prior)
    shares = defaultdict(float, zip(candidates, blend, strict=True))
    shifts = [
        shift.blend(shares["shifted"], shares["bins"] * part[2])
        for shift, part in zip(shifts, [*bins.of_splits, bins.parts], strict=True)
    ]
    std = _out_of_fold_std(bins.of_splits, shifts, scaled, splits, model.widths)
    weights, bias = own.undo(*bins.parts[:2])
    return Solution(
        weights=weights,
        bias=bias,
        centers=shifts[-1].centers,
        slopes=shifts[-1].slopes,
        text_share=shares["text"],
        coefficients=sum(shares[i] * ridge[1] for i, ridge in enumerate(ridges)),
        intercept=shares["median"] * rows.median()
        + sum(shares[i] * ridge[2] for i, ridge in enumerate(ridges)),
        std_scale=_std_scale(held, predictions @ blend, std),
        is_new_to_clip=_is_new_to_clip(
            dict(zip(candidates, np.average(errors, axis=0, weights=held.weight), strict=True)),
            np.average(np.abs(predictions @ blend - held.y), weights=held.weight),
        ),
        path=bins.path,
    )


def n_steps(n_rows):
    """Return the number of solutions: penalties times folds."""
    return len(PENALTIES) * (n_folds(n_rows) * n_repeats(n_rows) if n_rows <= MANY_ROWS else 1)


def n_repeats(n_rows):
    """Return how often rows are cut into folds: the fewer rows, the more the cut matters."""
    return 4 if n_rows <= 50 else 2 if n_rows <= 200 else 1


def _splits(rows, seed):
    n = len(rows)
    if n <= MANY_ROWS:
        rng = np.random.default_rng(seed)
        folds = [fold for _ in range(n_repeats(n)) for fold in folds_of(rows, rng)]
        return [_Held(np.setdiff1d(np.arange(n), fold), fold) for fold in folds]
    some = np.random.default_rng(seed).permutation(n)[:MANY_ROWS]
    return [_Held(some[MANY_ROWS // 5 :], some[: MANY_ROWS // 5])]


def _held(rows, splits):
    """Return the held-out rows, each counted once over all repeats, and their indices."""
    tested = np.concatenate([split.outside for split in splits])
    held = rows[tested]
    times = np.bincount(tested, minlength=len(rows))[tested]
    return Rows(held.X, held.y, held.weight / times, held.bin_index), tested


def _start(rows, problem):
    if problem.text_weights is not None:
        return problem.text_weights.astype(np.float64)
    return np.zeros((problem.bins.n_bins, rows.X.shape[1]))


def _own_scaling(standard, problem):
    """Leave CLIP embeddings as they are, to be compared with texts; scale other features."""
    if problem.text_weights is not None:
        return Scaling(np.zeros_like(standard.mean), np.ones_like(standard.scale))
    return Scaling(standard.mean, standard.scale * np.sqrt(len(standard.scale)))


def _ridge_scalings(standard, problem):
    """Scale each column by its own standard deviation; other features also all by one."""
    if problem.text_weights is not None:
        return [standard]
    return [standard, Scaling(standard.mean, np.full_like(standard.scale, standard.scale.mean()))]


@dataclass(frozen=True)
class _SolvedBins:
    """The bins model and its out-of-fold predictions."""

    parts: tuple
    """Weights, biases and centers; see :meth:`BinsModel.parts`."""
    of_splits: list
    """The same for the model of each split."""
    path: list
    predictions: np.ndarray


def _solve_bins(model, rows, held, splits, advance):
    solved, predictions, errors = _solve_paths(model, rows, held, splits, advance)
    shares = strength_shares(errors, held.weight)
    errors = np.average(errors, axis=1, weights=held.weight)
    if len(rows) > MANY_ROWS:
        best = int(errors.argmin())
        start = np.mean([shares @ steps for steps in solved], axis=0)
        parts = model.parts(model.path(rows, PENALTIES[best : best + 1], start)[0])
    else:
        # The average of the folds' models predicts better than one model of all rows.
        parts = model.average(solved, shares, rows)
    name = "valid_log_loss" if model.classifies else "valid_mae"
    path = [
        {"penalty": float(penalty), name: float(error)}
        for penalty, error in zip(PENALTIES, errors, strict=False)
    ]
    of_splits = [model.parts(shares @ steps) for steps in solved]
    return _SolvedBins(parts, of_splits, path, shares @ predictions)


def _solve_paths(model, rows, held, splits, advance):
    """Solve for one penalty after another on each split, until they only make it worse.

    Returns
    -------
    solved : ndarray of shape (n_splits, n_penalties, n_parameters)
    predictions, errors : ndarray of shape (n_penalties, n_held)
        Of the held-out rows; see :meth:`BinsModel.evaluate`.
    """
    solvers = [model.solver(rows[split.inside]) for split in splits]
    solved, predictions, errors = [], [], []
    for penalty in PENALTIES:
        of_splits, evaluated = [], []
        for solver, split in zip(solvers, splits, strict=True):
            of_splits.append(solver(penalty))
            evaluated.append(model.evaluate(of_splits[-1], rows[split.outside]))
            advance()
        solved.append(of_splits)
        of_rows = np.concatenate(evaluated, axis=1)
        predictions.append(of_rows[0])
        errors.append(of_rows[1])
        shares = strength_shares(np.array(errors), held.weight)
        if len(shares) > 2 and shares[-2:].sum() < NEGLIGIBLE:
            break
    return np.array(solved).swapaxes(0, 1), np.array(predictions), np.array(errors)


def _solve_ridge(rows, scaling, tested):
    """Return leave-one-out predictions, and coefficients and intercept of the fit to all rows."""
    coefficients, intercepts, left_out = ridge_path(scaling.rows(rows), tested)
    shares = strength_shares(np.abs(left_out - rows.y[tested]), rows.weight[tested])
    return shares @ left_out, *scaling.undo(shares @ coefficients, shares @ intercepts)


def _out_of_fold_std(of_splits, shifts, rows, splits, widths):
    """Return the standard deviation of the mixture of bins for held-out rows; see `predict`."""
    stds = []
    for (weights, bias, _), shift, split in zip(of_splits, shifts, splits, strict=False):
        logits = rows.X[split.outside] @ weights.T + bias
        proba = softmax(logits, axis=1)
        centers = shift.centers + logits @ shift.slopes.T
        spread = (proba * centers**2).sum(axis=1) - (proba * centers).sum(axis=1) ** 2
        stds.append(np.sqrt(spread.clip(0) + proba @ widths**2 / 12))
    return np.concatenate(stds)


def _is_new_to_clip(errors, error):
    """Compare the error of zero-shot CLIP and of the solution with that of the median."""
    return bool(errors.get("text", np.inf) > errors["median"] and error < 0.9 * errors["median"])


def _std_scale(held, y_pred, std):
    """Return the factor for which 90 % of labels are within 1.645 standard deviations.

    The quantile is raised a little, so that 90 % of *new* labels are covered on average.
    """
    ratio = np.abs(held.y - y_pred) / std
    quantile = min(COVERED * (1 + 1 / held.weight.sum()), 1.0)
    return float(max(weighted_quantile(ratio, quantile, held.weight) / 1.645, 1e-6))
