"""Settings that are class attributes, not parameters: they have an effect and are validated."""

import inspect

import numpy as np
import pytest
from factories import FAST, GRADES, Y, with_settings
from sklearn.base import clone

from sknumclip import NumCLIPClassifier, NumCLIPRegressor

SETTINGS = [
    dict(max_shift=0.9),
    dict(regressor_lr=1e-2),
    dict(lr_schedule="constant"),
    dict(mirror=True),
]


def fit(Estimator, labels, name, pixels, **params):
    # Trained in epochs from zero-shot CLIP, where all settings matter.
    fast = {**FAST, "fine_tune": "none", "precision": "fp32", "model_name": name, **params}
    if not issubclass(Estimator, NumCLIPRegressor):
        del fast["bins"]
    return Estimator(**fast).fit(pixels, labels)


@pytest.mark.parametrize(("Estimator", "most"), [(NumCLIPRegressor, 32), (NumCLIPClassifier, 33)])
def test_a_constructor_can_be_read(Estimator, most):
    assert len(inspect.signature(Estimator).parameters) <= most


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_every_setting_matters_and_survives_clone(clip_models, pixels, settings):
    plain = fit(NumCLIPRegressor, Y, clip_models["clip"], pixels).predict(pixels)
    Changed = with_settings(NumCLIPRegressor, **settings)
    changed = fit(Changed, Y, clip_models["clip"], pixels)
    assert (changed.predict(pixels) != plain).any()
    again = clone(changed).fit(pixels, Y)
    np.testing.assert_array_equal(again.predict(pixels), changed.predict(pixels))


@pytest.mark.parametrize("settings", [*SETTINGS, dict(shift="none")], ids=str)
def test_settings_of_the_classifier_matter(clip_models, pixels, settings):
    plain = fit(NumCLIPClassifier, GRADES, clip_models["clip"], pixels)
    Changed = with_settings(NumCLIPClassifier, **settings)
    changed = fit(Changed, GRADES, clip_models["clip"], pixels)
    losses = [clf.history_["train_loss"].tolist() for clf in (plain, changed)]
    assert losses[0] != losses[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(max_shift=1), r"'max_shift' parameter .* in the range \(0.0, 1.0\). Got 1"),
        (dict(regressor_lr=None), r"'regressor_lr' parameter .* range \[0.0, inf\). Got None"),
        (dict(lr_schedule="linear"), "'lr_schedule' parameter .* must be a str among"),
        (dict(gather_batches="yes"), "'gather_batches' parameter .* 'bool'"),
        (dict(mirror="both"), "'mirror' parameter .* 'bool'"),
    ],
)
def test_bad_settings_are_named(clip_models, pixels, settings, message):
    with pytest.raises(ValueError, match=message):
        fit(with_settings(NumCLIPRegressor, **settings), Y, clip_models["clip"], pixels)


def test_who_takes_a_setting_for_a_parameter_is_told():
    with pytest.raises(ValueError, match=r"subclass with the class attribute max_shift = 0\.3"):
        NumCLIPRegressor().set_params(max_shift=0.3)
    with pytest.raises(ValueError, match="'shift' is not a parameter of NumCLIPClassifier"):
        NumCLIPClassifier().set_params(shift="none")


@pytest.mark.parametrize("Estimator", [NumCLIPRegressor, NumCLIPClassifier])
def test_checkpoints_of_other_settings_are_others(clip_models, pixels, tmp_path, Estimator):
    labels = Y if Estimator is NumCLIPRegressor else GRADES
    for settings in ({}, *SETTINGS):
        Changed = with_settings(Estimator, **settings)
        fit(Changed, labels, clip_models["clip"], pixels, checkpoint=tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) == 1 + len(SETTINGS)
