"""nearest_images: the right neighbors with their labels."""

import re

import numpy as np
import pandas as pd
import pytest
import sklearn
from factories import TINY_FAST, save_pictures
from sklearn.linear_model import Ridge

from sknumclip import CLIPEmbedder, NumCLIPClassifier, NumCLIPRegressor
from sknumclip.datasets import make_counting_images
from sknumclip.inspection import find_label_errors, nearest_images
from sknumclip.plotting import EmbeddingDisplay

X, Y = make_counting_images(30, random_state=0)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return save_pictures(tmp_path_factory.mktemp("pictures"), X)


@pytest.fixture(scope="module")
def reg(files):
    return NumCLIPRegressor(3, **TINY_FAST).fit(files, Y)


def test_the_nearest_are_those_of_the_table_of_all_pairs(files, reg):
    found = nearest_images(reg, files[:10], files[10:], Y[10:], k=4)
    products = reg.transform(files[:10]) @ reg.transform(files[10:]).T
    expected = np.argsort(-products, axis=1)[:, :4]
    places = found["neighbor_position"].to_numpy().reshape(10, 4)
    np.testing.assert_array_equal(places, expected)
    np.testing.assert_allclose(
        found["similarity"], np.take_along_axis(products, expected, 1).ravel(), atol=1e-5
    )
    assert found["label"].tolist() == Y[10:][expected].ravel().tolist()
    assert found["neighbor"].iloc[0] == files[10 + expected[0, 0]]
    assert found["rank"].tolist() == [1, 2, 3, 4] * 10


def test_embedders_arrays_and_embeddings(files):
    embedder = CLIPEmbedder(model_name="tiny", verbose=0)
    by_path = nearest_images(embedder, files[:3], files[3:], k=2)
    by_array = nearest_images(embedder, X[:3], X[3:], k=2)
    assert by_array["neighbor"].tolist() == by_path["neighbor_position"].tolist()
    assert "label" not in by_array
    Z = embedder.fit(X).transform(X)
    by_row = nearest_images(CLIPEmbedder(model_name="tiny"), Z[:3], Z[3:], k=2)
    assert by_row["neighbor"].tolist() == by_array["neighbor"].tolist()


def test_unreadable_pictures_are_nobodys_neighbors(files, tmp_path):
    (tmp_path / "bad.png").write_text("no image")
    bad = str(tmp_path / "bad.png")
    embedder = CLIPEmbedder(model_name="tiny", verbose=0, on_error="skip")
    found = nearest_images(embedder, [bad, files[0]], [*files[1:4], bad], k=4)
    assert set(found["image"]) == {files[0]}
    assert sorted(found["neighbor"]) == sorted(files[1:4])


def test_explanations_show_neighbors(files, reg):
    plain = reg.explain(files[:2])
    assert "neighbors" not in plain
    explanation = reg.explain(files[:2], neighbors=3, X_train=files[2:], y_train=Y[2:])
    table = nearest_images(reg, files[:2], files[2:], Y[2:], k=3)
    cells = [neighbor for cell in explanation["neighbors"] for neighbor in cell]
    assert [neighbor.image for neighbor in cells] == table["neighbor"].tolist()
    assert [neighbor.label for neighbor in cells] == table["label"].tolist()
    assert explanation.drop(columns="neighbors").equals(plain)
    for shown in (
        explanation,
        reg.explain(X[:2], 3, X_train=X[2:], y_train=Y[2:]),
    ):
        html = shown._repr_html_()
        assert "nearest training images" in html
        assert len(re.findall("<img", html)) == 2 * (1 + 3)
        assert f" {cells[0].label} " in html


def test_classes_have_neighbors_and_their_words_are_escaped(files):
    y = np.array(["<b>few</b>", "many"])[(Y > 30).astype(int)]
    clf = NumCLIPClassifier(["<b>few</b>", "many"], **TINY_FAST).fit(files, y)
    explanation = clf.explain(files[:2], 2, X_train=files, y_train=y)
    assert explanation["neighbors"].iloc[0][0].image == files[0]
    assert "<b>" not in explanation._repr_html_()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(neighbors=3), "neighbors=3 needs the training images"),
        (dict(X_train=X), "pass neighbors=3"),
        (dict(neighbors=0, X_train=X), "neighbors must be an int of at least 1"),
        (dict(neighbors=3, X_train=X[:2]), "neighbors=3, but X_train has only 2 images"),
        (dict(neighbors=3, X_train=X, y_train=[1]), "X_train has 30 images, but y_train 1"),
    ],
)
def test_bad_values_are_named(reg, given, message):
    with pytest.raises(ValueError, match=message):
        reg.explain(X[:2], **given)


def test_what_does_not_transform_is_named():
    with pytest.raises(TypeError, match="has no transform"):
        nearest_images(Ridge(), X, X)
    with pytest.raises(ValueError, match="k must be an int of at least 1. Got k=0"):
        nearest_images(CLIPEmbedder(), X, X, k=0)


def test_neighbors_and_maps_are_as_ever_where_scikit_learn_makes_tables_of_embeddings():
    X, y = make_counting_images(20, random_state=0)
    params = dict(model_name="tiny", fine_tune="none", max_epochs=0, random_state=0, verbose=0)
    reg = NumCLIPRegressor(3, **params).fit(X, y)

    def found():
        display = EmbeddingDisplay.from_estimator(reg, X, y, method="pca")
        table = reg.explain(X[:4], 2, X_train=X, y_train=y)
        wrong = find_label_errors(reg, X, y, cv=2)
        return table["neighbors"].tolist(), nearest_images(reg, X, X, k=2), wrong, display.positions

    expected = found()
    with sklearn.config_context(transform_output="pandas"):
        neighbors, *tables, positions = found()
    assert neighbors == expected[0]
    for table, usual in zip(tables, expected[1:3], strict=True):
        pd.testing.assert_frame_equal(table, usual)
    np.testing.assert_array_equal(positions, expected[3])
