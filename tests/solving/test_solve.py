"""A solved frozen fit: not worse than a ridge, zero-shot CLIP or the median, and exact."""

import warnings

import numpy as np
import pytest
from factories import BINS, FOUR_COUNTS, TINY_FROZEN, Y, save_pictures
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_sample_weight_equivalence_on_dense_data

from sknumclip import CLIPEmbedder, NumCLIPClassifier, NumCLIPRegressor
from sknumclip.baselines import ZeroShotCLIPRegressor
from sknumclip.datasets import make_counting_images
from sknumclip.solving.rows import Rows
from sknumclip.solving.solve import _std_scale


def error(reg, X, y):
    return np.abs(reg.predict(X) - y).mean()


@pytest.fixture(scope="module")
def shapes():
    X, y = make_counting_images(400, random_state=0)
    Z = CLIPEmbedder(model_name="tiny", verbose=0).fit_transform(X)
    return Z, y


@pytest.mark.parametrize("n", [10, 50, 200])
def test_it_beats_the_ridge_and_zero_shot_clip(shapes, n):
    Z, y = shapes
    solved = NumCLIPRegressor(FOUR_COUNTS, template="{} shapes.", **TINY_FROZEN).fit(Z[:n], y[:n])
    zero_shot = ZeroShotCLIPRegressor(
        FOUR_COUNTS, template="{} shapes.", model_name="tiny", verbose=0
    )
    peers = [
        RidgeCV(np.logspace(-6, 3, 19)).fit(Z[:n], y[:n]),
        zero_shot.fit(Z[:n], y[:n]),
    ]
    assert error(solved, Z[200:], y[200:]) < min(error(peer, Z[200:], y[200:]) for peer in peers)


def test_features_of_another_kind_get_what_a_ridge_gets():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 30)) * 10 + 1e3
    y = 0.1 * X[:, 3] + rng.normal(scale=0.2, size=1000)
    solved = NumCLIPRegressor(5, **TINY_FROZEN).fit(X[:200], y[:200])
    ridge = RidgeCV(np.logspace(-3, 3, 13)).fit(X[:200], y[:200])
    assert error(solved, X[200:], y[200:]) < 1.02 * error(ridge, X[200:], y[200:])


def test_labels_that_nothing_tells_get_the_median():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 64)), rng.exponential(size=600)
    solved = NumCLIPRegressor(5, **TINY_FROZEN).fit(X[:100], y[:100])
    assert error(solved, X[100:], y[100:]) < 1.03 * np.abs(np.median(y[:100]) - y[100:]).mean()


def test_standard_deviations_are_calibrated(shapes):
    Z, y = shapes
    reg = NumCLIPRegressor(FOUR_COUNTS, template="{} shapes.", **TINY_FROZEN).fit(Z[:200], y[:200])
    y_pred, std = reg.predict(Z[200:], return_std=True)
    assert 0.85 < (np.abs(y_pred - y[200:]) < 1.645 * std).mean() < 0.95


def test_of_few_labels_one_more_than_nine_tenths_are_covered():
    rows = Rows(np.zeros((19, 1)), np.arange(1.0, 20), np.ones(19), np.zeros(19, dtype=int))
    # 18 of 19 beneath, as a 20th label is so with 90 %
    assert _std_scale(rows, np.zeros(19), np.ones(19)) == pytest.approx(18 / 1.645)


@pytest.mark.parametrize(
    "estimator",
    [NumCLIPRegressor(5, **TINY_FROZEN), NumCLIPClassifier(**TINY_FROZEN)],
    ids=["reg", "clf"],
)
def test_a_sample_of_weight_2_is_two_samples(estimator):
    check_sample_weight_equivalence_on_dense_data(type(estimator).__name__, estimator)


def test_the_order_of_samples_does_not_matter(shapes):
    Z, y = shapes
    order = np.random.default_rng(0).permutation(60)
    fits = [
        NumCLIPRegressor(FOUR_COUNTS, **TINY_FROZEN).fit(Z[:60][i], y[:60][i])
        for i in (slice(None), order)
    ]
    np.testing.assert_array_equal(*(reg.predict(Z) for reg in fits))


def test_beta_and_the_ranking_loss_matter(shapes):
    Z, y = shapes
    options = [{}, {"beta": 16}, {"ranking_loss": "infonce"}, {"ranking_loss": "none"}]
    fits = [NumCLIPRegressor(FOUR_COUNTS, **TINY_FROZEN, **o).fit(Z[:60], y[:60]) for o in options]
    predictions = {tuple(reg.predict(Z[:5])) for reg in fits}
    assert len(predictions) == 4


def test_the_history_is_the_path_of_penalties(shapes):
    Z, y = shapes
    reg = NumCLIPRegressor(FOUR_COUNTS, **TINY_FROZEN).fit(Z[:40], y[:40])
    assert list(reg.history_) == ["penalty", "valid_mae", "median_mae"]
    folds = np.abs(y[:40] - np.median(y[:40])).mean()  # a median of four fifths differs a little
    np.testing.assert_allclose(reg.history_["median_mae"], folds, rtol=0.1)
    assert reg.n_iter_ == len(reg.history_) <= 9
    np.testing.assert_allclose(reg.history_["penalty"], 10.0 ** np.arange(5, 5 - reg.n_iter_, -1))


def test_the_path_ends_where_smaller_penalties_only_make_it_worse():
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(200, 30)), rng.normal(size=200)
    nothing = NumCLIPRegressor(3, **TINY_FROZEN).fit(X, noise).history_
    assert len(nothing) < 9  # there is nothing to learn, so the strongest penalties are best
    errors = nothing["valid_mae"].to_numpy()
    assert errors[-2:].min() > errors[:-2].min()
    much = NumCLIPRegressor(3, **TINY_FROZEN).fit(X, X[:, 0] + noise / 100).history_
    assert len(much) > len(nothing)


@pytest.mark.parametrize("kind", ["files", "features", "other features"])
def test_a_saved_model_predicts_the_same(make, data, tmp_path, kind):
    pixels, _ = data
    X = {
        "files": save_pictures(tmp_path / "pictures", pixels),
        "features": np.random.default_rng(0).normal(size=(8, 16)),
        "other features": np.random.default_rng(0).normal(size=(8, 3)) + 50,
    }[kind]
    reg = make(fine_tune="none", max_epochs="auto", batch_size="auto").fit(X, Y)
    reg.save(tmp_path / "model", standalone=True)
    loaded = NumCLIPRegressor.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), reg.predict(X))
    for ours, theirs in zip(
        loaded.predict(X, return_std=True), reg.predict(X, return_std=True), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(loaded.transform(X), reg.transform(X))


def test_what_has_no_effect_on_a_solved_fit_says_so(make, data, tmp_path):
    reg = make(fine_tune="none", max_epochs="auto", batch_size="auto", lr="auto")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = reg.fit(*data).predict(data[0])
    reg.set_params(early_stopping=True, checkpoint=tmp_path / "new", lr=0.1, prompt_lr=0.1)
    with pytest.warns(UserWarning, match="lr, prompt_lr, early_stopping, checkpoint: no effect"):
        reg.fit(*data)
    np.testing.assert_array_equal(reg.predict(data[0]), expected)
    assert not (tmp_path / "new").exists()


def test_units_and_rounding_hardly_matter(shapes):
    Z, y = shapes[0][:120], shapes[1][:120]
    rng = np.random.default_rng(0)

    def fit(Z, unit):
        bins = {name: (low * unit, high * unit) for name, (low, high) in FOUR_COUNTS.items()}
        return NumCLIPRegressor(bins, **TINY_FROZEN).fit(Z, y * unit).predict(Z) / unit

    expected = fit(Z, 1)
    np.testing.assert_allclose(fit(Z, 365.0), expected, atol=0.1)
    rounded = (Z * (1 + 1e-6 * rng.normal(size=Z.shape))).astype(np.float32)
    np.testing.assert_allclose(fit(rounded, 1), expected, atol=0.4)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_handful_of_samples_is_enough(make, data, n):
    X, y = data
    reg = make(fine_tune="none", max_epochs="auto", batch_size="auto").fit(X[:n], y[:n])
    assert np.isfinite(reg.predict(X)).all()
    y_pred, std = reg.predict(X, return_std=True)
    assert (std > 0).all()
    assert BINS["few"][0] - 50 < y_pred.min() <= y_pred.max() < BINS["very many"][1] + 50


def test_constant_labels_and_constant_features(make, data):
    reg = make(fine_tune="none", max_epochs="auto", batch_size="auto")
    assert reg.fit(data[0], np.full(8, 12.0)).predict(data[0]) == pytest.approx(12, abs=3)
    same = reg.fit(data[0][[0, 0, 0]], np.full(3, 12.0))  # are one sample
    assert same.predict(data[0][:1]) == pytest.approx(12, abs=3)
    flat = NumCLIPRegressor(BINS, **TINY_FROZEN).fit(np.ones((8, 5)), Y)
    assert np.isfinite(flat.predict(np.ones((2, 5)))).all()


@pytest.mark.parametrize("n", [60, 200])
def test_a_classifier_is_as_good_as_a_logistic_regression(shapes, n):
    Z, counts = shapes
    grades = np.digitize(counts, [10, 25, 50, 75])
    words = ["hardly any", "a few", "several", "many", "countless"]
    clf = NumCLIPClassifier(descriptions=words, template="{} shapes.", **TINY_FROZEN)
    grid = {"C": np.logspace(-2, 4, 7)}
    peer = GridSearchCV(LogisticRegression(max_iter=300), grid, scoring="neg_log_loss")
    right, losses = [], []
    starts = [start for half in (0, 200) for start in range(half, half + 201 - n, n)]
    for start in starts:
        some, new = slice(start, start + n), slice(200) if start >= 200 else slice(200, 400)
        for fitted in (est.fit(Z[some], grades[some]) for est in (clf, peer)):
            right.append(accuracy_score(grades[new], fitted.predict(Z[new])))
            losses.append(log_loss(grades[new], fitted.predict_proba(Z[new])))
    assert np.mean(right[::2]) > np.mean(right[1::2]) - 0.01
    assert np.mean(losses[::2]) < 1.1 * np.mean(losses[1::2])
    assert list(clf.history_) == ["penalty", "has_ranking_loss", "valid_log_loss"]
    assert set(clf.history_["has_ranking_loss"]) == {True, False}
