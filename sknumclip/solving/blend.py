"""Shares of several models in one, chosen by what each predicts out of fold."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

__all__ = ["prior_shares", "solve_shares", "strength_shares"]

CAUTION = 3.0  # the more, the closer to the best strength alone
STRENGTH = 3.0  # of the prior, in samples
HUBER_WIDTH = 0.1  # in mean absolute deviations of the labels


def strength_shares(errors, weight):
    """Say how far to trust each strength of a penalty: all that are about as good as the best.

    A share falls with how many standard errors a strength is worse than the best one.

    Parameters
    ----------
    errors : ndarray of shape (n_strengths, n)
        Absolute errors of rows that were held out.
    weight : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n_strengths,)
        At least 0, with the sum 1.
    """
    best = np.average(errors, axis=1, weights=weight).argmin()
    shares = np.array([np.exp(-CAUTION * _t_value(row - errors[best], weight)) for row in errors])
    return shares / shares.sum()


def prior_shares(errors, weight, simple, rich):
    """Say how the shares should be where there are too few samples to tell.

    Half each for a rich model and the better of the simple ones; more for the rich model, or the
    simple one, as far as paired errors say that it is better.

    Parameters
    ----------
    errors : ndarray of shape (n, n_models)
        Absolute errors out of fold.
    weight : ndarray of shape (n,)
    simple : list of int, length 1 or 2
        Models that learn nothing, or next to it.
    rich : int

    Returns
    -------
    ndarray of shape (n_models,)
        At least 0, with the sum 1.
    """
    prior = np.zeros(errors.shape[1])
    prior[simple[0]] = 1.0
    best = simple[0]
    if len(simple) == 2:
        advantage = expit(2 * _t_value(errors[:, simple[0]] - errors[:, simple[1]], weight))
        prior[simple] = 1 - advantage, advantage
        best = simple[int(advantage > 0.5)]
    share = expit(_t_value(errors[:, best] - errors[:, rich], weight))
    prior *= 1 - share
    prior[rich] = share
    return prior


def _t_value(differences, weight):
    mean, n = np.average(differences, weights=weight), weight.sum()
    variance = np.average((differences - mean) ** 2, weights=weight) / max(n - 1, 1.0)
    return mean / np.sqrt(variance + np.finfo(float).tiny) if mean else 0.0


def solve_shares(predictions, y, weight, prior):
    """Choose shares that are at least 0 and sum to 1 by their absolute error out of fold.

    Parameters
    ----------
    predictions : ndarray of shape (n, n_models)
    y, weight : ndarray of shape (n,)
    prior : ndarray of shape (n_models,)

    Returns
    -------
    ndarray of shape (n_models,)
    """
    scale = np.abs(y - np.average(y, weights=weight)).mean() or 1.0
    predictions, y, n = predictions / scale, y / scale, weight.sum()

    def value_and_gradient(shares):
        error = predictions @ shares - y
        inner = np.clip(error, -HUBER_WIDTH, HUBER_WIDTH)
        huber = np.abs(inner) * (np.abs(error) - np.abs(inner) / 2) / HUBER_WIDTH
        away = shares - prior
        value = weight @ huber / n + STRENGTH / n * (away @ away)
        return value, predictions.T @ (weight * inner) / (HUBER_WIDTH * n) + 2 * STRENGTH / n * away

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
