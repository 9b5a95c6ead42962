"""Bins model: fit weights, temperature and centers with L-BFGS, for a path of penalties."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from .lbfgs import minimize_each

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
        From Rows and weights to a function like the ones that
        :func:`~sknumclip.solving.ranking.ranking_of` returns.
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
            return y_pred, -np.log(proba[np.arange(len(rows)), rows.bin_index].clip(TINY))
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

    def solver(self, rows, weight, parameters=None):
        """Return a function from a penalty to its solutions, which starts from the last ones.

        Several models are solved at once, each of which learns from other rows.

        Parameters
        ----------
        rows : Rows
            Their own weights are ignored.
        weight : ndarray of shape (n_models, n)
            Weight of each row for each model; 0 for rows it does not learn from.
        parameters : ndarray of shape (n_models, n_parameters), default=None
            Where to start; by default, from zero-shot CLIP.

        Returns
        -------
        callable
            From a penalty to parameters of shape (n_models, n_parameters).
        """
        if parameters is None:
            parameters = np.zeros((len(weight), self.n_parameters))
        ranking = self.make_ranking(rows, weight)
        # As all arrays of the loss, with the rows last: sums over the few bins are fast then.
        zero_shot = np.ascontiguousarray(rows.zero_shot.T)

        def solve(penalty):
            nonlocal parameters
            loss = partial(
                self._loss,
                rows=rows,
                zero_shot=zero_shot,
                weight=weight,
                ranking=ranking,
                penalty=penalty,
            )
            parameters = minimize_each(loss, parameters, n_iterations(penalty))
            return parameters

        return solve

    def _loss(self, parameters, rows, zero_shot, weight, ranking, penalty):
        """Return the mean loss of each model and its gradient with respect to the parameters."""
        unit, shape = 100 / self.bins.range, (len(parameters), self.bins.n_bins, len(rows))
        weights, bias, shift, temperature = self._split(parameters)
        scaled = zero_shot * _factor(temperature)[:, :, None]
        logits = (weights.reshape(-1, self.n_coordinates) @ rows.X.T).reshape(shape)
        logits += scaled + bias[:, :, None]
        proba = _softmax(logits)
        centers, slopes = self._moved(shift)
        value, by_logits = ranking(logits)
        if self.classifies:
            own = slice(None), rows.bin_index, np.arange(len(rows))
            losses, by_y_pred = -np.log(proba[own].clip(TINY)), np.zeros_like(weight)
            by_logits += weight[:, None] * proba
            by_logits[own] -= weight
        else:
            y_pred = np.einsum("mkn,mk->mn", proba, centers)
            error = (y_pred - rows.y) * unit
            inner = error.clip(-HUBER_WIDTH, HUBER_WIDTH) / HUBER_WIDTH
            losses, by_y_pred = inner * (error - inner * HUBER_WIDTH / 2), weight * inner * unit
            by_logits += proba * (centers[:, :, None] - y_pred[:, None]) * by_y_pred[:, None]
        gradient = np.empty_like(parameters)
        by_weights, by_bias, by_shift, by_temperature = self._split(gradient)
        by_weights[:] = (by_logits.reshape(-1, len(rows)) @ rows.X).reshape(weights.shape)
        by_weights += penalty / 5 * weights
        by_bias[:] = by_logits.sum(axis=2) + 2 * BIAS_PENALTY * bias
        by_shift[:] = np.einsum("mkn,mn->mk", proba, by_y_pred) * slopes + 2 * SHIFT_PENALTY * shift
        by_temperature[:] = np.einsum("mkn,mkn->m", by_logits, scaled)[:, None]
        by_temperature += 2 * TEMPERATURE_PENALTY * temperature
        value += (
            np.einsum("mn,mn->m", losses, weight)
            + penalty / 10 * np.einsum("mkc,mkc->m", weights, weights)
            + BIAS_PENALTY * (bias**2).sum(axis=1)
            + SHIFT_PENALTY * (shift**2).sum(axis=1)
            + TEMPERATURE_PENALTY * temperature[:, 0] ** 2
        )
        n = weight.sum(axis=1)
        return value / n, gradient / n[:, None]

    def _moved(self, shift):
        """Return the moved centers minus the lower end, and their derivatives by `shift`."""
        origin, centers = self.bins.edges[0], self.centers
        tanh = np.tanh(shift)
        delta, slope = self.max_shift * tanh, self.max_shift * (1 - tanh**2)
        if self.shift == "width":
            return centers - origin + delta * self.widths, slope * self.widths
        if self.shift == "relative":  # Eq. 1 of the paper
            return centers / (1 + delta) - origin, -slope * centers / (1 + delta) ** 2
        return np.broadcast_to(centers - origin, shift.shape), np.zeros_like(shift)

    def _split(self, parameters):
        """Split the last axis into views: weights, bias, shift and temperature."""
        n_bins = self.bins.n_bins
        rest = self.n_parameters - 2 * n_bins - 1
        weights, bias, shift, temperature = np.split(
            parameters, [rest, rest + n_bins, rest + 2 * n_bins], axis=-1
        )
        return weights.reshape(*weights.shape[:-1], n_bins, -1), bias, shift, temperature


def _factor(temperature):
    return np.exp(temperature.clip(-LARGEST, LARGEST))


def _softmax(logits):
    """Softmax over the second axis: for few rows, several times as fast as scipy's."""
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    exps /= exps.sum(axis=1, keepdims=True)
    return exps
