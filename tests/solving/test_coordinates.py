"""Coordinates keep the distances of features and of waves, whose products are a Gaussian kernel."""

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances
from sklearn.metrics.pairwise import rbf_kernel

from sknumclip.solving.coordinates import CLOSENESS, KEPT, WAVES_SIZE, coordinates_of

AS_IT_IS = np.zeros(5), np.ones(5)


@pytest.fixture
def X():
    X = np.random.default_rng(0).normal(size=(200, 5))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def test_products_of_waves_are_a_gaussian_kernel_of_the_usual_distance(X):
    waves = coordinates_of(X, *AS_IT_IS, seed=0).waves(X)
    squared = pairwise_distances(X, metric="sqeuclidean")
    gamma = CLOSENESS / np.median(squared[np.triu_indices(200, 1)])
    products = waves @ waves.T * 2 / waves.shape[1]
    np.testing.assert_allclose(products, rbf_kernel(X, gamma=gamma), atol=0.2)
    assert np.abs(products - rbf_kernel(X, gamma=gamma)).mean() < 0.03


def test_coordinates_keep_nearly_all_of_the_distances(X):
    coordinates = coordinates_of(X, *AS_IT_IS, seed=0)
    found = coordinates(X)
    assert found.shape[1] < 100
    waves = WAVES_SIZE * np.sqrt(2 / 512) * coordinates.waves(X)
    both = np.hstack([X, waves])
    kept = found.var(axis=0).sum() / both.var(axis=0).sum()
    assert KEPT <= kept <= 1
    np.testing.assert_allclose(
        pairwise_distances(found), pairwise_distances(both), rtol=0.02, atol=0.02
    )
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)


def test_a_function_of_coordinates_is_one_of_features_and_waves(X):
    coordinates = coordinates_of(X, *AS_IT_IS, seed=0)
    rng = np.random.default_rng(1)
    weights, bias = rng.normal(size=(3, coordinates(X).shape[1])), rng.normal(size=3)
    of_features, of_waves, intercept = coordinates.undo(weights, bias)
    new = rng.normal(size=(4, 5))
    np.testing.assert_allclose(
        new @ of_features.T + coordinates.waves(new) @ of_waves.T + intercept,
        coordinates(new) @ weights.T + bias,
    )


def test_the_unit_of_the_features_does_not_matter(X):
    unit, start = np.array([1.0, 10, 0.1, 3, 7]), np.array([0.0, 5, -3, 2, 1e3])
    expected = coordinates_of(X, *AS_IT_IS, seed=0)(X)
    found = coordinates_of(X * unit + start, start, unit, seed=0)(X * unit + start)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_equal_rows_have_no_coordinates_to_tell_them_apart(n, recwarn):
    coordinates = coordinates_of(np.ones((n, 5)), *AS_IT_IS, seed=0)
    np.testing.assert_allclose(coordinates(np.ones((2, 5))), 0, atol=1e-9)
    assert not recwarn.list


def test_many_rows_are_the_same_in_batches(X):
    coordinates = coordinates_of(X, *AS_IT_IS, seed=0)
    many = np.tile(X, (50, 1))
    np.testing.assert_allclose(coordinates(many), np.tile(coordinates(X), (50, 1)), atol=1e-12)
