"""Quantile edges: bins that contain about the same number of labels each."""

import numpy as np

from .checks import check_span

__all__ = ["quantile_edges", "weighted_quantiles"]


def weighted_quantiles(values, quantiles, weight=None):
    """Compute quantiles as if each value were repeated as often as its weight says.

    They are interpolated like those of ``numpy.quantile``, which does so only without weights.
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
    # With fractional weights the formula stops short of the last value.
    return np.where(quantiles == 1, values[-1], np.where(quantiles == 0, values[0], found))


def quantile_edges(y, n_bins, weight=None):
    """Return edges, and centers if each label is its own bin (else None); see `from_quantiles`."""
    values = np.unique(y)
    if len(values) < 2:
        raise ValueError(
            "y must have at least two different values to make bins from it. Got "
            f"{y[:5].tolist()} and so on. Pass bins yourself, as in bins={{'child': (0, 13), ...}}."
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
            "on differ only by rounding. Use fewer bins, or subtract their mean from the labels."
        )
    check_span("the bin edges from y", edges[0], edges[-1])
    return edges, centers
