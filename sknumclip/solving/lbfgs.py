"""L-BFGS for many small problems at once, as SciPy solves one."""

from collections import deque

import numpy as np

__all__ = ["minimize_each"]

MEMORY = 10  # pairs of steps and changes of the gradient
LONGEST = 1.0  # of a step in any parameter: after a longer one, a model may be stuck far away
DECREASE = 1e-4  # least decrease, as a share of the promised one
FLAT, SAME = 1e-5, 2.2e-9  # a gradient, and a relative decrease, after which to stop
MOST_ROUNDS = 3  # evaluations per iteration
TINY = np.finfo(float).tiny


def minimize_each(function, x, n_iterations):
    """Minimize several functions, each of its own parameters.

    All of them are evaluated together, which for small problems takes little longer than one.
    Those that have converged, or whose step was too long and is being shortened, do not delay the
    others.

    Parameters
    ----------
    function : callable
        From parameters of shape (n_problems, n_parameters) to values of shape (n_problems,) and
        gradients of the shape of the parameters.
    x : ndarray of shape (n_problems, n_parameters)
        Where to start.
    n_iterations : int
        Largest number of iterations.

    Returns
    -------
    ndarray of shape (n_problems, n_parameters)
    """
    value, gradient = function(x)
    scale = 1 / np.sqrt(_dot(gradient, gradient)).clip(TINY)
    pairs, direction = deque(maxlen=MEMORY), -scale[:, None] * gradient
    step = _step(direction)
    left = np.where(_is_flat(gradient), 0, n_iterations)
    for _ in range(MOST_ROUNDS * n_iterations):
        if not left.any():
            break
        promised = -step * _dot(gradient, direction)
        new_x = x + (step * (left > 0))[:, None] * direction
        new_value, new_gradient = function(new_x)
        accepted = (left > 0) & (new_value <= value - DECREASE * promised)
        too_high = np.fmax(2 * (new_value - value + promised), promised.clip(TINY))  # or NaN
        step = step * (promised / too_high).clip(0.1, 0.5)  # the minimum of a parabola
        if not accepted.any():
            continue
        converged = value - new_value <= SAME * np.maximum(np.abs(value), 1)
        left = np.where(accepted, np.where(converged | _is_flat(new_gradient), 0, left - 1), left)
        value = np.where(accepted, new_value, value)
        new_x = np.where(accepted[:, None], new_x, x)
        new_gradient = np.where(accepted[:, None], new_gradient, gradient)
        moved, changed = new_x - x, new_gradient - gradient
        curvature, squared = _dot(moved, changed), _dot(changed, changed)
        # Skip pairs without curvature: they would lead uphill.
        useful = curvature > np.finfo(float).eps * squared
        pairs.append((moved, changed, np.where(useful, 1 / np.where(useful, curvature, 1), 0.0)))
        scale = np.where(useful, curvature / squared.clip(TINY), scale)
        x, gradient = new_x, new_gradient
        newton = _newton_direction(gradient, pairs, scale)
        direction = np.where(accepted[:, None], newton, direction)
        step = np.where(accepted, _step(newton), step)
    return x


def _newton_direction(gradient, pairs, scale):
    """Return minus the approximate inverse Hessian times the gradient (two-loop recursion)."""
    direction, shares = -gradient, []
    for moved, changed, weight in reversed(pairs):
        share = weight * _dot(moved, direction)
        direction -= share[:, None] * changed
        shares.append(share)
    direction *= scale[:, None]
    for (moved, changed, weight), share in zip(pairs, reversed(shares), strict=True):
        direction += (share - weight * _dot(changed, direction))[:, None] * moved
    return direction


def _step(direction):
    return np.minimum(1.0, LONGEST / np.abs(direction).max(axis=1).clip(TINY))


def _is_flat(gradient):
    return np.abs(gradient).max(axis=1) < FLAT


def _dot(a, b):
    return np.einsum("ij,ij->i", a, b)
