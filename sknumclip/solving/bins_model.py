"""The NumCLIP head as a convex-ish problem: bins, temperature and centers by L-BFGS."""

import numpy as np
import torch
from scipy.optimize import minimize

from ..model.modules import SHIFTS

__all__ = ["PENALTIES", "BinsModel"]

# Of the path, from what is zero-shot CLIP to what is hardly penalized.
PENALTIES = 10.0 ** np.arange(5, -4, -1)
N_ITERATIONS = 30  # for each penalty; the next one starts where the last one ended
HUBER_WIDTH = 3.0  # in hundredths of the label range
# Of what each bin has besides its weights, so that it stays near zero-shot CLIP for few samples.
BIAS_PENALTY, SHIFT_PENALTY, TEMPERATURE_PENALTY = 0.3, 1.0, 0.3


class BinsModel:
    """Softmax over bins whose weights start from text features, penalized for how far they go.

    Parameters
    ----------
    start : float64 ndarray of shape (n_bins, n_features)
        Weights to start from: text features over the temperature, or zeros.
    bins : LinguisticBins
    shift : {"relative", "width", "none"}
    max_shift : float
    ranking_loss : callable
        As the values of ``RANKING_LOSSES``, with `beta` filled in.

    Notes
    -----
    Parameters are one vector: how far the weights are from the start, then a bias and a shift for
    each bin, then the logarithm of the factor on the start.
    """

    def __init__(self, start, bins, shift, max_shift, ranking_loss):
        self.start = torch.from_numpy(start)
        self.range, self.origin = bins.range, bins.edges[0]
        self.centers = torch.tensor(bins.centers, dtype=torch.float64) - self.origin
        self.widths = torch.tensor(bins.widths, dtype=torch.float64)
        self.shift, self.max_shift, self.ranking_loss = shift, max_shift, ranking_loss

    @property
    def n_parameters(self):
        """How long the vector of parameters is."""
        return self.start.numel() + 2 * len(self.start) + 1

    def parts(self, parameters):
        """Return weights (n_bins, n_features), biases (n_bins,) and moved centers (n_bins,)."""
        step, bias, shift, temperature = self._split(parameters)
        delta = self.max_shift * torch.tanh(shift)
        centers = SHIFTS[self.shift](self.centers, self.widths, delta[None], self.origin)[0]
        return self.start * temperature.exp() + step, bias, centers

    def _split(self, parameters):
        n_bins, n_features = self.start.shape
        step, bias, shift, temperature = parameters.split([n_bins * n_features, n_bins, n_bins, 1])
        return step.view(n_bins, n_features), bias, shift, temperature

    def _outputs(self, parameters, X):
        weights, bias, centers = self.parts(parameters)
        logits = X @ weights.T + bias
        return logits, logits.softmax(dim=1) @ centers

    def predict(self, parameters, X):
        """Predict labels, counted from the lower end of the bins, ndarray of shape (n,)."""
        with torch.no_grad():
            _, y_pred = self._outputs(torch.from_numpy(parameters), torch.from_numpy(X))
        return y_pred.numpy()

    def path(self, rows, penalties=PENALTIES, parameters=None, advance=lambda: None):
        """Solve for each penalty, ndarray of shape (n_penalties, n_parameters)."""
        solved = []
        parameters = np.zeros(self.n_parameters) if parameters is None else parameters
        loss_of = self._loss(rows)
        for penalty in penalties:

            def value_and_gradient(values, penalty=penalty):
                variables = torch.from_numpy(values).requires_grad_(True)
                loss = loss_of(variables, penalty)
                loss.backward()
                return loss.item(), variables.grad.numpy()

            parameters = minimize(
                value_and_gradient,
                parameters,
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": N_ITERATIONS},
            ).x
            solved.append(parameters)
            advance()
        return np.array(solved)

    def _loss(self, rows):
        X, y = torch.from_numpy(rows.X), torch.from_numpy(rows.y)
        bin_index, n = torch.from_numpy(rows.bin_index), rows.weight.sum()
        times = torch.from_numpy(rows.weight)

        def loss(parameters, penalty):
            logits, y_pred = self._outputs(parameters, X)
            error = ((y_pred - y) * (100 / self.range)).abs()
            quadratic = error.clamp(max=HUBER_WIDTH)
            huber = quadratic * (error - quadratic / 2) / HUBER_WIDTH
            ranking = self.ranking_loss(
                logits,
                bin_index,
                y,
                label_range=self.range,
                sample_weight=times,
                bins_are_ranges=True,
            )
            step, bias, shift, temperature = self._split(parameters)
            fixed = (
                BIAS_PENALTY * bias.square().sum()
                + SHIFT_PENALTY * shift.square().sum()
                + TEMPERATURE_PENALTY * temperature.square().sum()
            )
            penalized = penalty / 10 * step.square().sum() + fixed
            return (huber @ times + ranking * len(y) + penalized) / n

        return loss
