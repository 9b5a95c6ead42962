"""Shifts of the centers are a ridge regression on the logits, separately within each bin."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import softmax

from sknumclip.solving.rows import Rows
from sknumclip.solving.shifts import Shifts, solve_shifts


def predict(X, parts, shifts):
    logits = X @ parts[0].T + parts[1]
    centers = shifts.centers + logits @ shifts.slopes.T
    return (softmax(logits, axis=1) * centers).sum(axis=1)


@pytest.fixture
def problem():
    """Labels that rise faster in the second bin than in the first, of 300 rows in 3 splits."""
    rng = np.random.default_rng(0)
    X, parts = rng.normal(size=(300, 2)), (np.eye(2) * 2, np.array([0.0, 1.0]), np.zeros(2))
    y = predict(X, parts, Shifts(np.array([0.0, 10.0]), np.array([[-1.0, 1.0], [-5.0, 5.0]])))
    rows = Rows(X, y, rng.uniform(1, 2, 300), np.zeros(300, dtype=int))
    folds = np.array_split(np.arange(300), 3)
    splits = [
        SimpleNamespace(inside=np.setdiff1d(np.arange(300), fold), outside=fold) for fold in folds
    ]
    return rows, splits, parts


def test_slopes_within_bins_are_found(problem):
    rows, splits, parts = problem
    predictions, shifts = solve_shifts(rows, rows, splits, [parts] * 3, parts)
    assert np.abs(predictions - rows.y).mean() < 0.02 * rows.y.std()
    assert len(shifts) == 4  # of the splits and of all rows
    for one in shifts:
        np.testing.assert_allclose(predict(rows.X, parts, one), rows.y, atol=0.2 * rows.y.std())
    assert shifts[-1].slopes.sum(axis=1) == pytest.approx(0, abs=1e-9)  # only differences count


def test_predictions_of_rows_held_out_do_not_see_their_labels(problem):
    rows, splits, parts = problem
    _, shifts = solve_shifts(rows, rows, splits, [parts] * 3, parts)
    y = rows.y.copy()
    y[splits[0].outside] += 1000
    changed = Rows(rows.X, y, rows.weight, rows.bin_index)
    _, others = solve_shifts(changed, rows, splits, [parts] * 3, parts)
    # All that changes is the penalty, which is chosen by the errors of all splits.
    np.testing.assert_allclose(others[0].slopes, shifts[0].slopes, rtol=0.1)
    assert not np.allclose(others[1].slopes, shifts[1].slopes, rtol=1)


def test_a_bin_that_hardly_any_row_is_in_gets_no_large_slopes(problem):
    rows, splits, parts = problem
    weights, _, centers = parts
    rare = (weights, np.array([0.0, -12.0]), centers)
    _, shifts = solve_shifts(rows, rows, splits, [rare] * 3, rare)
    far = predict(np.array([[0.0, 9.0]]), rare, shifts[-1])
    assert np.abs(far) < 20 * np.abs(rows.y).max()


def test_a_share_of_shifts_is_that_share_of_the_prediction(problem):
    rows, _, parts = problem
    shifts = Shifts(np.array([1.0, 2.0]), np.array([[1.0, -1.0], [3.0, -3.0]]))
    plain = predict(rows.X, parts, Shifts.none(2).blend(0.0, np.array([5.0, 7.0])))
    blend = predict(rows.X, parts, shifts.blend(0.25, np.array([5.0, 7.0])))
    np.testing.assert_allclose(blend, plain + 0.25 * predict(rows.X, parts, shifts))
