"""Bins model: fit weights, temperature and centers with L-BFGS, for a path of penalties."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

__all__ = ["PENALTIES", "BinsModel", "FittedBins"]

# From so strong a penalty that the model is zero-shot CLIP to nearly none.
PENALTIES = 10.0 ** np.arange(5, -4, -1)


def n_iterations(penalty):
    """Return the iterations for one penalty: under a strong one, the model hardly moves."""
    return 10 if penalty >= 100 else 30


TINY = np.finfo(float).tiny
HUBER_WIDTH = 3.0  # in percent of the label range
LARGEST = 20.0  # logarithm of a temperature; a step of the line search may be too long
# Keep the other parameters near zero-shot CLIP when there are few samples.
BIAS_PENALTY, SHIFT_PENALTY, TEMPERATURE_PENALTY = 0.3, 1.0, 0.3


@dataclass(frozen=True)
class FittedBins:
    """Logits factor · zero-shot logits + weights · coordinates + bias, and the moved centers."""

    factor: float
    weights: np.ndarray
    """Shape (n_bins, n_coordinates)."""
    bias: np.ndarray
    """Shape (n_bins,)."""
    centers: np.ndarray
    """Minus the lower end of the bins, shape (n_bins,)."""

    def logits(self, rows):
        """Return the logits, shape (n, n_bins)."""
        return self.factor * rows.zero_shot + rows.X @ self.weights.T + self.bias

    def proba(self, rows):
        """Return the probabilities of the bins, shape (n, n_bins)."""
        return _softmax(self.logits(rows))

    def predict(self, rows):
        """Predict labels minus the lower end of the bins, shape (n,)."""
        return self.proba(rows) @ self.centers


class BinsModel:
    """Softmax over bins whose logits are pulled toward those of zero-shot CLIP.

    Parameters
    ----------
    bins : LinguisticBins
    n_coordinates : int
        Number of columns of the rows' X.
    shift : {"relative", "width", "none"}
    max_shift : float
    make_ranking : callable
        From Rows to a function like the ones that :func:`~sknumclip.solving.ranking.ranking_of`
        returns.
    classifies : bool, default=False
        Whether bins are classes: then the other loss is the cross-entropy instead of the error.

    Notes
    -----
    All parameters are in one vector: the weights, a bias and a shift for each bin, and the
    logarithm of the factor on the zero-shot logits. All zeros are zero-shot CLIP.
    """

    def __init__(self, bins, n_coordinates, shift, max_shift, make_ranking, classifies=False):
        self.bins, self.n_coordinates, self.classifies = bins, n_coordinates, classifies
        self.widths, self.centers = np.array(bins.widths), np.array(bins.centers)
        self.shift, self.max_shift, self.make_ranking = shift, max_shift, make_ranking

    @property
    def n_parameters(self):
        """Length of the parameter vector."""
        return self.bins.n_bins * (self.n_coordinates + 2) + 1

    def fitted(self, parameters):
        """Return the model that a parameter vector stands for."""
        weights, bias, shift, temperature = self._split(parameters)
        return FittedBins(_factor(temperature[0]), weights, bias, self._moved(shift)[0])

    def evaluate(self, parameters, rows):
        """Return predictions and errors (a classifier's log losses), each of shape (n,)."""
        fitted = self.fitted(parameters)
        proba = fitted.proba(rows)
        y_pred = proba @ fitted.centers
        if self.classifies:
            return y_pred, _log_losses(proba, rows.bin_index)
        return y_pred, np.abs(y_pred - rows.y)

    def average(self, paths, shares, rows):
        """Average the parameters of several models into one.

        Where the models differ much, the average of their parameters may predict badly. So the
        centers are shifted and stretched until the predictions for `rows` have the mean and the
        slope of the models' average prediction.

        Parameters
        ----------
        paths : list of ndarray of shape (n_penalties, n_parameters)
            One per model; all have the same weight.
        shares : ndarray of shape (n_penalties,)
            Weight of each penalty; they sum to 1.
        rows : Rows

        Returns
        -------
        FittedBins
        """
        middle = self.fitted(np.mean([shares @ path for path in paths], axis=0))
        y_pred = middle.predict(rows)
        average = np.mean(
            [
                sum(
                    share * self.fitted(parameters).predict(rows)
                    for share, parameters in zip(shares, path, strict=True)
                )
                for path in paths
            ],
            axis=0,
        )
        mean, start = rows.mean(average), rows.mean(y_pred)
        off = y_pred - start
        least = (1e-3 * self.bins.range) ** 2  # less is rounding noise
        slope = rows.mean(off * (average - mean)) / max(rows.mean(off**2), least)
        return replace(middle, centers=mean + slope * (middle.centers - start))

    def path(self, rows, penalties=PENALTIES, parameters=None):
        """Return the solution for each penalty, shape (n_penalties, n_parameters)."""
        solve = self.solver(rows, parameters)
        return np.array([solve(penalty) for penalty in penalties])

    def solver(self, rows, parameters=None):
        """Return a function from a penalty to its solution, which starts from the last one."""
        parameters = np.zeros(self.n_parameters) if parameters is None else parameters
        ranking = self.make_ranking(rows)
        # Columns in one piece: then reductions over the few bins of a row are fast.
        rows = replace(rows, zero_shot=np.asfortranarray(rows.zero_shot))

        def solve(penalty):
            nonlocal parameters
            parameters = minimize(
                self._loss,
                parameters,
                (rows, ranking, penalty),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": n_iterations(penalty)},
            ).x
            return parameters

        return solve

    def _loss(self, parameters, rows, ranking, penalty):
        """Return the mean loss and its gradient with respect to the parameters."""
        times, unit = rows.weight, 100 / self.bins.range
        weights, bias, shift, temperature = self._split(parameters)
        scaled = rows.zero_shot * _factor(temperature)
        logits = scaled + (weights @ rows.X.T).T + bias
        proba = _softmax(logits)
        centers, slopes = self._moved(shift)
        ranked, by_logits = ranking(logits)
        if self.classifies:
            losses = _log_losses(proba, rows.bin_index)
            by_y_pred = np.zeros(len(proba))
            by_logits += times[:, None] * proba
            by_logits[np.arange(len(proba)), rows.bin_index] -= times
        else:
            y_pred = proba @ centers
            error = (y_pred - rows.y) * unit
            inner = np.minimum(np.maximum(error, -HUBER_WIDTH), HUBER_WIDTH) / HUBER_WIDTH
            losses, by_y_pred = inner * (error - inner * HUBER_WIDTH / 2), times * inner * unit
            by_logits += proba * (centers - y_pred[:, None]) * by_y_pred[:, None]
        gradient = np.empty_like(parameters)
        by_weights, by_bias, by_shift, by_temperature = self._split(gradient)
        by_weights[:] = by_logits.T @ rows.X + penalty / 5 * weights
        by_bias[:] = by_logits.sum(axis=0) + 2 * BIAS_PENALTY * bias
        by_shift[:] = by_y_pred @ proba * slopes + 2 * SHIFT_PENALTY * shift
        by_temperature[:] = np.vdot(by_logits, scaled) + 2 * TEMPERATURE_PENALTY * temperature
        penalized = (
            penalty / 10 * np.vdot(weights, weights)
            + BIAS_PENALTY * (bias @ bias)
            + SHIFT_PENALTY * (shift @ shift)
            + TEMPERATURE_PENALTY * (temperature @ temperature)
        )
        n = times.sum()
        return (losses @ times + ranked + penalized) / n, gradient / n

    def _moved(self, shift):
        """Return the moved centers minus the lower end, and their derivatives by `shift`."""
        origin, centers = self.bins.edges[0], self.centers
        tanh = np.tanh(shift)
        delta, slope = self.max_shift * tanh, self.max_shift * (1 - tanh**2)
        if self.shift == "width":
            return centers - origin + delta * self.widths, slope * self.widths
        if self.shift == "relative":  # Eq. 1 of the paper
            return centers / (1 + delta) - origin, -slope * centers / (1 + delta) ** 2
        return centers - origin, np.zeros_like(shift)

    def _split(self, parameters):
        """Split `parameters` into views: weights, bias, shift and temperature."""
        n_bins = self.bins.n_bins
        rest = len(parameters) - 2 * n_bins - 1
        bias, shift = parameters[rest : rest + n_bins], parameters[rest + n_bins : -1]
        return parameters[:rest].reshape(n_bins, -1), bias, shift, parameters[-1:]


def _factor(temperature):
    return np.exp(temperature.clip(-LARGEST, LARGEST))


def _log_losses(proba, bin_index):
    return -np.log(proba[np.arange(len(proba)), bin_index].clip(TINY))


def _softmax(logits):
    """Softmax of each row: for few rows, several times as fast as scipy's."""
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    exps /= exps.sum(axis=1, keepdims=True)
    return exps
