"""Solver for frozen fits: an optimization problem instead of epochs."""
