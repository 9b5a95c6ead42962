"""NumCLIPClassifier: classes in their order, and everything else as the regressor does it."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from factories import FromZeroShot, with_settings
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import cohen_kappa_score, make_scorer
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.datasets import make_counting_images

pytestmark = [
    pytest.mark.filterwarnings("ignore:The columns of predict_proba"),
    pytest.mark.filterwarnings("ignore:The classes are ordered by the alphabet"),
]

GRADES = ["low", "medium", "high"]
Y = np.array(["low", "low", "low", "medium", "medium", "high", "high", "high"])


@pytest.fixture
def make_classifier(clip_models):
    def make_classifier(cls=NumCLIPClassifier, **params):
        fast = dict(model_name=clip_models["clip"], max_epochs=2, batch_size=4, verbose=0)
        return cls(**fast | dict(random_state=0) | params)

    return make_classifier


@pytest.fixture(scope="module")
def counted():
    """A classifier that has learned to count a little, and pictures it has not seen."""
    X, y = make_counting_images(300, random_state=0)
    grades = np.array(["a few", "several", "many", "countless"])[np.digitize(y, [6, 16, 40])]
    clf = NumCLIPClassifier(
        ["a few", "several", "many", "countless"],
        template="a picture of {} shapes.",
        model_name="tiny",
        canvas_scale=1,
        fine_tune="none",
        random_state=0,
        verbose=0,
    )
    return clf.fit(X[:200], grades[:200]), X[200:], grades[200:]


def test_the_order_is_the_one_given_or_the_sorted_one(make_classifier, pixels):
    clf = make_classifier(classes=GRADES).fit(pixels, Y)
    assert clf.classes_.tolist() == GRADES
    assert clf.bins_.descriptions == tuple(GRADES)
    assert clf.bins_.centers == (0, 1, 2)
    assert make_classifier().fit(pixels, Y).classes_.tolist() == sorted(GRADES)
    years = make_classifier(descriptions=["thirties", "forties", "fifties"])
    years.fit(pixels, np.repeat([1950, 1930, 1940], [3, 3, 2]))
    assert years.classes_.tolist() == [1930, 1940, 1950]
    assert years.bins_.descriptions == ("thirties", "forties", "fifties")


def test_classes_without_samples_keep_their_place(make_classifier, pixels):
    clf = make_classifier(classes=["none", *GRADES]).fit(pixels, Y)
    assert clf.predict_proba(pixels).shape == (8, 4)


def test_it_is_the_regressor_on_ranks(make_classifier, pixels):
    # In epochs. A solved classifier minimizes the cross-entropy, a solved regressor the error.
    clf = make_classifier(classes=GRADES, cls=with_settings(NumCLIPClassifier, solve_first=False))
    params = clf.fit(pixels, Y).get_params()
    for name in ("classes", "descriptions", "predict_by"):
        params.pop(name)
    reg = FromZeroShot(clf.bins_, **params).fit(pixels, [GRADES.index(y) for y in Y])
    np.testing.assert_array_equal(clf.predict_proba(pixels), reg.predict_bin_proba(pixels))
    nearest = np.array(GRADES)[reg.predict(pixels).round().astype(int)]
    assert clf.set_params(predict_by="expected_rank").predict(pixels).tolist() == nearest.tolist()


def test_predictions_and_probabilities(counted):
    clf, X, y = counted
    proba = clf.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(clf.predict(X), clf.classes_[proba.argmax(axis=1)])
    assert clf.score(X, y) > 0.6
    ranks = {label: rank for rank, label in enumerate(clf.classes_)}
    errors = {}
    for predict_by in ("mode", "expected_rank"):
        y_pred = clf.set_params(predict_by=predict_by).predict(X)
        errors[predict_by] = np.mean(
            [abs(ranks[a] - ranks[b]) for a, b in zip(y, y_pred, strict=True)]
        )
    clf.set_params(predict_by="mode")
    assert max(errors.values()) < 0.3
    assert errors["expected_rank"] < errors["mode"] + 0.05
    assert cohen_kappa_score(y, clf.predict(X), weights="quadratic", labels=clf.classes_) > 0.7


def test_cross_validation_search_and_calibration(make_classifier, pixels, counted):
    kappa = make_scorer(cohen_kappa_score, weights="quadratic", labels=GRADES)
    y = np.repeat(["low", "high"], 4)
    cv = StratifiedKFold(2)
    scores = cross_val_score(
        make_classifier(classes=["low", "high"]), pixels, y, cv=cv, scoring=kappa
    )
    assert np.isfinite(scores).all()
    search = GridSearchCV(
        make_classifier(fine_tune="none"), {"predict_by": ["mode", "expected_rank"]}, cv=2
    )
    assert search.fit(pixels, y).best_estimator_.classes_.tolist() == ["high", "low"]
    clf, X, y = counted
    display = CalibrationDisplay.from_predictions(y == "a few", clf.predict_proba(X)[:, 0])
    assert np.isfinite(display.prob_true).all()


def test_saved_and_pickled(counted, tmp_path):
    clf, X, _ = counted
    clf.save(tmp_path)
    for copied in (NumCLIPClassifier.load(tmp_path), pickle.loads(pickle.dumps(clf))):
        np.testing.assert_array_equal(copied.predict(X), clf.predict(X))
        np.testing.assert_array_equal(copied.predict_proba(X), clf.predict_proba(X))
    with pytest.raises(ValueError, match="contains the class NumCLIPClassifier"):
        NumCLIPRegressor.load(tmp_path)


def test_unreadable_images_have_no_class(counted):
    clf, X, _ = counted
    mixed = ["no such file", *map(np.asarray, X[:2])]
    clf.set_params(on_error="skip")
    assert np.isnan(clf.predict_proba(["no such file"])).all()
    with pytest.raises(
        ValueError, match="1 of 1 images cannot be read.*predict_proba, which gives NaN"
    ):
        clf.predict(mixed[:1])
    clf.set_params(on_error="raise")


@pytest.mark.parametrize(
    ("params", "y", "message"),
    [
        (dict(classes=["low", "high"]), Y, r"without \['medium'\], which are in y"),
        (dict(classes=["low", "low", "high", "medium"]), Y, "each once"),
        (dict(descriptions=["a", "b"]), Y, "one entry for each of the 3 classes .*Got 2"),
        (dict(), np.repeat("low", 8), r"two classes are needed. Got one class: \['low'\]"),
        (dict(), np.linspace(0, 1, 8), "continuous"),
        (dict(), None, "requires y to be passed"),
        (dict(), Y[:5], "same length"),
        (dict(predict_by="median"), Y, "'predict_by' parameter"),
    ],
)
def test_errors(make_classifier, pixels, params, y, message):
    with pytest.raises(ValueError, match=message):
        make_classifier(**params).fit(pixels, y)


def test_warm_start_keeps_its_classes(make_classifier, pixels):
    clf = make_classifier(warm_start=True).fit(pixels, Y)
    clf.fit(pixels, Y)
    with pytest.raises(ValueError, match="other classes than those of the last fit"):
        clf.fit(pixels, np.where(Y == "low", "tiny", Y))


def test_warm_start_with_other_labels_under_the_same_words_is_an_error(make_classifier, pixels):
    clf = make_classifier(descriptions=["low", "middle", "high"], warm_start=True)
    clf.fit(pixels, [1, 2, 3, 1, 2, 3, 1, 2])
    with pytest.raises(ValueError, match=r"other classes than .*\[1, 2, 3\].*Got \[2, 3, 4\]"):
        clf.fit(pixels, [2, 3, 4, 2, 3, 4, 2, 3])
    with pytest.raises(ValueError, match="other descriptions than .*'middle'"):
        clf.set_params(descriptions=["a", "b", "c"]).fit(pixels, [1, 2, 3, 1, 2, 3, 1, 2])


def test_classes_of_other_names_have_checkpoints_of_their_own(make_classifier, pixels, tmp_path):
    for names in (["cat", "dog"], ["kitten", "puppy"]):
        make_classifier(checkpoint=tmp_path).fit(pixels, names * 4)
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_an_ordered_categorical_brings_its_order(make_classifier, pixels):
    y = pd.Series(pd.Categorical(Y, GRADES, ordered=True))
    clf = make_classifier().fit(pixels, y)
    assert clf.classes_.tolist() == GRADES
    given = make_classifier(classes=GRADES).fit(pixels, Y)
    np.testing.assert_array_equal(clf.predict(pixels), given.predict(pixels))
    unordered = make_classifier().fit(pixels, y.cat.as_unordered())
    assert unordered.classes_.tolist() == sorted(GRADES)


def test_metrics_that_count_on_sorted_columns_are_warned_of(make_classifier, pixels):
    clf = make_classifier(classes=GRADES).fit(pixels, Y)
    with pytest.warns(UserWarning, match="order of the classes.*use numbers as labels"):
        proba = clf.predict_proba(pixels)
    numbered = make_classifier(classes=None, descriptions=GRADES).fit(
        pixels, [GRADES.index(y) for y in Y]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(numbered.predict_proba(pixels), proba)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([None, *Y[1:]], "None or NaN in 1 of 8 labels, at position 0. Leave"),
        (
            pd.Series(Y, dtype="string").where(np.arange(8) > 1),
            "in 2 of 8 labels, at positions 0, 1",
        ),
        (np.arange(8.0) / 2, r"Labels may be str, whole numbers or bool. Got .*0.0"),
        ([0, 0, 0, 1, 1, 2, 2, 2], r"without \[0, 1, 2\].*by numbers in sorted order"),
    ],
)
def test_labels_that_are_none_are_explained(make_classifier, pixels, y, message):
    with pytest.raises(ValueError, match=message):
        make_classifier(classes=None if "may be" in message else GRADES).fit(pixels, y)


def test_words_do_not_go_in_classes(make_classifier, pixels):
    with pytest.raises(ValueError, match="classes.*must be a list of the labels.*`descriptions`"):
        make_classifier(classes={"low": "blurred", "high": "brilliant"}).fit(pixels, Y)
