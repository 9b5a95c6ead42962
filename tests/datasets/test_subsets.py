import numpy as np
import pytest

from sknumclip.datasets import distribution_shift, few_shot

AGES = np.repeat([20, 30, 40, 50], [12, 7, 7, 2])


class TestFewShot:
    @pytest.mark.filterwarnings("ignore:1 of 4 labels")
    def test_k_of_each_label(self):
        indices = few_shot(AGES, 4, random_state=0)
        labels, counts = np.unique(AGES[indices], return_counts=True)
        np.testing.assert_array_equal(labels, [20, 30, 40, 50])
        np.testing.assert_array_equal(counts, [4, 4, 4, 2])
        assert len(set(indices)) == len(indices)
        np.testing.assert_array_equal(indices, np.sort(indices))

    def test_rare_labels_are_named(self):
        with pytest.warns(UserWarning, match=r"1 of 4 labels have fewer than k=3 .*: 50 \(2\)\."):
            few_shot(AGES, 3)
        with pytest.warns(UserWarning, match=r"7 of 7 labels .*: 0 \(1\), .*4 \(1\) and 2 more\."):
            few_shot(range(7), 2)

    def test_nothing_is_said_where_there_are_enough(self, recwarn):
        few_shot(AGES, 2)
        assert not recwarn.list

    def test_seeds(self):
        np.testing.assert_array_equal(few_shot(AGES, 2, 5), few_shot(AGES, 2, 5))
        drawn = {tuple(few_shot(AGES, 1, seed)) for seed in range(20)}
        assert len(drawn) > 10

    @pytest.mark.filterwarnings("ignore:.* labels have fewer")
    def test_draws_are_nested(self):
        draws = [set(few_shot(AGES, k, random_state=3)) for k in (1, 2, 4, 8)]
        assert all(draws[i] < draws[i + 1] for i in range(3))

    def test_every_sample_has_the_same_chance(self):
        y = np.repeat([0, 1], [4, 8])
        counts = np.bincount(np.concatenate([few_shot(y, 1, seed) for seed in range(800)]))
        np.testing.assert_allclose(counts[:4], 200, rtol=0.2)
        np.testing.assert_allclose(counts[4:], 100, rtol=0.3)

    def test_labels_may_be_fractions_or_words(self):
        assert len(few_shot([0.5, 0.5, 1.5], 1)) == 2
        assert len(few_shot(["low", "high", "high"], 1)) == 2

    @pytest.mark.parametrize("k", [0, 1.5, True, None])
    def test_k_is_checked(self, k):
        with pytest.raises(ValueError, match=f"k must be an int of at least 1. Got {k}"):
            few_shot(AGES, k)


class TestDistributionShift:
    @pytest.mark.parametrize(
        ("top_k", "scale", "expected"),
        [
            (1, 0.25, [3, 7, 7, 2]),
            (2, 0.5, [6, 3, 7, 2]),  # of 30 and 40, equally frequent, the smaller
            (4, 0.1, [1, 1, 1, 1]),  # at least one
            (9, 0.5, [6, 3, 3, 1]),  # more than there are
        ],
    )
    def test_the_most_frequent_labels_are_scaled_down(self, top_k, scale, expected):
        indices = distribution_shift(AGES, top_k, scale, random_state=0)
        np.testing.assert_array_equal(np.unique(AGES[indices], return_counts=True)[1], expected)
        assert len(set(indices)) == len(indices)

    def test_all_samples_of_the_other_labels_are_kept(self):
        indices = distribution_shift(AGES, 1, 0.5, random_state=0)
        assert set(np.flatnonzero(AGES != 20)) < set(indices)

    def test_shares_are_not_off_by_rounding_error(self):
        # 0.29 * 100 is 28.999999999999996
        assert len(distribution_shift(np.zeros(100), 1, 0.29)) == 29

    def test_seeds(self):
        draw = distribution_shift(AGES, 2, 0.3, random_state=1)
        np.testing.assert_array_equal(draw, distribution_shift(AGES, 2, 0.3, random_state=1))
        assert not np.array_equal(draw, distribution_shift(AGES, 2, 0.3, random_state=2))

    @pytest.mark.parametrize("scale", [0, 1, 1.5, "0.3"])
    def test_scale_is_checked(self, scale):
        with pytest.raises(ValueError, match=f"scale must be a number between .* Got {scale!r}"):
            distribution_shift(AGES, 1, scale)

    def test_top_k_is_checked(self):
        with pytest.raises(ValueError, match="top_k must be an int of at least 1. Got -1"):
            distribution_shift(AGES, -1, 0.5)
