"""Shifts of the centers are a ridge regression on the logits, separately within each bin."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import softmax

from sknumclip.solving.bins_model import FittedBins
from sknumclip.solving.rows import Rows
from sknumclip.solving.shifts import Shifts, solve_shifts


def predict(X, bins, shifts):
    logits = X @ bins.weights.T + bins.bias
    centers = shifts.centers + logits @ shifts.slopes.T
    return (softmax(logits, axis=1) * centers).sum(axis=1)


def bins_of(bias):
    return FittedBins(1.0, np.eye(2) * 2, bias, np.zeros(2))


@pytest.fixture
def problem():
    """Labels that rise faster in the second bin than in the first, of 300 rows in 3 splits."""
    rng = np.random.default_rng(0)
    X, bins = rng.normal(size=(300, 2)), bins_of(np.array([0.0, 1.0]))
    y = predict(X, bins, Shifts(np.array([0.0, 10.0]), np.array([[-1.0, 1.0], [-5.0, 5.0]])))
    no_bins, no_words = np.zeros(300, dtype=int), np.zeros((300, 2))
    rows = Rows(X, y, rng.uniform(1, 2, 300), no_bins, no_words)
    folds = np.array_split(np.arange(300), 3)
    splits = [
        SimpleNamespace(inside=np.setdiff1d(np.arange(300), fold), outside=fold) for fold in folds
    ]
    return rows, splits, bins


def test_slopes_within_bins_are_found(problem):
    rows, splits, bins = problem
    predictions, shifts = solve_shifts(rows, rows, splits, [bins] * 3, bins)
    assert np.abs(predictions - rows.y).mean() < 0.02 * rows.y.std()
    assert len(shifts) == 4  # of the splits and of all rows
    for one in shifts:
        np.testing.assert_allclose(predict(rows.X, bins, one), rows.y, atol=0.2 * rows.y.std())
    assert shifts[-1].slopes.sum(axis=1) == pytest.approx(0, abs=1e-9)  # only differences count


def test_predictions_of_rows_held_out_do_not_see_their_labels(problem):
    rows, splits, bins = problem
    _, shifts = solve_shifts(rows, rows, splits, [bins] * 3, bins)
    y = rows.y.copy()
    y[splits[0].outside] += 1000
    changed = replace(rows, y=y)
    _, others = solve_shifts(changed, rows, splits, [bins] * 3, bins)
    # All that changes is the penalty, which is chosen by the errors of all splits.
    np.testing.assert_allclose(others[0].slopes, shifts[0].slopes, rtol=0.1)
    assert not np.allclose(others[1].slopes, shifts[1].slopes, rtol=1)


def test_a_bin_that_hardly_any_row_is_in_gets_no_large_slopes(problem):
    rows, splits, _ = problem
    rare = bins_of(np.array([0.0, -12.0]))
    _, shifts = solve_shifts(rows, rows, splits, [rare] * 3, rare)
    far = predict(np.array([[0.0, 9.0]]), rare, shifts[-1])
    assert np.abs(far) < 20 * np.abs(rows.y).max()


def test_a_share_of_shifts_is_that_share_of_the_prediction(problem):
    rows, _, bins = problem
    shifts = Shifts(np.array([1.0, 2.0]), np.array([[1.0, -1.0], [3.0, -3.0]]))
    plain = predict(rows.X, bins, Shifts.none(2).blend(0.0, np.array([5.0, 7.0])))
    blend = predict(rows.X, bins, shifts.blend(0.25, np.array([5.0, 7.0])))
    np.testing.assert_allclose(blend, plain + 0.25 * predict(rows.X, bins, shifts))
