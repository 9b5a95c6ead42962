"""Input handling: accepted X and y, the order of errors, and skipped images."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from factories import Y, save_pictures, small_pictures
from PIL import Image
from sklearn.model_selection import KFold, cross_val_score

from sknumclip import CLIPEmbedder
from sknumclip.images.embeddings import clear_embedding_cache


@pytest.fixture(scope="module")
def fitted(make):
    return make().fit(small_pictures(), Y)


def test_every_form_of_x_gives_the_same(make, data, files):
    X, y = data
    reg = make().fit(X, y)
    expected = reg.predict(X)
    paths = [Path(file) for file in files]
    forms = {
        "list of str": files,
        "tuple": tuple(files),
        "list of Path": paths,
        "str array": np.array(files),
        "object array": np.array(paths, dtype=object),
        "column of strings": np.array(files)[:, None],
        "Series": pd.Series(files, index=range(100, 108)),
        "Series of Path": pd.Series(paths),
        "DataFrame": pd.DataFrame({"path": files}),
        "PIL": [Image.fromarray(x) for x in X],
        "list of arrays": list(X),
        "Index": pd.Index(files),
        "dict values": dict(enumerate(files)).values(),
    }
    for name, form in forms.items():
        assert (reg.predict(form) == expected).all(), name
        assert (make().fit(form, y).predict(X) == expected).all(), name


NEARLY_IMAGES = [  # `fit` with such is in test_bad_input
    ("a.jpg", r"put it in a list: \[X\]"),
    (Image.new("RGB", (4, 4)), r"put it in a list"),
    (iter(["a.jpg"]), r"list\(X\)"),
    (["a.jpg", 3.5], r"X\[1\] is not an image: 3.5"),
    (["a.jpg", None], r"X\[1\] is not an image: None"),
    (pd.DataFrame({"a": ["a.jpg"], "b": ["b.jpg"]}), r"\['a', 'b'\]: select one"),
    (np.zeros((2, 8, 8, 3)), r"uint8 .0 to 255.*Got float64 of shape \(2, 8, 8, 3\)"),
    (np.zeros((2, 3, 8, 8), dtype=np.uint8), r"shape \(2, 3, 8, 8\)"),
    ([["a.jpg"], ["b.jpg"]], "neither images nor features. X must be a list"),
]


ALSO_NEARLY_IMAGES = [
    (np.zeros((8, 8, 3), dtype=np.uint8), r"shape \(8, 8, 3\)"),
    (torch.zeros(2, 3, 8, 8), "channels come first"),
    ([np.zeros((8, 8)), np.zeros((8, 8))], "these are grayscale images"),
    (pd.DataFrame({"row": [1, 2]}), "one column, 'row', of numbers, not of paths"),
]


@pytest.mark.parametrize(("X", "message"), ALSO_NEARLY_IMAGES)
def test_what_is_nearly_images_cannot_be_fitted(make, X, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make().fit(X, [1, 2])


@pytest.mark.parametrize(("X", "message"), NEARLY_IMAGES + ALSO_NEARLY_IMAGES)
def test_what_is_nearly_images_is_explained(fitted, X, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fitted.predict(X)


@pytest.mark.parametrize("X", [(), np.array([]), pd.Series([], dtype=str)])
def test_empty_x_is_an_error(make, X):
    with pytest.raises(ValueError, match="X is empty"):
        make().fit(X, [])


@pytest.mark.parametrize("num_workers", [0, 3])
@pytest.mark.parametrize("image_cache", [None, "memory", "folder"])
def test_threads_and_caches_change_nothing(
    make, fitted, data, files, tmp_path, num_workers, image_cache
):
    image_cache = str(tmp_path / "cache") if image_cache == "folder" else image_cache
    X, y = data
    reg = make(num_workers=num_workers, image_cache=image_cache).fit(files, y)
    assert (reg.predict(files) == fitted.predict(X)).all()


@pytest.mark.parametrize("fine_tune", ["none", "full"])
def test_a_search_in_threads_over_opened_images_scores_as_without_threads(
    make, tmp_path, fine_tune
):
    pixels = small_pictures(12, (300, 400))
    paths, y = save_pictures(tmp_path / "pictures", pixels), np.arange(12.0) % 6

    def scores(backend):
        clear_embedding_cache()
        X = [Image.open(path) for path in paths]
        with joblib.parallel_config(backend, n_jobs=4):
            return cross_val_score(
                make(fine_tune=fine_tune, max_epochs=1), X, y, cv=KFold(4), error_score="raise"
            )

    expected = scores("sequential")
    for _ in range(2):
        np.testing.assert_array_equal(scores("threading"), expected)


@pytest.mark.parametrize("fine_tune", ["none", "full"])
def test_two_requests_at_once_for_the_same_opened_images(make, data, tmp_path, fine_tune):
    pixels = small_pictures(12, (300, 400))
    paths = save_pictures(tmp_path / "pictures", pixels)
    reg = make(fine_tune=fine_tune).fit(*data)
    for call in (reg.predict, reg.transform):
        expected = call(paths)
        for _ in range(3):
            clear_embedding_cache()
            X = [Image.open(path) for path in paths]
            with ThreadPoolExecutor(2) as threads:
                forth, back = threads.map(call, [X, X[::-1]])
            np.testing.assert_allclose(forth, expected, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(back[::-1], expected, rtol=1e-4, atol=1e-5)


def test_a_full_disk_is_not_taken_for_bad_images(make, data, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="image cache .* cannot be written.*No space left"):
        make(image_cache=tmp_path, on_error="skip").fit(*data)


def warnings_of_embedding(image_cache):
    embedder = CLIPEmbedder(model_name="tiny", image_cache=image_cache, device="cpu", verbose=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        embedder.fit_transform(np.zeros((2, 30, 30, 3), np.uint8))
    return [str(warning.message) for warning in caught]


def test_workers_that_embed_the_same_images_say_so(tmp_path):
    assert warnings_of_embedding("auto") == []
    caches = ["auto", None, str(tmp_path)]
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(warnings_of_embedding)(c) for c in caches)
    assert [len(messages) for messages in found] == [1, 0, 0]
    assert "Use n_jobs=1" in found[0][0]
    assert "image_cache='some/folder'" in found[0][0]
