"""Every warning names the user's own file, through whatever stands between it and the package."""

import warnings

import numpy as np
import pytest
from factories import FAST, Y, small_pictures
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.datasets import few_shot


def skips_an_image(make, files):
    (bad := files[0].replace("0.png", "bad.png"), open(bad, "w").close())
    make(on_error="skip").fit([*files, bad], [*Y, 5.0])


def has_fewer_quantiles(make, files):
    make(bins=5).fit(files, [1, 1, 1, 1, 1, 1, 1, 9.0])


def searches(make, files):
    GridSearchCV(make(bins=5), {"beta": [1]}, cv=2, error_score="raise").fit(
        files, [1, 1, 1, 9, 1, 1, 1, 9.0]
    )


def fits_in_threads(make, files):
    with parallel_config("threading", n_jobs=1):
        cross_val_score(make_pipeline(make(bins=5)), files, [1, 1, 1, 9, 1, 1, 1, 9.0], cv=2)


def asks_for_unsorted_probabilities(make, files):
    params = {name: value for name, value in FAST.items() if name != "bins"}
    names = np.where(Y < 20, "young", "old")
    clf = NumCLIPClassifier(["young", "old"], model_name="tiny", **params)
    clf.fit(small_pictures(), names).predict_proba(files)


def draws_too_few(make, files):
    few_shot(np.array([1, 1, 1, 2]), 2, 0)


@pytest.mark.parametrize(
    "user",
    [
        skips_an_image,
        has_fewer_quantiles,
        searches,
        fits_in_threads,
        asks_for_unsorted_probabilities,
        draws_too_few,
    ],
)
def test_the_line_of_the_user_is_named(user, make, files):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        user(make, files)
    ours = [w for w in caught if w.category is UserWarning]
    assert ours
    for warning in ours:
        assert warning.filename == __file__, warning.message


def test_the_estimator_is_the_users_too():
    class Mine(NumCLIPRegressor):
        pass

    with pytest.warns(UserWarning, match="bins") as caught:
        Mine(5, model_name="tiny", fine_tune="none", max_epochs=0, verbose=0).fit(
            small_pictures(), [1, 1, 1, 1, 1, 1, 1, 9.0]
        )
    assert caught[0].filename == __file__
