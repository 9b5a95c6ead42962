"""Shares are those of models that predict well out of fold, and cautious for few samples."""

import numpy as np
import pytest

from sknumclip.solving.blend import prior_shares, solve_shares, strength_shares


def models(n, seed=0):
    """Labels, and predictions of a perfect model, a noisy one and one that knows nothing."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n)
    return y, np.column_stack([y, y + rng.normal(size=n), np.zeros(n)])


def test_many_samples_find_the_right_model():
    y, predictions = models(1000)
    shares = solve_shares(predictions, y, np.ones(1000), np.array([0.0, 0.5, 0.5]))
    np.testing.assert_allclose(shares, [1, 0, 0], atol=0.03)


def test_two_noisy_models_are_averaged():
    rng = np.random.default_rng(0)
    y = rng.normal(size=2000)
    predictions = y[:, None] + rng.normal(size=(2000, 2))
    shares = solve_shares(predictions, y, np.ones(2000), np.array([1.0, 0.0]))
    np.testing.assert_allclose(shares, [0.5, 0.5], atol=0.06)


def test_a_weight_of_2_is_two_samples():
    y, predictions = models(30)
    times, prior = np.arange(30) % 3 + 1.0, np.array([0.2, 0.3, 0.5])
    repeated = np.repeat(np.arange(30), times.astype(int))
    expected = solve_shares(predictions[repeated], y[repeated], np.ones(len(repeated)), prior)
    found = solve_shares(predictions, y, times, prior)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_fewer_samples_the_closer_the_shares_stay_to_the_prior():
    prior, moved = np.array([1.0, 0.0]), []
    for n in (4, 16, 400):
        y = np.linspace(-1, 1, n)
        predictions = np.column_stack([np.zeros(n), y / 2])  # the second model is better
        moved.append(solve_shares(predictions, y, np.ones(n), prior)[1])
    assert moved[0] < 0.2 < moved[1] < 0.9 < moved[2]


def test_how_well_labels_can_be_told_does_not_change_what_it_takes_to_convince():
    rng = np.random.default_rng(0)
    prior, shares = np.array([1.0, 0.0]), []
    for noise in (1.0, 0.01):
        errors = rng.normal(size=(60, 2)) * [1.5 * noise, noise]
        y = rng.normal(size=60)
        shares.append(solve_shares(y[:, None] + errors, y, np.ones(60), prior)[1])
    assert shares[1] == pytest.approx(shares[0], abs=0.15)


def test_a_model_without_error_gets_all():
    y = np.linspace(-1, 1, 20)
    predictions = np.column_stack([np.zeros(20), y])
    shares = solve_shares(predictions, y, np.ones(20), np.array([1.0, 0.0]))
    np.testing.assert_allclose(shares, [0, 1], atol=0.01)


@pytest.mark.parametrize(
    ("error_of_rich", "expected"), [(0.1, (0.9, 1.0)), (1.0, (0.45, 0.55)), (3.0, (0, 0.1))]
)
def test_the_prior_trusts_the_rich_model_as_far_as_its_errors_say(error_of_rich, expected):
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=0.3, size=(50, 2))
    noise -= noise.mean(axis=0)
    errors = np.array([error_of_rich, 1.0]) + noise
    prior = prior_shares(errors, np.ones(50), simple=[1], rich=0)
    assert prior.sum() == pytest.approx(1)
    assert expected[0] <= prior[0] <= expected[1]


def test_of_two_simple_models_the_better_one_counts():
    errors = np.column_stack([np.full(20, 1.0), np.linspace(2, 4, 20), np.linspace(5, 9, 20)])
    prior = prior_shares(errors, np.ones(20), simple=[1, 2], rich=0)
    assert prior[2] < 0.01


def test_strengths_about_as_good_as_the_best_are_all_trusted():
    errors = np.random.default_rng(0).exponential(size=(3, 100))
    errors[2] += 5
    shares = strength_shares(errors, np.ones(100))
    assert shares.sum() == pytest.approx(1)
    assert shares[2] < 1e-6 < 0.01 < shares[:2].min()


def test_strengths_of_equal_errors_are_trusted_alike():
    np.testing.assert_allclose(strength_shares(np.ones((4, 9)), np.ones(9)), 0.25)
