"""Equal rows are one row that weighs more, in an order that depends on content alone."""

import numpy as np

from sknumclip.solving.rows import Rows, folds_of, merge_rows, weighted_quantile


def rows_of(seed=0, n=20):
    rng = np.random.default_rng(seed)
    return Rows(rng.normal(size=(n, 3)), rng.normal(size=n), np.ones(n), np.zeros(n, dtype=int))


def test_rows_that_are_there_twice_weigh_2_in_any_order():
    rows, rng = rows_of(), np.random.default_rng(1)
    order = rng.permutation(np.repeat(np.arange(20), rng.integers(1, 4, size=20)))
    merged, weighted = merge_rows(rows[order]), rows_of()
    weight = np.bincount(order).astype(float)
    expected = merge_rows(Rows(weighted.X, weighted.y, weight, weighted.bin_index))
    for name in ("X", "y", "weight", "bin_index"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(expected, name))
    assert len(merged) == 20


def test_rows_with_other_labels_stay_apart():
    rows = rows_of(n=2)
    same = Rows(np.ones((2, 3)), rows.y, rows.weight, rows.bin_index)
    assert len(merge_rows(same)) == 2


def test_every_row_is_in_one_fold():
    for n, n_folds in ((2, 2), (7, 5), (50, 5)):
        folds = folds_of(rows_of(n=n), np.random.default_rng(0))
        assert len(folds) == n_folds
        assert sorted(np.concatenate(folds)) == list(range(n))


def test_a_weighted_quantile_is_that_of_repeated_values():
    values, times = np.array([3.0, 1, 2, 9]), np.array([1.0, 4, 2, 1])
    repeated = np.repeat(values, times.astype(int))
    for quantile in (0.1, 0.5, 0.6, 0.9, 1.0):
        expected = np.quantile(repeated, quantile, method="inverted_cdf")
        assert weighted_quantile(values, quantile, times) == expected
