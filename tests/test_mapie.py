"""Prediction intervals by MAPIE, over paths and over features, as they come."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories import TINY_FROZEN, run_python, save_pictures

from sknumclip import NumCLIPRegressor
from sknumclip.datasets import make_counting_images

mapie = pytest.importorskip("mapie.regression")

BINS = {"a few": (1, 10), "several": (10, 25), "many": (25, 50), "countless": (50, 101)}
N_TRAIN, N_CALIBRATION, N = 120, 200, 520


@pytest.fixture(scope="module")
def drawn():
    return make_counting_images(N, random_state=0)


@pytest.fixture(scope="module")
def paths(drawn, tmp_path_factory):
    return save_pictures(tmp_path_factory.mktemp("pictures"), drawn[0], ".bmp")


def make_regressor(**params):
    return NumCLIPRegressor(BINS, **dict(**TINY_FROZEN, max_epochs=20) | params)


def as_given(kind, paths):
    if kind == "features":
        return make_regressor(max_epochs=0).fit(paths[:10], range(1, 11)).transform(paths)
    return {"array": np.array, "Series": pd.Series}[kind](paths)


@pytest.mark.parametrize("kind", ["array", "Series", "features"])
def test_split_conformal_intervals_cover_what_they_say(drawn, paths, kind):
    X, y = as_given(kind, paths), drawn[1]
    train, calibration, test = np.split(np.arange(N), [N_TRAIN, N_TRAIN + N_CALIBRATION])
    reg = make_regressor().fit(X[train], y[train])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "Estimator does not appear fitted", for one
        conformal = mapie.SplitConformalRegressor(reg, confidence_level=[0.8, 0.9], prefit=True)
        conformal.conformalize(X[calibration], y[calibration])
        y_pred, intervals = conformal.predict_interval(X[test])
    np.testing.assert_array_equal(y_pred, reg.predict(X[test]))
    for k, level in enumerate([0.8, 0.9]):
        low, high = intervals[:, :, k].T
        coverage = ((low <= y[test]) & (y[test] <= high)).mean()
        deviation = np.sqrt(level * (1 - level) * (1 / len(calibration) + 1 / len(test)))
        assert abs(coverage - level) < 3 * deviation
        assert (high - low < 100).all()


@pytest.mark.parametrize("kind", ["array", "Series", "features"])
def test_cross_conformal_intervals(drawn, paths, kind):
    X, y = as_given(kind, paths), drawn[1]
    conformal = mapie.CrossConformalRegressor(make_regressor(), confidence_level=0.9, cv=3)
    conformal.fit_conformalize(X[:N_CALIBRATION], y[:N_CALIBRATION])
    y_pred, intervals = conformal.predict_interval(X[N_CALIBRATION:])
    low, high = intervals[:, :, 0].T
    assert (low <= y_pred).all()
    assert (y_pred <= high).all()
    coverage = ((low <= y[N_CALIBRATION:]) & (y[N_CALIBRATION:] <= high)).mean()
    assert 0.8 < coverage < 0.99


def test_a_list_of_paths_is_refused_by_mapie(drawn, paths):
    conformal = mapie.SplitConformalRegressor(
        make_regressor().fit(paths[:20], drawn[1][:20]), prefit=True
    )
    with pytest.raises(TypeError, match="number of features"):
        conformal.conformalize(paths[20:60], drawn[1][20:60])


@pytest.mark.slow
def test_the_example_runs(tmp_path):
    script = Path(__file__).parent.parent / "examples" / "plot_05_intervals.py"
    output = run_python([script], timeout=600, cwd=tmp_path)
    shares = re.findall(r"(\d+)% conformal +: covers ([\d.]+)%", output)
    assert [abs(float(covered) - int(level)) < 5 for level, covered in shares] == [True, True]
    assert (tmp_path / "intervals.png").stat().st_size > 10_000
