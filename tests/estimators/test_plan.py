"""What a fit is about to do, printed with ``verbose=2``."""

import numpy as np
import pytest
from factories import GRADES, TINY_FAST, Y

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.baselines import ImageHeadRegressor

FULL = dict(fine_tune="full", batch_size=4, precision="fp32")


@pytest.mark.parametrize(
    ("cls", "params", "lines"),
    [
        (
            NumCLIPRegressor,
            FULL,
            [
                "NumCLIPRegressor.fit",
                "data:     8 images",
                "bins:     3 bins from 0 to 100",
                "whole image tower trained",
                "machine:  cpu, fp32",
                "decoded images kept in memory if they fit",
                "from a solved fit, up to 2 epochs of 2 steps, batches of 4",
            ],
        ),
        (
            NumCLIPRegressor,
            dict(fine_tune="none", max_epochs="auto", batch_size="auto"),
            ["frozen", "solved"],
        ),
        (NumCLIPRegressor, dict(fine_tune=1, image_cache=None), ["last 1 blocks", "not kept"]),
        (
            NumCLIPRegressor,
            dict(FULL, early_stopping=True, validation_fraction=0.25, batch_size=1),
            ["up to 2 epochs of 6 steps, batches of 1"],
        ),
        (ImageHeadRegressor, FULL, ["ImageHeadRegressor.fit", "2 epochs of 2 steps"]),
    ],
)
def test_plan_of_a_fit(cls, params, lines, make, pixels, capsys):
    params = {"max_epochs": 2, "device": "cpu", **params, "verbose": 2}
    if cls is NumCLIPRegressor:
        make(**params).fit(pixels, Y)
    else:
        cls(model_name="tiny", **params).fit(pixels, Y)
    printed = capsys.readouterr().out
    for line in lines:
        assert line in printed


def test_the_model_and_the_folder_are_named(make, clip_models, pixels, tmp_path, capsys):
    make(fine_tune="none", image_cache=tmp_path, verbose=2).fit(pixels, Y)
    printed = capsys.readouterr().out
    assert f"model:    {clip_models['clip']}" in printed
    assert f"embeddings kept in {tmp_path}" in printed


def test_features_and_classes_have_a_plan_too(make, capsys):
    X = np.random.default_rng(0).normal(size=(len(Y), 6))
    clf = NumCLIPClassifier(["few", "many"], **{**TINY_FAST, "verbose": 2})
    clf.fit(X, GRADES)
    assert f"{len(Y)} rows of features" in capsys.readouterr().out


def test_verbose_1_says_nothing(make, pixels, capsys):
    make(fine_tune="none", verbose=1).fit(pixels, Y)
    assert capsys.readouterr().out == ""
