"""Fit: early errors, trained parts, skipped images, warm starts."""

import pickle
import warnings

import numpy as np
import pytest
from factories import BINS, FromZeroShot, bad_files


def trained_parameters(make, data, **kwargs):
    X, y = data
    untrained = dict(lr=0, prompt_lr=0) if kwargs.get("fine_tune") != "none" else dict(max_epochs=0)
    before = make(**{**kwargs, **untrained}).fit(X, y).net_.module_.state_dict()
    after = make(**kwargs).fit(X, y).net_.module_.state_dict()
    return {name for name in after if name not in before or (before[name] != after[name]).any()}


def test_what_is_trained(make, data):
    full = trained_parameters(make, data)
    assert {"encoder.visual.conv1.weight", "weights", "bias"} <= full
    assert not {"moved_centers", "slopes", "coefficients", "numbers", "text_weights"} & full
    from_words = trained_parameters(make, data, cls=FromZeroShot)
    expected = {"encoder.visual.conv1.weight", "prompts.embeddings", "regressor.out.weight"}
    assert expected <= from_words
    last = trained_parameters(make, data, fine_tune=1)
    assert "encoder.visual.transformer.resblocks.1.ln_1.weight" in last
    assert not any("resblocks.0" in name or "conv1" in name for name in last)
    frozen = trained_parameters(make, data, fine_tune="none")
    assert {name.split(".")[0] for name in frozen} == {"prompts", "regressor", "text_features"}


def test_samples_of_no_weight_are_left_out(make, data):
    X, y = data
    kept = np.arange(8) != 3
    y_nonsense = np.where(kept, y, 1e6)
    reg = make(fine_tune="none", bins=3).fit(X, y_nonsense, sample_weight=kept.astype(float))
    without = make(fine_tune="none", bins=3).fit(X[kept], y[kept])
    assert reg.bins_ == without.bins_
    np.testing.assert_allclose(reg.predict(X), without.predict(X), rtol=1e-5)


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_skipping_bad_files_keeps_everything_else_in_place(make, data, files, tmp_path, fine_tune):
    (tmp_path / "bad").mkdir()
    bad = list(map(str, bad_files(tmp_path / "bad")))
    _, y = data
    X, labels = [*bad[:3], *files, *bad[3:]], np.array([50.0] * 3 + [*y] + [50.0] * 2)
    expected = make(fine_tune=fine_tune).fit(files, y).predict(files)
    reg = make(fine_tune=fine_tune, on_error="skip", device="cpu")
    with pytest.warns(UserWarning, match="5 of 13 images could not be read and were left out"):
        reg.fit(X, labels)
    assert list(reg.skipped_) == bad
    y_pred, y_std = reg.predict(X, return_std=True)
    unread = [0, 1, 2, 11, 12]
    assert np.flatnonzero(np.isnan(y_pred)).tolist() == unread
    assert np.isnan(y_std[unread]).all()
    assert reg.explain(X)["concept"].isna().to_numpy().nonzero()[0].tolist() == unread
    np.testing.assert_allclose(reg.predict(files), y_pred[3:11])
    assert np.isnan(reg.predict(bad[:1])).all()
    if fine_tune == "none":
        np.testing.assert_allclose(y_pred[3:11], expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(template="{} " + "very " * 20), "more tokens than the 20"),
        (dict(fine_tune=9), "fine_tune=9, but this image tower has 2 blocks"),
        (dict(early_stopping=True, validation_fraction=0.9), "validation_fraction=0.9 leaves 0"),
        (dict(device="cuda:99"), "device='cuda:99' cannot be used"),
        (dict(callbacks="all"), "'callbacks' parameter"),
    ],
    ids=str,
)
def test_what_can_be_known_early_is_found_before_images_are_read(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**change).fit([f"missing-{i}.jpg" for i in range(8)], np.arange(8.0))


@pytest.mark.parametrize("fine_tune", ["full", 1, "none"])
def test_warm_start_goes_on_from_the_last_result(make, data, fine_tune):
    X, y = data
    reg = make(fine_tune=fine_tune, bins=3).fit(X, y)
    before, bins = reg.predict(X), reg.bins_
    reg = pickle.loads(pickle.dumps(reg)).set_params(warm_start=True, max_epochs=0)
    assert (reg.fit(X, y).predict(X) == before).all()
    assert (reg.set_params(max_epochs=1).fit(X, 0.9 * y + 1).predict(X) != before).any()
    assert reg.bins_ == bins
    with pytest.raises(ValueError, match="cannot continue with other bins"):
        reg.set_params(bins=BINS).fit(X, y)
    reg.set_params(bins=3)
    anew = reg.set_params(warm_start=False, max_epochs=0).fit(X, y)
    assert (anew.predict(X) != before).any()


@pytest.mark.parametrize("change", [dict(fine_tune="full"), dict(model_name="tiny")], ids=str)
def test_warm_start_from_another_kind_of_model_is_an_error(make, data, change):
    reg = make(fine_tune="none", warm_start=True).fit(*data)
    with pytest.raises(ValueError, match="warm_start=True cannot continue"):
        reg.set_params(**change).fit(*data)


def test_labels_of_another_unit_than_the_bins_are_pointed_out(make, data):
    X, y = data
    with pytest.warns(
        UserWarning, match=r"All 8 labels, from 0 to 0\.\d+, are in one bin: 'few', 0 "
    ):
        make(fine_tune="none").fit(X, np.linspace(0, 0.9, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(fine_tune="none").fit(X, y)
