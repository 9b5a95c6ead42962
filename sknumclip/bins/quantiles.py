"""Edges of bins that hold about equally many labels."""

import numpy as np

from .checks import check_span

__all__ = ["quantile_edges"]


def quantile_edges(y, n_bins):
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
        edges, centers = np.quantile(y, np.linspace(0, 1, n_bins + 1)), None
        if (np.diff(edges) <= 0).any():
            edges = np.quantile(values, np.linspace(0, 1, n_bins + 1))
    if (np.diff(edges) <= 0).any():
        raise ValueError(
            f"Labels in y are too close together for {n_bins} bins: {values[:5].tolist()} and so "
            "on differ by rounding alone. Use fewer bins, or subtract their mean from the labels."
        )
    check_span("the edges of bins of y", edges[0], edges[-1])
    return edges, centers
