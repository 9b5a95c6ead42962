"""Tests on real faces, if the data is available; see CONTRIBUTING."""

import numpy as np
import pandas as pd
import pytest
from factories import FACE_CLIP, FACES, needs_faces, with_settings
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, train_test_split

from sknumclip import NumCLIPRegressor

pytestmark = needs_faces

PARAMS = dict(
    bins="age",
    template="the person is a {}.",
    model_name=f"local-dir:{FACE_CLIP}",
    random_state=0,
    verbose=0,
)


@pytest.fixture(scope="module")
def faces():
    """Train and test split, each with columns path and age."""
    table = pd.read_csv(FACES / "labels.csv")
    table["path"] = [str(FACES / file) for file in table["file"]]
    return {split: part for split, part in table.groupby("split")}


def four_per_age(table):
    return table.sample(frac=1, random_state=0).groupby("age").head(4)


def error(reg, table):
    return np.abs(reg.predict(table["path"]) - table["age"].to_numpy()).mean()


def test_words_beat_digits_and_the_median_without_training(faces):
    train, test = faces["train"][:50], faces["test"]
    words, digits = (
        NumCLIPRegressor(**PARAMS, prompt_init=prompt_init, max_epochs=0, fine_tune="none").fit(
            train["path"], train["age"]
        )
        for prompt_init in ("words", "numbers")
    )
    median = np.abs(test["age"] - faces["train"]["age"].median()).mean()
    assert error(words, test) < 9
    assert error(words, test) < 0.8 * error(digits, test)
    assert error(words, test) < 0.7 * median


def test_frozen_beats_ridge_on_the_same_embeddings(faces):
    train, test = four_per_age(faces["train"]), faces["test"]
    reg = NumCLIPRegressor(**PARAMS, fine_tune="none").fit(train["path"], train["age"])
    ridge = RidgeCV(np.logspace(-3, 3, 13)).fit(reg.transform(train["path"]), train["age"])
    ridge_error = np.abs(ridge.predict(reg.transform(test["path"])) - test["age"]).mean()
    assert error(reg, test) < 0.9 * ridge_error
    assert error(reg, test) < 8.7


@pytest.mark.slow
def test_fine_tuning_beats_zero_shot_and_ridge_few_shot(faces):
    train, test = four_per_age(faces["train"]), faces["test"]
    zero_shot = NumCLIPRegressor(**PARAMS, fine_tune="none", max_epochs=0)
    zero_shot.fit(train["path"], train["age"])
    ridge = RidgeCV(np.logspace(-3, 3, 13)).fit(zero_shot.transform(train["path"]), train["age"])
    ridge_error = np.abs(ridge.predict(zero_shot.transform(test["path"])) - test["age"]).mean()
    reg = NumCLIPRegressor(**PARAMS, max_epochs=10).fit(train["path"], train["age"])
    assert error(reg, test) < error(zero_shot, test)
    assert error(reg, test) < 0.85 * ridge_error


def test_grid_search_over_beta_and_bins(faces):
    train = four_per_age(faces["train"])
    coarse = {"child": (0, 13), "young person": (13, 35), "older person": (35, 121)}
    search = GridSearchCV(
        with_settings(NumCLIPRegressor, regressor_lr=5e-3)(
            **PARAMS, fine_tune="none", max_epochs=20
        ),
        {"beta": [0, 4, 16], "bins": ["age", coarse]},
        scoring="neg_mean_absolute_error",
        cv=3,
    ).fit(train["path"], train["age"])
    results = search.cv_results_
    for bins in ("age", coarse):
        of_bins = [
            score
            for params, score in zip(results["params"], results["mean_test_score"], strict=True)
            if params["bins"] == bins
        ]
        assert len(set(of_bins)) == 3  # beta matters, if little
    assert search.best_params_["bins"] == "age"


def test_conformal_intervals_hold_as_many_faces_as_they_say(faces):
    mapie = pytest.importorskip("mapie.regression")
    train, test = four_per_age(faces["train"]), faces["test"]
    reg = NumCLIPRegressor(**PARAMS, fine_tune="none").fit(train["path"], train["age"])
    coverages, widths = [], []
    for seed in range(10):
        calibration, held_out = train_test_split(test, test_size=0.5, random_state=seed)
        conformal = mapie.SplitConformalRegressor(reg, confidence_level=0.9, prefit=True)
        conformal.conformalize(calibration["path"], calibration["age"])
        low, high = conformal.predict_interval(held_out["path"])[1][:, :, 0].T
        coverages.append(((low <= held_out["age"]) & (held_out["age"] <= high)).mean())
        widths.append((high - low).mean())
    # Both the quantile, found on one half, and the share on the other half are binomial.
    deviation = np.sqrt(0.9 * 0.1 * (1 / len(calibration) + 1 / len(held_out)))
    assert np.abs(np.array(coverages) - 0.9).max() < 4 * deviation
    assert np.abs(np.mean(coverages) - 0.9) < deviation
    assert np.mean(widths) < 45  # years
    y_pred, y_std = reg.predict(test["path"], return_std=True)
    normal = (np.abs(y_pred - test["age"]) <= 1.645 * y_std).mean()
    assert 0.85 < normal < 0.95  # of the 90 % that a normal distribution would have
