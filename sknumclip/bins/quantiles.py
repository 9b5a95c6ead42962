"""Edges of bins that hold about equally many labels."""

import numpy as np

from .checks import check_span

__all__ = ["quantile_edges", "weighted_quantiles"]


def weighted_quantiles(values, quantiles, weight=None):
    """Quantiles of values of which each is there as often as it weighs.

    Interpolated as by ``numpy.quantile``, which interpolates only where there are no weights.
    """
    if weight is None or (weight == 1).all():
        return np.quantile(values, quantiles)
    order = np.argsort(values)
    values, n_below = values[order], np.cumsum(weight[order])
    places = quantiles * (n_below[-1] - 1)
    below = np.floor(places)
    last = len(values) - 1
    lower, upper = (
        values[np.searchsorted(n_below, place, side="right").clip(0, last)]
        for place in (below, below + 1)
    )
    found = lower + (upper - lower) * (places - below)
    # With fractions of samples, counting from one end stops short of the other.
    return np.where(quantiles == 1, values[-1], np.where(quantiles == 0, values[0], found))


def quantile_edges(y, n_bins, weight=None):
    """Edges and, where labels are bins of their own, centers; see `from_quantiles`."""
    values = np.unique(y)
    if len(values) < 2:
        raise ValueError(
            f"y must have at least two different values to make bins of it. Got {y[:5].tolist()} "
            "and so on. Name the bins yourself, as in bins={'child': (0, 13), ...}."
        )
    check_span("y", values[0], values[-1])
    if len(values) <= n_bins:
        between = (values[1:] + values[:-1]) / 2
        first, last = 2 * values[0] - between[0], 2 * values[-1] - between[-1]
        edges, centers = np.array([first, *between, last]), tuple(values)
    else:
        edges, centers = weighted_quantiles(y, np.linspace(0, 1, n_bins + 1), weight), None
        if (np.diff(edges) <= 0).any():
            edges = np.quantile(values, np.linspace(0, 1, n_bins + 1))
    if (np.diff(edges) <= 0).any():
        raise ValueError(
            f"Labels in y are too close together for {n_bins} bins: {values[:5].tolist()} and so "
            "on differ by rounding alone. Use fewer bins, or subtract their mean from the labels."
        )
    check_span("the edges of bins of y", edges[0], edges[-1])
    return edges, centers
