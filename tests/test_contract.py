"""What scikit-learn's tools do with paths of images; its own checks, in test_common, use arrays.

Two tools cannot work on paths, and say so: BaggingRegressor and permutation_importance make
arrays of numbers of X before any estimator sees it. They work on features, as is shown here.
"""

import pickle
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from factories import BINS as SMALL_BINS
from factories import THREE_COUNTS, TINY, TINY_FAST, save_pictures
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import PredictionErrorDisplay, cohen_kappa_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)
from sklearn.pipeline import Pipeline, make_pipeline

from sknumclip import CLIPEmbedder, LinguisticBins, NumCLIPClassifier, NumCLIPRegressor, baselines
from sknumclip.datasets import make_counting_images

BINS = LinguisticBins.from_mapping(THREE_COUNTS)
N = 24

ESTIMATORS = {
    "NumCLIPRegressor": NumCLIPRegressor(BINS, **TINY_FAST),
    "NumCLIPClassifier": NumCLIPClassifier(["few", "many"], **TINY_FAST),
    "CLIPEmbedder and Ridge": make_pipeline(CLIPEmbedder(**TINY), Ridge()),
    "ZeroShotCLIPRegressor": baselines.ZeroShotCLIPRegressor(BINS, **TINY),
    "CoOpRegressor": baselines.CoOpRegressor(**TINY_FAST),
    "OrdinalCLIPRegressor": baselines.OrdinalCLIPRegressor(**TINY_FAST),
    "L2RCLIPRegressor": baselines.L2RCLIPRegressor(**TINY_FAST),
    "ImageHeadRegressor": baselines.ImageHeadRegressor(**TINY_FAST),
}
REGRESSORS = {name: reg for name, reg in ESTIMATORS.items() if not is_classifier(reg)}
SEARCHED = {  # a parameter of each, and two values
    "NumCLIPClassifier": ("beta", [0.0, 4.0]),
    "CLIPEmbedder and Ridge": ("ridge__alpha", [0.1, 10.0]),
    "NumCLIPRegressor": ("bins", [BINS, {"few": (1, 20), "lots": (20, 101)}]),
    "ZeroShotCLIPRegressor": ("bins", [BINS, 3]),
    "CoOpRegressor": ("prompt_lr", [1e-4, 1e-2]),
    "OrdinalCLIPRegressor": ("n_base_ranks", [2, 3]),
    "L2RCLIPRegressor": ("max_epochs", [1, 2]),
    "ImageHeadRegressor": ("head_lr", [1e-3, 1e-1]),
}


@pytest.fixture(scope="module")
def drawn():
    return make_counting_images(N, random_state=0)


@pytest.fixture(scope="module")
def counts(drawn):
    return drawn[1]


@pytest.fixture(scope="module")
def paths(drawn, tmp_path_factory):
    return save_pictures(tmp_path_factory.mktemp("pictures"), drawn[0])


@pytest.fixture(scope="module")
def features(paths):
    return CLIPEmbedder(**TINY).fit_transform(paths)


def named_counts(counts):
    return np.where(counts < np.median(counts), "few", "many")


@pytest.fixture(params=ESTIMATORS)
def named(request, counts):
    """Name, unfitted estimator, and the labels it can be fitted on."""
    estimator = clone(ESTIMATORS[request.param])
    labels = named_counts(counts) if is_classifier(estimator) else counts
    return request.param, estimator, labels


@pytest.fixture(params=REGRESSORS)
def regressor(request):
    return clone(REGRESSORS[request.param])


def test_clones_of_fitted_estimators_are_unfitted_and_learn_the_same(named, paths):
    _, estimator, y = named
    expected = estimator.fit(paths, y).predict(paths)
    copy = clone(estimator)
    assert str(copy.get_params()) == str(estimator.get_params())
    assert not any(name.endswith("_") for name in vars(copy))
    assert (copy.fit(paths, y).predict(paths) == expected).all()


def test_bins_of_a_clone_are_equal():
    assert clone(NumCLIPRegressor(BINS)).bins == BINS


def test_predictions_survive_pickle_and_joblib(named, paths, tmp_path):
    _, estimator, y = named
    expected = estimator.fit(paths, y).predict(paths)
    assert (pickle.loads(pickle.dumps(estimator)).predict(paths) == expected).all()
    joblib.dump(estimator, tmp_path / "model.joblib")
    assert (joblib.load(tmp_path / "model.joblib").predict(paths) == expected).all()


def test_what_holds_the_paths_does_not_matter(named, paths):
    _, estimator, y = named
    expected = estimator.fit(paths, y).predict(paths)
    for X in (
        tuple(paths),
        np.array(paths),
        np.array(paths, dtype=object),
        pd.Series(paths, index=range(100, 100 + N)),
        pd.Series(paths, dtype="string"),
        pd.DataFrame({"path": paths}),
        [Path(path) for path in paths],
    ):
        assert (estimator.predict(X) == expected).all()
        assert (clone(estimator).fit(X, pd.Series(y)).predict(X) == expected).all()


def test_in_a_pipeline_on_a_column_of_a_table(regressor, paths, counts):
    table = pd.DataFrame({"id": range(N), "file": paths})
    select = ColumnTransformer([("images", "passthrough", ["file"])])
    model = Pipeline([("select", select), ("model", regressor)]).fit(table, counts)
    assert (model.predict(table) == clone(regressor).fit(paths, counts).predict(paths)).all()


def test_parameters_are_reached_from_outside(paths, counts):
    model = make_pipeline("passthrough", NumCLIPRegressor(**TINY_FAST))
    model.set_params(numclipregressor__bins=BINS, numclipregressor__beta=1.0)
    assert model.fit(paths, counts)[-1].bins_ == BINS
    assert model[-1].beta == 1.0


def test_embeddings_beside_other_columns(paths, counts):
    table = pd.DataFrame({"file": paths, "weight": np.arange(N, dtype=float)})
    both = ColumnTransformer(
        [("image", CLIPEmbedder(**TINY), "file"), ("rest", "passthrough", ["weight"])]
    ).set_output(transform="pandas")
    features = both.fit_transform(table)
    assert features.columns[0] == "image__clipembedder0"
    assert features.columns[-1] == "rest__weight"
    assert features.shape[1] == 1 + CLIPEmbedder(**TINY).fit_transform(paths).shape[1]
    assert np.isfinite(make_pipeline(both, Ridge()).fit(table, counts).predict(table)).all()


@pytest.mark.parametrize("estimator", [CLIPEmbedder(**TINY), NumCLIPRegressor(BINS, **TINY_FAST)])
def test_embeddings_as_a_table(estimator, paths, counts):
    X = pd.DataFrame({"file": paths}, index=range(7, 7 + N))
    estimator = clone(estimator).set_output(transform="pandas").fit(X, counts)
    table = estimator.transform(X)
    assert list(table.columns) == list(estimator.get_feature_names_out())
    assert table.columns[0] == f"{type(estimator).__name__.lower()}0"
    assert list(table.index) == list(X.index)
    np.testing.assert_array_equal(table, estimator.set_output(transform="default").transform(X))


def test_grid_search(named, paths):
    name, estimator, y = named
    parameter, values = SEARCHED[name]
    search = GridSearchCV(estimator, {parameter: values}, cv=2, error_score="raise")
    search.fit(paths, y)
    assert search.best_params_[parameter] in values
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(search.predict(paths)) == N


@pytest.mark.parametrize("Search", [HalvingGridSearchCV, RandomizedSearchCV])
def test_other_searches(Search, paths, counts):
    options = dict(n_iter=2) if Search is RandomizedSearchCV else dict(min_resources=12)
    search = Search(
        NumCLIPRegressor(BINS, **TINY_FAST),
        {"beta": [0, 4]},
        cv=2,
        scoring="neg_mean_absolute_error",
        error_score="raise",
        random_state=0,
        **options,
    )
    assert search.fit(np.array(paths), counts).best_params_["beta"] in (0, 4)


def test_groups_stay_together_and_every_path_is_predicted(named, paths):
    _, estimator, y = named
    groups = np.repeat(np.arange(4), N // 4)
    y_pred = cross_val_predict(estimator, paths, y, cv=GroupKFold(4), groups=groups)
    held_out = groups == 2
    by_hand = clone(estimator).fit(np.array(paths)[~held_out], y[~held_out])
    assert (y_pred[held_out] == by_hand.predict(np.array(paths)[held_out])).all()


def test_targets_on_another_scale(regressor, paths, counts):
    regressor.set_params(**({"bins": 3} if "bins" in regressor.get_params() else {}))
    doubled = TransformedTargetRegressor(
        clone(regressor),
        func=lambda y: 2 * y,
        inverse_func=lambda y: y / 2,
        check_inverse=False,
    ).fit(paths, counts)
    by_hand = regressor.fit(paths, 2 * counts)
    np.testing.assert_allclose(doubled.predict(paths), by_hand.predict(paths) / 2)


def test_stacked(paths, counts):
    members = [("numclip", NumCLIPRegressor(BINS, **TINY_FAST))]
    members.append(("head", baselines.ImageHeadRegressor(**TINY_FAST)))
    stack = StackingRegressor(members, Ridge(), cv=2).fit(np.array(paths), counts)
    assert stack.predict(paths).shape == (N,)
    fitted = [(name, member.fit(paths, counts)) for name, member in members]
    prefit = StackingRegressor(fitted, Ridge(), cv="prefit")
    assert prefit.fit(paths, counts).predict(paths).shape == (N,)


def test_learning_curve(regressor, paths, counts):
    sizes, _, scores = learning_curve(
        regressor, paths, counts, cv=2, train_sizes=[6, 12], error_score="raise"
    )
    assert sizes.tolist() == [6, 12]
    assert np.isfinite(scores).all()


def test_prediction_error_display(paths, counts):
    pytest.importorskip("matplotlib").use("agg")
    reg = NumCLIPRegressor(BINS, **TINY_FAST).fit(paths, counts)
    display = PredictionErrorDisplay.from_estimator(reg, paths, counts)
    np.testing.assert_array_equal(display.y_pred, reg.predict(paths))


def test_frozen(named, paths):
    _, estimator, y = named
    expected = estimator.fit(paths, y).predict(paths)
    frozen = clone(FrozenEstimator(estimator))
    assert (frozen.fit(paths[:2], y[:2]).predict(paths) == expected).all()


def test_sample_weights_are_routed(paths, counts):
    weight = np.where(counts > 50, 0.0, 1.0)  # only small numbers count
    with sklearn.config_context(enable_metadata_routing=True):
        reg = NumCLIPRegressor(BINS, **TINY_FAST | dict(max_epochs=30, prompt_lr=1e-2))
        reg.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(reg, {"beta": [0, 4]}, cv=2, error_score="raise")
        search.fit(paths, counts, sample_weight=weight)
        unrouted = clone(search.best_estimator_)
        unrouted.set_fit_request(sample_weight=False).set_score_request(sample_weight=True)
        scored_only = GridSearchCV(unrouted, {"beta": [0, 4]}, cv=2, error_score="raise")
        scored_only.fit(paths, counts, sample_weight=weight)
    small = counts <= 50
    error = np.abs(search.predict(paths) - counts)[small].mean()
    assert error < np.abs(scored_only.predict(paths) - counts)[small].mean()
    by_hand = clone(search.best_estimator_).fit(paths, counts, sample_weight=weight)
    assert (by_hand.predict(paths) == search.predict(paths)).all()


def test_bagging_takes_features_and_says_so_of_paths(paths, features, counts):
    bag = BaggingRegressor(NumCLIPRegressor(BINS, **TINY_FAST), n_estimators=2, random_state=0)
    assert bag.fit(features, counts).predict(features).shape == (N,)
    with pytest.raises(ValueError, match="Expected 2D array"):
        bag.fit(paths, counts)


def test_permutation_importance_takes_features_and_says_so_of_paths(paths, features, counts):
    reg = NumCLIPRegressor(BINS, **TINY_FAST)
    importance = permutation_importance(
        reg.fit(features, counts), features, counts, n_repeats=1, random_state=0, max_samples=8
    )
    assert importance.importances_mean.shape == (features.shape[1],)
    with pytest.raises(ValueError, match="Expected 2D array"):
        permutation_importance(reg.fit(paths, counts), paths, counts)


# ----------------------------------------------------------------------------- the classifier


@pytest.fixture
def graded(paths, counts):
    clf = clone(ESTIMATORS["NumCLIPClassifier"]).set_params(max_epochs=20)
    return clf, paths, named_counts(counts)


def test_classes_are_stratified_and_kappa_is_scored(graded):
    clf, X, y = graded
    scores = cross_val_score(clf, X, y, cv=StratifiedKFold(3), scoring="roc_auc")
    assert np.isfinite(scores).all()
    y_pred = cross_val_predict(clf, X, y, cv=StratifiedKFold(3))
    assert cohen_kappa_score(y, y_pred, weights="quadratic") > 0


def test_probabilities_are_calibrated(graded):
    clf, X, y = graded
    calibrated = CalibratedClassifierCV(clf, cv=2).fit(np.array(X), y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    prefit = CalibratedClassifierCV(FrozenEstimator(clf.fit(X, y))).fit(X, y)
    assert list(prefit.classes_) == ["few", "many"]


def test_calibration_display(graded):
    pytest.importorskip("matplotlib").use("agg")
    clf, X, y = graded
    display = CalibrationDisplay.from_estimator(clf.fit(X, y), X, y, n_bins=3)
    np.testing.assert_array_equal(display.y_prob, clf.predict_proba(X)[:, 1])


def test_classes_through_a_pipeline(graded):
    _, X, y = graded
    model = make_pipeline(CLIPEmbedder(**TINY), LogisticRegression()).fit(X, y)
    assert model.score(X, y) > 0.9


# --------------------------------------------------------------------- other forms of the regressor


def test_clone_and_params(make):
    reg = make(bins=LinguisticBins.from_preset("age"))
    copy = clone(reg)
    assert copy.get_params() == reg.get_params()
    assert copy.set_params(beta=7).beta == 7
    with pytest.raises(ValueError, match="Invalid parameter 'betta'"):
        reg.set_params(betta=1)
    start = time.perf_counter()
    for _ in range(100):
        clone(reg)
    assert len(pickle.dumps(reg)) < 10_000
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_grid_search_over_beta_and_bins(make, data, files, fine_tune):
    _, y = data
    bins = [SMALL_BINS, LinguisticBins(("few", "many"), (0, 20, 100)), 2]
    search = GridSearchCV(
        make(fine_tune=fine_tune),
        {"beta": [0, 4], "bins": bins},
        scoring="neg_mean_absolute_error",
        cv=2,
        error_score="raise",
    ).fit(files, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    scores = {
        (params["beta"], repr(params["bins"])): score
        for params, score in zip(
            search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
        )
    }
    assert scores[0, repr(SMALL_BINS)] != scores[4, repr(SMALL_BINS)]
    assert len({score for (beta, _), score in scores.items() if beta == 0}) == 3
    assert search.predict(files).shape == (8,)


def test_parallel_workers_give_the_same(make, data):
    X, y = data
    one, two = (
        cross_val_score(make(fine_tune="none"), X, y, cv=2, n_jobs=n_jobs) for n_jobs in (1, 2)
    )
    np.testing.assert_allclose(one, two, rtol=1e-4)


@pytest.mark.parametrize("through", ["pickle", "joblib"])
def test_pickles_predict_the_same_bits(make, data, tmp_path, through):
    X, y = data
    reg = make().fit(X, y)
    if through == "pickle":
        copy = pickle.loads(pickle.dumps(reg))
    else:
        joblib.dump(reg, tmp_path / "model.joblib")
        copy = joblib.load(tmp_path / "model.joblib")
    assert (copy.predict(X) == reg.predict(X)).all()
    pd.testing.assert_frame_equal(copy.history_, reg.history_)
