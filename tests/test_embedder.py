"""CLIPEmbedder: the same features as the regressor's, each image embedded once."""

import pickle

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
from factories import MODELS, save_clip, small_pictures, with_settings
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sknumclip import CLIPEmbedder, NumCLIPRegressor
from sknumclip.exceptions import BackboneError
from sknumclip.images.embeddings import clear_embedding_cache

FROZEN = dict(fine_tune="none", max_epochs=3, random_state=0, verbose=0)
Y = np.arange(8.0)


@pytest.fixture
def make_embedder(clip_models):
    clear_embedding_cache()
    return lambda **params: CLIPEmbedder(
        **{"model_name": clip_models["clip"], "verbose": 0} | params
    )


def test_features_are_those_of_the_regressor(make_embedder, files, clip_models):
    reg = NumCLIPRegressor(2, model_name=clip_models["clip"], **FROZEN).fit(files, Y)
    Z = make_embedder().fit_transform(files)
    np.testing.assert_allclose(Z, reg.transform(files), rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1, rtol=1e-6)
    assert Z.dtype == np.float32


@pytest.mark.parametrize(
    ("params", "settings"), [({}, {}), ({"canvas_scale": 1}, {}), ({}, {"mirror": True})]
)
def test_a_pipeline_equals_the_one_estimator_form(
    make_embedder, files, clip_models, params, settings
):
    Regressor = with_settings(NumCLIPRegressor, **settings)
    one = Regressor(2, model_name=clip_models["clip"], **FROZEN, **params)
    two = make_pipeline(
        make_embedder(**params, **settings),
        NumCLIPRegressor(2, model_name=clip_models["clip"], **FROZEN),
    )
    expected = one.fit(files[:6], Y[:6]).predict(files)
    np.testing.assert_array_equal(two.fit(files[:6], Y[:6]).predict(files), expected)


def test_a_search_embeds_each_image_once(make_embedder, n_embedded):
    X = small_pictures(64)
    search = GridSearchCV(
        make_pipeline(make_embedder(), Ridge()), {"ridge__alpha": [1, 10, 100]}, cv=4
    )
    search.fit(X, np.arange(64.0)).predict(X)
    assert n_embedded() == len(X)
    make_embedder(image_cache=None).fit_transform(X)
    assert n_embedded() == 2 * len(X)
    make_embedder(canvas_scale=1).fit_transform(X)
    assert n_embedded() == 3 * len(X)
    make_embedder(mirror=True).fit_transform(X)
    assert n_embedded() == 5 * len(X)


def test_mirrored_embeddings_are_the_average_over_both_sides(make_embedder):
    images = small_pictures(5)  # of an even width, so that the center is the center of both
    sides = [make_embedder().fit_transform(X) for X in (images, images[:, :, ::-1])]
    expected = sum(sides) / np.linalg.norm(sum(sides), axis=1, keepdims=True)
    found = make_embedder(mirror=True).fit_transform(images)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(sides[0] - expected).max() > 1e-3


def test_a_changed_image_is_embedded_again(make_embedder, files, n_embedded):
    before = make_embedder().fit_transform(files)
    Image.open(files[2]).rotate(180).resize((50, 40)).save(files[2])
    after = make_embedder().fit_transform(files)
    assert n_embedded() == len(files) + 1
    assert ((before != after).any(axis=1) == (np.arange(8) == 2)).all()


def test_names_of_features_and_data_frames(make_embedder, files):
    embedder = make_embedder().set_output(transform="pandas")
    frame = embedder.fit_transform(pd.Series(files))
    assert list(frame.columns) == [f"clipembedder{i}" for i in range(16)]
    assert list(frame.columns) == list(embedder.get_feature_names_out())


def test_unreadable_images_are_nan_if_skipped(make_embedder, files):
    files[1] = "no such file.png"
    assert np.isnan(make_embedder(on_error="skip").fit_transform(files)).all(axis=1).tolist() == [
        i == 1 for i in range(8)
    ]
    with pytest.raises(ValueError, match="no such file.png"):
        make_embedder().fit_transform(files)


def test_pickles_are_light_and_do_the_same(make_embedder, files):
    embedder = make_embedder().fit(files)
    data = pickle.dumps(embedder)
    assert len(data) < 2000
    clear_embedding_cache()
    np.testing.assert_array_equal(pickle.loads(data).transform(files), embedder.transform(files))
    assert not hasattr(clone(embedder), "backbone_")


def test_other_weights_than_in_fit_are_an_error(tmp_path, pixels):
    name = save_clip(tmp_path / "clip", MODELS["clip"])
    embedder = CLIPEmbedder(model_name=name, verbose=0).fit(pixels)
    file = tmp_path / "clip" / "open_clip_model.safetensors"
    weights = safetensors.torch.load_file(file)
    weights["visual.proj"] += 1
    safetensors.torch.save_file(weights, file)
    with pytest.raises(BackboneError, match="have changed since fit.*Fit again"):
        embedder.transform(pixels)


def test_features_are_passed_on(make_embedder, pixels):
    Z = np.random.default_rng(0).normal(size=(5, 7))
    embedder = make_embedder().fit(Z)
    np.testing.assert_array_equal(embedder.transform(Z), Z.astype(np.float32))
    with pytest.raises(ValueError, match="fitted on features"):
        embedder.transform(pixels)
    with pytest.raises(ValueError, match="7 features, but the embeddings .* have 16"):
        make_embedder().fit(pixels).transform(Z)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (dict(canvas_scale=0.5), "'canvas_scale' parameter"),
        (dict(device="tpu"), "device='tpu' cannot be used"),
    ],
)
def test_bad_parameters(make_embedder, pixels, params, message):
    with pytest.raises(ValueError, match=message):
        make_embedder(**params).fit(pixels).transform(pixels)


def test_a_failed_fit_leaves_the_last_one_as_it_was(clip_models, pixels):
    embedder = CLIPEmbedder(model_name=clip_models["clip"], verbose=0)
    expected = embedder.fit_transform(pixels)
    for broken in ({"model_name": "none"}, {"model_name": clip_models["clip"]}):
        embedder.set_params(**broken)
        with pytest.raises((BackboneError, ValueError)):
            embedder.fit(np.ones((3, 2)) if broken["model_name"] == "none" else [[1], [np.nan]])
    np.testing.assert_array_equal(embedder.transform(pixels), expected)
    assert not hasattr(embedder, "n_features_in_")


@pytest.mark.parametrize("n", [3, 20, 33])
def test_without_a_cache_embeddings_are_the_same_to_the_bit(clip_models, n):
    X = small_pictures(n)
    embedders = [
        CLIPEmbedder(model_name=clip_models["clip"], precision="bf16", verbose=0, image_cache=cache)
        for cache in ("auto", None)
    ]
    np.testing.assert_array_equal(*(embedder.fit_transform(X) for embedder in embedders))


def test_an_image_listed_many_times_is_decoded_once(clip_models, files, monkeypatch):
    from sknumclip.images import reading

    n_decoded, open_image = [], reading._open
    monkeypatch.setattr(reading, "_open", lambda *args: n_decoded.append(args) or open_image(*args))
    clear_embedding_cache()
    embedder = CLIPEmbedder(model_name=clip_models["clip"], verbose=0, num_workers=0)
    once = embedder.fit_transform(files)
    many = embedder.set_params(image_cache=None).transform(files * 5)
    np.testing.assert_array_equal(many, np.tile(once, (5, 1)))
    assert len(n_decoded) == 2 * len(files)
    for cache in ("memory", None):
        n_decoded.clear()
        reg = NumCLIPRegressor(
            2, model_name=clip_models["clip"], max_epochs=0, image_cache=cache, verbose=0
        )
        reg.fit(files * 5, list(range(len(files))) * 5)
        assert len(n_decoded) == len(files)
    n_decoded.clear()
    bad = [*files, "missing.png"] * 3
    with pytest.raises(ValueError, match="3 of 27"):
        embedder.transform(bad)
    found = embedder.set_params(on_error="skip").transform(bad)
    assert np.isnan(found).all(axis=1).tolist() == ([False] * len(files) + [True]) * 3
