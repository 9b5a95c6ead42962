"""Predictions and embeddings: images or features, any precision."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError


def test_embeddings_as_x_equal_images_as_x(make, data):
    X, y = data
    from_images = make(fine_tune="none").fit(X, y)
    embeddings = from_images.transform(X)
    from_embeddings = make(fine_tune="none").fit(embeddings, y)
    np.testing.assert_allclose(
        from_embeddings.predict(embeddings), from_images.predict(X), rtol=1e-5
    )
    np.testing.assert_allclose(from_images.predict(embeddings), from_images.predict(X), rtol=1e-5)
    assert from_embeddings.n_features_in_ == 16
    with pytest.raises(ValueError, match="fitted on features, so it can only predict from"):
        from_embeddings.predict(X)


def test_bf16_predicts_like_fp32(make, data):
    X, y = data
    reg = make(precision="fp32").fit(X, y)
    expected = reg.predict(X)
    difference = np.abs(reg.set_params(precision="bf16").predict(X) - expected).max()
    assert 0 < difference < 0.005 * 100


def test_transform_gives_unit_vectors(make, data):
    X, y = data
    embeddings = make().fit(X, y).transform(X)
    assert embeddings.shape == (8, 16)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-5)


def test_not_fitted(make):
    for method in ("predict", "transform", "predict_bin_proba", "explain"):
        with pytest.raises(NotFittedError):
            getattr(make(), method)(["a.jpg"])
