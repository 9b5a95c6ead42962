"""Save and load: bitwise equal predictions, restored attributes, and errors for invalid folders."""

import json

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
from factories import FEW_OR_MANY, MODELS, Y, save_clip
from saved_folders import ONE_EPOCH, change_json, edit_tensors, fit

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.exceptions import BackboneError, SavedModelError
from sknumclip.images.embeddings import clear_embedding_cache


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


@pytest.mark.parametrize("bins", [FEW_OR_MANY, {"few": (0, 20), "many": (20, 100)}, "age", 2])
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


def test_a_file_is_not_replaced_by_a_folder(clip_models, pixels, tmp_path):
    (tmp_path / "model.pt").write_text("mine")
    reg = fit(clip_models["clip"], pixels, fine_tune="none")
    with pytest.raises(FileExistsError, match="model.pt is a file, but a model is saved as"):
        reg.save(tmp_path / "model.pt")
    assert (tmp_path / "model.pt").read_text() == "mine"


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


def test_a_model_smaller_than_its_tower_may_refer_to_it(pixels, tmp_path):
    deep = {**MODELS["clip"]["vision_cfg"], "layers": 130}
    name = save_clip(tmp_path / "clip", {**MODELS["clip"], "vision_cfg": deep})
    reg = fit(name, pixels, fine_tune="none")
    reg.save(tmp_path / "model")
    loaded = NumCLIPRegressor.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(pixels), reg.predict(pixels))


class Mirrored(NumCLIPRegressor):
    mirror = True


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_mirror_images_are_part_of_the_model(clip_models, pixels, tmp_path, fine_tune):
    params = dict(model_name=clip_models["clip"], fine_tune=fine_tune, **ONE_EPOCH)
    reg = Mirrored(FEW_OR_MANY, **params).fit(pixels, Y)
    expected = reg.predict(pixels)
    np.testing.assert_allclose(reg.predict(pixels[:, :, ::-1]), expected, rtol=1e-3)
    reg.save(tmp_path)
    loaded = Mirrored.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(pixels), expected)


def test_models_from_before_there_were_mirror_images_have_none(clip_models, pixels, tmp_path):
    reg = fit(clip_models["clip"], pixels)
    reg.save(tmp_path)
    file = tmp_path / "sknumclip.json"
    config = json.loads(file.read_text())
    assert config["encoder"].pop("mirror") is False
    file.write_text(json.dumps(config))
    loaded = NumCLIPRegressor.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(pixels), reg.predict(pixels))


def test_parameters_may_be_numbers_of_numpy(clip_models, pixels, tmp_path):
    params = dict(canvas_scale=np.int64(1), lr=np.float32(1e-4), beta=np.float32(2))
    reg = fit(clip_models["clip"], pixels, **params)
    reg.save(tmp_path)
    loaded = NumCLIPRegressor.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(pixels), reg.predict(pixels))


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
    edit_tensors(folder, lambda tensors: tensors.pop("regressor.out.bias"))


def change_format(folder):
    change_json(folder, format_version=99)


def make_it_old(folder):
    change_json(folder, format_version=1, versions={"sknumclip": "0.0.7"})


def change_class(folder):
    change_json(folder, **{"class": "Other"})


def flip_a_weight(folder):
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_json, "sknumclip.json is damaged"),
        (remove_json, "is not a saved model"),
        (truncate_tensors, "model.safetensors cannot be read"),
        (remove_tensors, "model.safetensors cannot be read"),
        (drop_a_tensor, r"does not match its JSON.*'regressor.out.bias' is missing"),
        (change_format, "has format 99.*reads format 3. Install a newer sknumclip"),
        (make_it_old, "has format 1.*Install sknumclip 0.0.7, or fit again"),
        (change_class, "contains the class Other; load it with Other.load"),
        (flip_a_weight, "is damaged, or belongs to another model"),
    ],
)
def test_damaged_or_foreign_files_are_refused(untrained, damage, message):
    damage(untrained)
    with pytest.raises(SavedModelError, match=message):
        NumCLIPRegressor.load(untrained)


# --------------------------------------------------------------------------------------- standalone


@pytest.mark.parametrize("kind", MODELS)
def test_a_standalone_model_needs_no_other_files(pixels, tmp_path, kind):
    name = save_clip(tmp_path / "clip", MODELS[kind])
    reg = fit(name, pixels, fine_tune="none")
    reg.save(tmp_path / "model", standalone=True)
    expected = reg.predict(pixels), reg.transform(pixels)
    (tmp_path / "clip").rename(tmp_path / "gone")
    clear_embedding_cache()  # the tower must work, not its memory
    loaded = NumCLIPRegressor.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(pixels), expected[0])
    np.testing.assert_array_equal(loaded.transform(pixels), expected[1])
    with pytest.raises(BackboneError):
        loaded.fit(pixels, Y)
    loaded.save(tmp_path / "again", standalone=True)
    again = NumCLIPRegressor.load(tmp_path / "again")
    np.testing.assert_array_equal(again.predict(pixels), expected[0])


def test_a_tower_cannot_pass_for_another(pixels, tmp_path):
    """Features of frozen towers are shared by hash: a forged one would spoil other models."""
    fit("tiny", pixels, fine_tune="none").save(tmp_path, standalone=True)
    edit_tensors(tmp_path, lambda tensors: tensors["encoder.visual.proj"].add_(1))
    with pytest.raises(SavedModelError, match="contains a different image tower"):
        NumCLIPRegressor.load(tmp_path)


def test_a_model_of_features_is_standalone_anyway(clip_models, tmp_path):
    X = np.random.default_rng(0).normal(size=(8, 3))
    reg = fit(clip_models["clip"], X, fine_tune="none")
    reg.save(tmp_path, standalone=True)
    np.testing.assert_array_equal(NumCLIPRegressor.load(tmp_path).predict(X), reg.predict(X))


def test_a_frozen_tower_may_have_moved(pixels, tmp_path):
    name = save_clip(tmp_path / "clip", MODELS["clip"])
    reg = fit(name, pixels, fine_tune="none")
    reg.save(tmp_path / "model")
    (tmp_path / "clip").rename(tmp_path / "moved")
    with pytest.raises(BackboneError, match="it has moved, use load"):
        NumCLIPRegressor.load(tmp_path / "model")
    new_name = f"local-dir:{tmp_path / 'moved'}"
    loaded = NumCLIPRegressor.load(tmp_path / "model", model_name=new_name)
    np.testing.assert_array_equal(loaded.predict(pixels), reg.predict(pixels))
    assert loaded.fit(pixels, Y).model_name == new_name
    with pytest.raises(SavedModelError, match="other weights now"):
        NumCLIPRegressor.load(tmp_path / "model", model_name="tiny")


def test_a_place_is_refused_where_none_is_needed(untrained):
    with pytest.raises(ValueError, match="model_name has no effect"):
        NumCLIPRegressor.load(untrained, model_name="tiny")
    with pytest.raises(ValueError, match="pretrained needs a model_name"):
        NumCLIPRegressor.load(untrained, pretrained="openai")


def test_a_classifier(clip_models, pixels, tmp_path):
    grades = np.array(["few", "many"])[(Y > 10).astype(int)]
    clf = NumCLIPClassifier(["few", "many"], model_name=clip_models["clip"], **ONE_EPOCH)
    clf.fit(pixels, grades).save(tmp_path)
    loaded = NumCLIPClassifier.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(pixels), clf.predict_proba(pixels))
    assert loaded.predict(pixels).tolist() == clf.predict(pixels).tolist()
    with pytest.raises(SavedModelError, match="load it with NumCLIPClassifier.load"):
        NumCLIPRegressor.load(tmp_path)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "kind",
    [
        pd.Index,
        np.array,
        pd.Series,
        tuple,
        lambda labels: list(np.array(labels)),
        lambda labels: pd.Categorical(labels, labels, ordered=True),
        lambda labels: np.array(labels, dtype=object),
    ],
)
@pytest.mark.parametrize("labels", [["many", "few"], [7, 3]])
def test_the_order_of_classes_of_any_kind_is_kept_for_a_later_fit(
    clip_models, pixels, tmp_path, kind, labels
):
    y = np.array(labels)[(Y > 10).astype(int)]
    clf = NumCLIPClassifier(kind(labels), model_name=clip_models["clip"], **ONE_EPOCH)
    clf.fit(pixels, y).save(tmp_path)
    again = NumCLIPClassifier.load(tmp_path).fit(pixels, y)
    assert again.classes_.tolist() == labels
    np.testing.assert_array_equal(again._outputs(pixels)[0], clf._outputs(pixels)[0])


def test_the_order_of_classes_that_json_has_no_words_for_is_kept(clip_models, pixels, tmp_path):
    y = pd.cut(Y, [0, 10, 100])
    params = dict(model_name=clip_models["clip"], **ONE_EPOCH)
    clf = NumCLIPClassifier(y.categories, **params).fit(pixels, y)
    clf.save(tmp_path / "given")
    again = NumCLIPClassifier.load(tmp_path / "given").fit(pixels, y)
    assert again.classes_.tolist() == ["0 to 10", "10 to 100"]
    ordered = pd.Categorical(y.rename_categories(["small", "big"]), ordered=True)
    NumCLIPClassifier(**params).fit(pixels, ordered).save(tmp_path / "carried")
    loaded = NumCLIPClassifier.load(tmp_path / "carried")
    assert loaded.classes_.tolist() == ["small", "big"]
    assert loaded.fit(pixels, ordered).classes_.tolist() == ["small", "big"]


@pytest.mark.parametrize("kind", [pd.Index, np.array, pd.Series, lambda x: list(np.array(x))])
def test_descriptions_of_any_kind_are_kept(clip_models, pixels, tmp_path, kind):
    clf = NumCLIPClassifier(
        descriptions=kind(["few", "many"]), model_name=clip_models["clip"], **ONE_EPOCH
    )
    clf.fit(pixels, Y > 10).save(tmp_path)
    again = NumCLIPClassifier.load(tmp_path).fit(pixels, Y > 10)
    assert again.bins_.descriptions == ("few", "many")


def test_params_and_history_can_be_logged(clip_models, pixels):
    """Loggers of experiments take parameters as text and metrics as plain numbers."""
    reg = fit(clip_models["clip"], pixels, early_stopping=True, validation_fraction=0.4)
    for row in reg.history_.to_dict(orient="records"):
        assert {type(value) for value in row.values()} <= {float, int, bool}
        assert np.isfinite(list(row.values())).all()
