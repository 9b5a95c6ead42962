"""Saved models predict the same bits, hold what they promise, and refuse what is not theirs."""

import json

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
from conftest import MODELS, save_clip

from sknumclip import LinguisticBins, NumCLIPRegressor
from sknumclip.backbone import BackboneError

BINS = LinguisticBins(("few", "many"), (0, 20, 100), centers=(5, 40))
FAST = dict(max_epochs=1, batch_size=4, random_state=0, verbose=0, lr=1e-3)
Y = np.array([1.0, 5, 9, 12, 28, 40, 77, 99])


def fit(model_name, X, **kwargs):
    return NumCLIPRegressor(**{"model_name": model_name, "bins": BINS, **FAST, **kwargs}).fit(X, Y)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("fine_tune", ["full", 1, "none"])
def test_round_trip(clip_models, pixels, tmp_path, kind, fine_tune):
    if kind == "resnet" and fine_tune == 1:
        pytest.skip("open_clip cannot lock a part of a ResNet")
    reg = fit(clip_models[kind], pixels, fine_tune=fine_tune)
    reg.save(tmp_path / "model")
    loaded = NumCLIPRegressor.load(tmp_path / "model")
    for method in ("predict", "predict_bin_proba", "transform"):
        np.testing.assert_array_equal(getattr(loaded, method)(pixels), getattr(reg, method)(pixels))
    pd.testing.assert_frame_equal(loaded.explain(pixels), reg.explain(pixels))
    pd.testing.assert_frame_equal(loaded.history_, reg.history_)
    assert loaded.get_params() == reg.get_params()
    assert (loaded.bins_, loaded.n_iter_, loaded.skipped_) == (reg.bins_, 1, {})
    loaded.save(tmp_path / "again")
    assert NumCLIPRegressor.load(tmp_path / "again").predict(pixels).tolist() == (
        reg.predict(pixels).tolist()
    )


@pytest.mark.parametrize("bins", [BINS, {"few": (0, 20), "many": (20, 100)}, "age", 2])
def test_every_form_of_bins_comes_back(clip_models, pixels, tmp_path, bins):
    fit(clip_models["clip"], pixels, bins=bins, max_epochs=0).save(tmp_path / "model")
    assert NumCLIPRegressor.load(tmp_path / "model").bins == bins


def test_a_model_of_features(clip_models, tmp_path):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(8, 3)), columns=list("abc"))
    reg = fit(clip_models["clip"], X, fine_tune="none")
    reg.save(tmp_path / "model")
    loaded = NumCLIPRegressor.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), reg.predict(X))
    assert loaded.n_features_in_ == 3
    assert loaded.feature_names_in_.tolist() == list("abc")


def test_training_goes_on_after_loading(clip_models, pixels, tmp_path):
    for fine_tune in ("full", "none"):
        reg = fit(clip_models["clip"], pixels, fine_tune=fine_tune, warm_start=True)
        reg.save(tmp_path / fine_tune)
        loaded = NumCLIPRegressor.load(tmp_path / fine_tune)
        np.testing.assert_array_equal(
            loaded.fit(pixels, Y).predict(pixels), reg.fit(pixels, Y).predict(pixels)
        )


def test_a_fine_tuned_model_needs_no_other_files(pixels, tmp_path):
    name = save_clip(tmp_path / "clip", MODELS["clip"])
    reg = fit(name, pixels)
    reg.save(tmp_path / "model")
    (tmp_path / "clip").rename(tmp_path / "gone")
    loaded = NumCLIPRegressor.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(pixels), reg.predict(pixels))


def test_a_frozen_model_refers_to_its_tower(pixels, tmp_path):
    name = save_clip(tmp_path / "clip", MODELS["clip"])
    fit(name, pixels, fine_tune="none").save(tmp_path / "model")
    size = sum(file.stat().st_size for file in (tmp_path / "model").iterdir())
    assert size < 20_000
    weights = tmp_path / "clip" / "open_clip_model.safetensors"
    changed = safetensors.torch.load_file(weights)
    changed["visual.proj"] += 1
    safetensors.torch.save_file(changed, weights)
    with pytest.raises(ValueError, match="has other weights now"):
        NumCLIPRegressor.load(tmp_path / "model")
    (tmp_path / "clip").rename(tmp_path / "gone")
    with pytest.raises(BackboneError):
        NumCLIPRegressor.load(tmp_path / "model")


def test_what_json_cannot_hold_is_named(clip_models, pixels, tmp_path):
    reg = fit(clip_models["clip"], pixels, callbacks=[], max_epochs=0)
    reg.set_params(random_state=np.random.RandomState(0))
    with pytest.warns(UserWarning, match=r"\['random_state'\] cannot be saved"):
        reg.save(tmp_path)
    assert NumCLIPRegressor.load(tmp_path).random_state is None


def test_files_hold_no_pickle_and_json_is_readable(clip_models, pixels, tmp_path):
    fit(clip_models["clip"], pixels).save(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"sknumclip.json", "model.safetensors"}
    config = json.loads((tmp_path / "sknumclip.json").read_text())
    assert config["bins"]["descriptions"] == ["few", "many"]
    assert config["versions"].keys() >= {"sknumclip", "torch"}


def break_json(folder):
    (folder / "sknumclip.json").write_text("{")


def remove_json(folder):
    (folder / "sknumclip.json").unlink()


def truncate_tensors(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-10])


def remove_tensors(folder):
    (folder / "model.safetensors").unlink()


def drop_a_tensor(folder):
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    del tensors["regressor.out.bias"]
    safetensors.torch.save_file(tensors, folder / "model.safetensors")


def change_format(folder):
    config = json.loads((folder / "sknumclip.json").read_text())
    (folder / "sknumclip.json").write_text(json.dumps({**config, "format_version": 99}))


def change_class(folder):
    config = json.loads((folder / "sknumclip.json").read_text())
    (folder / "sknumclip.json").write_text(json.dumps({**config, "class": "Other"}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_json, "sknumclip.json is damaged"),
        (remove_json, "not a folder that NumCLIPRegressor.save wrote"),
        (truncate_tensors, "model.safetensors cannot be read"),
        (remove_tensors, "model.safetensors cannot be read"),
        (drop_a_tensor, r"does not fit sknumclip.json.*'regressor.out.bias'"),
        (change_format, "has format 99.*reads format 1"),
        (change_class, "holds a Other"),
    ],
)
def test_damaged_or_foreign_files_are_refused(clip_models, pixels, tmp_path, damage, message):
    fit(clip_models["clip"], pixels, max_epochs=0).save(tmp_path)
    damage(tmp_path)
    with pytest.raises(ValueError, match=message):
        NumCLIPRegressor.load(tmp_path)
