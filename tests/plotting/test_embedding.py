"""Maps of features in two dimensions."""

import numpy as np
import pytest
from plot_shared import COUNTS, GRADES, TINY, X, Y, tick_labels
from sklearn.decomposition import PCA

from sknumclip import CLIPEmbedder
from sknumclip.metrics import ordinality_score
from sknumclip.plotting import EmbeddingDisplay


def test_map_by_pca():
    embedder = CLIPEmbedder(**TINY).fit(X)
    display = EmbeddingDisplay.from_estimator(embedder, X, Y, method="pca")
    features = embedder.transform(X)
    expected = PCA(2).fit_transform(features)
    np.testing.assert_allclose(display.scatter_.get_offsets(), expected, atol=1e-5)
    np.testing.assert_array_equal(display.scatter_.get_array(), Y)
    score = ordinality_score(features, Y)
    assert display.ax_.get_title() == f"PCA of embeddings, ordinality {score:.2f}"
    assert "rank correlation" in display.ax_.get_xlabel()
    assert display.colorbar_.ax.get_ylabel() == "label"


def test_map_by_tsne_keeps_neighbours_and_is_reproducible(reg):
    near = np.repeat(np.eye(3), 10, axis=0) + np.random.default_rng(0).normal(0, 0.01, (30, 3))
    y = np.repeat([1, 2, 3], 10)
    maps = [EmbeddingDisplay.from_features(near, y, random_state=0).positions for _ in range(2)]
    np.testing.assert_array_equal(*maps)
    centers = [maps[0][y == label].mean(axis=0) for label in (1, 2, 3)]
    nearest = [np.argmin([np.sum((p - c) ** 2) for c in centers]) + 1 for p in maps[0]]
    np.testing.assert_array_equal(nearest, y)


def test_only_directions_count():
    features = np.random.default_rng(0).normal(size=(10, 4))
    scaled = features * np.arange(1, 11)[:, None]
    a, b = (
        EmbeddingDisplay.from_features(Z, range(10), method="pca").positions
        for Z in (features, scaled)
    )
    np.testing.assert_allclose(a, b)


def test_map_of_classes(clf):
    display = EmbeddingDisplay.from_estimator(clf, X, GRADES, method="pca")
    np.testing.assert_array_equal(display.scatter_.get_array(), COUNTS.assign(Y))
    assert tick_labels(display.colorbar_.ax.yaxis) == list(COUNTS.descriptions)
    assert (
        EmbeddingDisplay.from_estimator(clf, X, GRADES, method="pca", colorbar=False).colorbar_
        is None
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(features=[[1, 0], [0, 1]], y=[1, 2]), "at least 3 samples .* Got 2 samples"),
        (dict(features=np.eye(3), y=[1, 1, 1]), "with 1 different labels"),
        (dict(features=np.eye(3), y=[1, 2]), "inconsistent numbers of samples"),
        (dict(features=np.diag([1, np.nan, 1]), y=[1, 2, 3]), r"features has NaN .* \[1\]"),
        (dict(features=np.eye(3), y=[1, np.nan, 3]), r"y has NaN .* \[1\]"),
        (dict(features=np.eye(3), y=["a", "b", "c"], classes=["a", "b"]), r"Got also \['c'\]"),
        (dict(features=np.eye(3), y=[1, 2, 3], method="umap"), "'tsne' or 'pca'. Got .*'umap'"),
    ],
)
def test_bad_input_of_maps(arguments, message):
    with pytest.raises(ValueError, match=message):
        EmbeddingDisplay.from_features(**arguments)
