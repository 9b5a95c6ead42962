"""The tower is trained on mirror images unless their labels would be wrong."""

import warnings

import numpy as np
import pytest

from sknumclip.estimators.mirroring import can_be_tested, error_of_mirroring


def embeddings(n, seed=0):
    """Features of images and of their mirror images: the first one changes its sign."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 8))
    mirrored = features * [-1, 1, 1, 1, 1, 1, 1, 1]
    return rng, features, mirrored


def test_labels_that_change_their_sign_in_the_mirror_are_found():
    rng, features, mirrored = embeddings(60)
    y = 50 + 10 * features[:, 0] + rng.normal(size=60)
    assert error_of_mirroring(features, mirrored, y) > 2


@pytest.mark.parametrize("seed", range(20))
def test_labels_that_do_not_are_left_alone(seed):
    rng, features, mirrored = embeddings(60, seed)
    y = 50 + 10 * features[:, 1] + rng.normal(size=60)
    assert error_of_mirroring(features, mirrored, y) is None


def test_nor_if_images_occur_twice():
    rng, features, mirrored = embeddings(60)
    twice = rng.permutation(np.tile(np.arange(60), 2))
    y = 50 + 10 * features[:, 1] + 3 * rng.normal(size=60)
    assert error_of_mirroring(features[twice], mirrored[twice], y[twice]) is None


def test_large_labels_are_told_apart():
    rng, features, mirrored = embeddings(60)
    y = 1.7e9 + 10 * features[:, 0] + rng.normal(size=60)
    single = features.astype(np.float32), mirrored.astype(np.float32)
    assert error_of_mirroring(*single, y) > 2


def test_a_handful_of_images_and_equal_labels_tell_nothing():
    assert not can_be_tested(np.arange(9))
    assert not can_be_tested(np.full(60, 0.1))
    assert can_be_tested(np.arange(10))


def sides(n=80):
    """Pictures whose brightness goes up from left to right, or down, by the label."""
    rng = np.random.default_rng(0)
    y = rng.uniform(-100, 100, n)
    ramp = np.linspace(-1, 1, 32)
    gray = 128 + ramp[None, None] * y[:, None, None] + rng.normal(scale=10, size=(n, 32, 32))
    return np.repeat(gray.clip(0, 255).astype(np.uint8)[..., None], 3, axis=3), y


PARAMS = dict(bins=4, template="{}", batch_size=16, max_epochs=1, fine_tune="full")


def test_by_default_a_tower_is_not_trained_on_mirror_images_whose_labels_are_wrong(make):
    X, y = sides()
    with pytest.warns(UserWarning, match="left and right seem to matter.*augment='crop'"):
        by_default = make(**PARAMS).fit(X, y).predict(X)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*left and right")
        crops = make(**PARAMS, augment="crop").fit(X, y).predict(X)
        mirrored = make(**PARAMS, augment=True).fit(X, y).predict(X)
    np.testing.assert_array_equal(by_default, crops)
    assert (mirrored != crops).any()


def test_where_left_and_right_mean_the_same_it_is(make):
    X, y = sides()
    symmetric = np.abs(y)
    X = np.where((np.arange(len(y)) % 2 == 0)[:, None, None, None], X, X[:, :, ::-1])
    by_default, mirrored = (
        make(**PARAMS, augment=augment).fit(X, symmetric).predict(X) for augment in ("auto", True)
    )
    np.testing.assert_array_equal(by_default, mirrored)
