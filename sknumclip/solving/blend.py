"""Blend several models: choose the share of each by its out-of-fold predictions."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

__all__ = [
    "Blend",
    "blend_candidates",
    "prior_shares",
    "solve_shares",
    "strength_shares",
    "t_value",
]

CAUTION = 3.0  # the higher, the closer to the best penalty alone
STRENGTH, MORE_FOR_FEW = 3.0, 130.0  # strength of the prior for n samples: 3 + 130 / n samples
HUBER_WIDTH = 0.1  # in units of the error of the best model
EXACT = 1e-3  # smallest such error, in units of the mean absolute deviation of the labels


@dataclass(frozen=True)
class Blend:
    """Several models as one."""

    shares: dict
    """From the name of each model to its share; zero for any other name."""
    predictions: np.ndarray
    """Out of fold, shape (n,)."""
    error: float
    """Mean absolute error of these predictions."""
    errors: dict
    """From the name of each model to its own mean absolute error."""


def blend_candidates(candidates, y, weight, simple, rich):
    """Choose the share of each model.

    Parameters
    ----------
    candidates : dict of str to ndarray of shape (n,)
        Out-of-fold predictions of each model.
    y, weight : ndarray of shape (n,)
    simple, rich : list of str, str
        Models for few samples; see :func:`prior_shares`.

    Returns
    -------
    Blend
    """
    names, predictions = list(candidates), np.column_stack(list(candidates.values()))
    errors = np.abs(predictions - y[:, None])
    simple, rich = [names.index(name) for name in simple], names.index(rich)
    shares = solve_shares(predictions, y, weight, prior_shares(errors, weight, simple, rich))
    blended = predictions @ shares
    return Blend(
        defaultdict(float, zip(names, shares, strict=True)),
        blended,
        np.average(np.abs(blended - y), weights=weight),
        dict(zip(names, np.average(errors, axis=0, weights=weight), strict=True)),
    )


def strength_shares(errors, weight):
    """Weight all penalties that are about as good as the best one.

    The weight decreases with how many standard errors a penalty is worse than the best.

    Parameters
    ----------
    errors : ndarray of shape (n_penalties, n)
        Absolute errors of held-out rows.
    weight : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n_penalties,)
        Not negative; they sum to 1.
    """
    best = np.average(errors, axis=1, weights=weight).argmin()
    shares = np.array([np.exp(-CAUTION * t_value(row - errors[best], weight)) for row in errors])
    return shares / shares.sum()


def prior_shares(errors, weight, simple, rich):
    """Return the shares to prefer when there are too few samples to tell.

    A rich model and the better of the simple ones get half each, or more if the paired errors show
    that one of them is better.

    Parameters
    ----------
    errors : ndarray of shape (n, n_models)
        Absolute errors out of fold.
    weight : ndarray of shape (n,)
    simple : list of int, length 1 or 2
        Columns of models that learn little or nothing.
    rich : int
        Column of the rich model.

    Returns
    -------
    ndarray of shape (n_models,)
        Not negative; they sum to 1.
    """
    prior = np.zeros(errors.shape[1])
    prior[simple[0]] = 1.0
    best = simple[0]
    if len(simple) == 2:
        advantage = expit(2 * t_value(errors[:, simple[0]] - errors[:, simple[1]], weight))
        prior[simple] = 1 - advantage, advantage
        best = simple[int(advantage > 0.5)]
    share = expit(t_value(errors[:, best] - errors[:, rich], weight))
    prior *= 1 - share
    prior[rich] = share
    return prior


def t_value(differences, weight):
    """Return the weighted mean divided by its standard error."""
    mean, n = np.average(differences, weights=weight), weight.sum()
    variance = np.average((differences - mean) ** 2, weights=weight) / max(n - 1, 1.0)
    return mean / np.sqrt(variance + np.finfo(float).tiny) if mean else 0.0


def solve_shares(predictions, y, weight, prior):
    """Choose the shares with the least absolute error out of fold, near the prior ones.

    Parameters
    ----------
    predictions : ndarray of shape (n, n_models)
    y, weight : ndarray of shape (n,)
    prior : ndarray of shape (n_models,)

    Returns
    -------
    ndarray of shape (n_models,)
        Not negative; they sum to 1.
    """
    n = weight.sum()
    strength = (STRENGTH + MORE_FOR_FEW / n) / n
    # What errors are compared with: where labels can be told well, those of a good model are small.
    least = np.average(np.abs(predictions - y[:, None]), axis=0, weights=weight).min()
    deviation = np.average(np.abs(y - np.average(y, weights=weight)), weights=weight)
    scale = max(least, EXACT * deviation) or 1.0
    predictions, y = predictions / scale, y / scale

    def value_and_gradient(shares):
        error = predictions @ shares - y
        inner = np.clip(error, -HUBER_WIDTH, HUBER_WIDTH)
        huber = np.abs(inner) * (np.abs(error) - np.abs(inner) / 2) / HUBER_WIDTH
        away = shares - prior
        value = weight @ huber / n + strength * (away @ away)
        return value, predictions.T @ (weight * inner) / (HUBER_WIDTH * n) + 2 * strength * away

    shares = minimize(
        value_and_gradient,
        prior,
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * len(prior),
        constraints={
            "type": "eq",
            "fun": lambda shares: shares.sum() - 1,
            "jac": lambda shares: np.ones(len(shares)),
        },
    ).x
    shares = shares.clip(0, 1)
    return shares / shares.sum()
