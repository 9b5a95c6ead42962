"""The ONNX file predicts what the estimator predicts, and the estimator stays as it is."""

import builtins
import inspect
import json
import textwrap

import numpy as np
import onnxruntime
import pytest
from factories import FEW_OR_MANY, MODELS, PREPROCESSING, Y, save_clip, save_pictures, with_settings
from PIL import Image
from saved_folders import ONE_EPOCH
from scipy.special import softmax

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.saving.onnx import to_onnx

TWO_EPOCHS = {**ONE_EPOCH, "max_epochs": 2, "precision": "fp32"}


@pytest.fixture
def files(pixels, tmp_path):
    """Eight pictures of different shapes as files."""
    cut = [
        picture[: 40 - 2 * i] if i % 2 else picture[:, : 48 - 3 * i]
        for i, picture in enumerate(pixels)
    ]
    return save_pictures(tmp_path, cut)


def squares(folder):
    files = [folder / f"square {side}.png" for side in range(30, 150)]
    for side, file in enumerate(files, start=30):
        Image.new("RGB", (side, side), (side, 0, 255)).save(file)
    return files


def very_long_pictures(folder):
    shapes = [(8, 127), (8, 128), (8, 129), (8, 137), (301, 9), (2000, 3), (1, 999), (20, 400)]
    rng = np.random.default_rng(0)
    return save_pictures(
        folder, [rng.integers(0, 256, size=(*shape, 3), dtype=np.uint8) for shape in shapes]
    )


def run_documented_code(model_file, files):
    """Run the code of the docstring, which needs neither torch nor this package."""
    text = inspect.getdoc(to_onnx).split("::\n", 1)[1].split("\nFor an estimator fitted", 1)[0]
    code = textwrap.dedent(text).replace('"model.onnx"', repr(str(model_file)))
    names = {"files": files}
    exec(code, names)
    return names["prediction"], names["bin_probabilities"], names


@pytest.mark.parametrize(
    ("kind", "options", "mode", "mirror"),
    [
        ("clip", {"fine_tune": "full", "grad_checkpointing": True}, "shortest", False),
        ("resnet", {"fine_tune": "none", "shift": "relative"}, "squash", False),
        ("siglip", {"fine_tune": "full", "shift": "none"}, "longest", True),
        ("clip", {"fine_tune": "none", "max_epochs": "auto"}, "shortest", True),
    ],
)
def test_same_predictions_from_files(files, tmp_path, kind, options, mode, mirror):
    recipe = {**PREPROCESSING, "resize_mode": mode, "fill_color": 7}
    name = save_clip(tmp_path / kind, MODELS[kind], recipe)
    params = dict(bins=FEW_OR_MANY, model_name=name) | TWO_EPOCHS | options
    reg = with_settings(NumCLIPRegressor, mirror=mirror)(**params).fit(files, Y)
    weights = {k: v.clone() for k, v in reg.net_.module_.state_dict().items()}
    before = reg.predict(files)
    reg.to_onnx(tmp_path / "deep" / "model.onnx")
    prediction, probabilities, _ = run_documented_code(tmp_path / "deep" / "model.onnx", files)
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["model.onnx"]
    np.testing.assert_allclose(prediction, before, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(probabilities, reg.predict_bin_proba(files), atol=1e-5)
    print(
        f"{kind}: predictions differ by {abs(prediction - before).max():.1e}, "
        f"probabilities by {abs(probabilities - reg.predict_bin_proba(files)).max():.1e}"
    )
    # The estimator is untouched, and goes on as before.
    after = reg.net_.module_.state_dict()
    assert all((after[name] == tensor).all() for name, tensor in weights.items())
    np.testing.assert_array_equal(reg.predict(files), before)
    # Squares fill the canvas, and very long pictures are cut alike.
    others = squares(tmp_path) + very_long_pictures(tmp_path / "long")
    prediction, _, _ = run_documented_code(tmp_path / "deep" / "model.onnx", others)
    np.testing.assert_allclose(prediction, reg.predict(others), rtol=1e-5, atol=1e-5)


def test_numbers_far_from_zero_and_any_batch_size(files, pixels, tmp_path):
    reg = NumCLIPRegressor(model_name="tiny", fine_tune="none", **TWO_EPOCHS).fit(files, Y + 1e7)
    reg.to_onnx(tmp_path / "model.onnx")
    prediction, _, names = run_documented_code(tmp_path / "model.onnx", files)
    np.testing.assert_allclose(prediction, reg.predict(files), rtol=0, atol=1e-3)
    for n in (1, 3, 8):
        one = names["session"].run(None, {"pixels": names["pixels"][:n]})[0]
        np.testing.assert_allclose(one, prediction[:n], rtol=0, atol=1e-3)
    metadata = names["session"].get_modelmeta().custom_metadata_map["sknumclip"]
    assert json.loads(metadata)["bins"] == reg.bins_.to_dict()


@pytest.mark.parametrize("n_features", [16, 5])
def test_models_of_features(clip_models, tmp_path, n_features):
    X = np.random.default_rng(0).normal(size=(8, n_features)).astype(np.float32)
    reg = NumCLIPRegressor(
        bins=FEW_OR_MANY, model_name=clip_models["clip"], fine_tune="none", **TWO_EPOCHS
    )
    reg.fit(X, Y).to_onnx(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    prediction, probabilities = session.run(None, {"features": X})
    np.testing.assert_allclose(prediction, reg.predict(X), rtol=1e-5)
    np.testing.assert_allclose(probabilities, reg.predict_bin_proba(X), atol=1e-5)


@pytest.mark.parametrize("predict_by", ["mode", "expected_rank"])
def test_classifiers(clip_models, tmp_path, predict_by):
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    grades = np.array(["few", "some", "many"])[np.digitize(X[:, 0], [-0.4, 0.4])]
    clf = with_settings(NumCLIPClassifier, regressor_lr=1e-2)(
        ["few", "some", "many"],
        model_name=clip_models["clip"],
        fine_tune="none",
        predict_by=predict_by,
        **{**TWO_EPOCHS, "max_epochs": 50, "prompt_lr": 1e-2},
    ).fit(X, grades)
    clf.to_onnx(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    index, probabilities = session.run(None, {"features": X})
    classes = json.loads(session.get_modelmeta().custom_metadata_map["sknumclip"])["classes"]
    assert len(set(index)) > 1
    assert [classes[i] for i in index] == clf.predict(X).tolist()
    np.testing.assert_allclose(probabilities, clf.predict_proba(X), atol=1e-5)


def test_a_loaded_model_is_exported_too(clip_models, files, tmp_path):
    reg = NumCLIPRegressor(bins=FEW_OR_MANY, model_name=clip_models["clip"], **TWO_EPOCHS).fit(
        files, Y
    )
    reg.save(tmp_path / "model")
    loaded = NumCLIPRegressor.load(tmp_path / "model")
    loaded.to_onnx(tmp_path / "model.onnx")
    prediction, _, _ = run_documented_code(tmp_path / "model.onnx", files)
    np.testing.assert_allclose(prediction, reg.predict(files), rtol=1e-5, atol=1e-5)
    # Numbers worked out outside of both: the mean of the moved centers.
    _, logits, centers = loaded._outputs(files)
    by_hand = (softmax(logits, axis=1) * centers).sum(axis=1)
    np.testing.assert_allclose(prediction, by_hand, rtol=1e-5)


def test_the_extra_is_named(clip_models, tmp_path, monkeypatch):
    X = np.random.default_rng(0).normal(size=(8, 3))
    reg = NumCLIPRegressor(
        bins=FEW_OR_MANY, model_name=clip_models["clip"], fine_tune="none", **TWO_EPOCHS
    )
    reg.fit(X, Y)
    real_import = builtins.__import__

    def without_onnxscript(name, *args, **kwargs):
        if name == "onnxscript":
            raise ModuleNotFoundError("No module named 'onnxscript'", name="onnxscript")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_onnxscript)
    with pytest.raises(ImportError, match=r"needs onnxscript: pip install 'sknumclip\[onnx\]'"):
        reg.to_onnx(tmp_path / "model.onnx")


def test_an_unfitted_estimator_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not fitted yet"):
        NumCLIPRegressor().to_onnx(tmp_path / "model.onnx")
