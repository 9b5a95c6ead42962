import sys

import numpy as np
import pandas as pd
import pytest

from sknumclip.metrics import nearest_class_accuracy, ordinal_metrics, ordinality_score

CLASSES = [1, 2, 3, 4, 5]
Y_TRUE = [1, 1, 1, 1, 2, 3, 5, 5]
Y_PRED = [1.2, 1.4, 2.3, -7.0, 2.5, 4.6, 5.4, 3.0]
ERRORS = [0.2, 0.4, 1.3, 8, 0.5, 1.6, 0.4, 2]
# The nearest classes: 1, 1, 2, 1, 2 (half-way), 5, 5, 3


def test_accuracy_of_the_nearest_class():
    assert nearest_class_accuracy(Y_TRUE, Y_PRED, CLASSES) == 5 / 8


def test_classes_need_not_be_evenly_spaced():
    classes = [1, 5, 10.5, 17.5]
    y_pred = [2.9, 3.1, 8, 99]
    assert nearest_class_accuracy([1, 5, 10.5, 17.5], y_pred, classes) == 1
    assert nearest_class_accuracy([1, 1, 1, 1], y_pred, classes) == 0.25


def test_without_classes_there_is_the_mean_absolute_error_only():
    assert ordinal_metrics(Y_TRUE, Y_PRED) == {"mae": pytest.approx(np.mean(ERRORS))}


def test_metrics_of_classes():
    metrics = ordinal_metrics(Y_TRUE, Y_PRED, CLASSES)
    assert list(metrics) == ["mae", "accuracy", "qwk", "amae"]
    assert metrics["mae"] == pytest.approx(np.mean(ERRORS))
    assert metrics["accuracy"] == 5 / 8
    # Errors in classes: 0 0 1 0 | 0 | 2 | 0 2, averaged within classes 1, 2, 3, 5.
    assert metrics["amae"] == pytest.approx(np.mean([1 / 4, 0, 2, 1]))
    assert metrics["qwk"] == pytest.approx(quadratic_weighted_kappa())


def quadratic_weighted_kappa():
    """By its definition: 1 - observed / expected squared distance."""
    true, nearest = np.array(Y_TRUE), np.array([1, 1, 2, 1, 2, 5, 5, 3])
    return 1 - ((true - nearest) ** 2).mean() / ((true[:, None] - nearest) ** 2).mean()


def test_metrics_of_classes_do_not_depend_on_their_unit():
    y_true, y_pred, decades = (1925 + 10 * np.array(y) for y in (Y_TRUE, Y_PRED, CLASSES))
    years = ordinal_metrics(y_true, y_pred, decades)
    grades = ordinal_metrics(Y_TRUE, Y_PRED, CLASSES)
    assert years.pop("mae") == pytest.approx(10 * grades.pop("mae"))
    assert years == pytest.approx(grades)


def test_a_perfect_prediction():
    metrics = ordinal_metrics(Y_TRUE, Y_TRUE, CLASSES)
    assert metrics == {"mae": 0, "accuracy": 1, "qwk": 1, "amae": 0}


def test_the_mean_error_over_classes_is_that_of_dlordinal():
    theirs = pytest.importorskip("dlordinal.metrics")
    rng = np.random.default_rng(0)
    y_true = np.append(np.arange(6), rng.integers(0, 3, 50))
    y_pred = np.clip(y_true + rng.integers(-2, 3, 56), 0, 5)
    ours = ordinal_metrics(y_true, y_pred, range(6))
    assert ours["amae"] == pytest.approx(theirs.amae(y_true, y_pred))


def test_ranked_probability_score():
    pytest.importorskip("dlordinal")
    y_proba = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    metrics = ordinal_metrics([10, 20], [11, 23], [10, 20, 30], y_proba=y_proba)
    # Differences of the cumulative probabilities: -0.3 -0.1 0 and 0.1 -0.6 0.
    assert metrics["rps"] == pytest.approx((0.09 + 0.01 + 0.01 + 0.36) / 2)


def test_without_dlordinal_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlordinal.metrics", None)
    monkeypatch.setitem(sys.modules, "dlordinal", None)
    with pytest.raises(ImportError, match=r"pip install .sknumclip\[ordinal\]"):
        ordinal_metrics([1, 2], [1, 2], [1, 2], y_proba=np.eye(2))
    assert "amae" in ordinal_metrics([1, 2], [1, 2], [1, 2])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_not_there_are_not_left_out_silently(bad):
    y_pred = [1, bad, 3, bad]
    for metric in (ordinal_metrics, lambda *y: nearest_class_accuracy(*y, CLASSES)):
        with pytest.raises(ValueError, match=r"2 of 4 values of y_pred .* at \[1, 3\]"):
            metric([1, 2, 3, 4], y_pred)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"not among the classes, such as \[2.5, 7.0\]"):
        nearest_class_accuracy([1, 2.5, 7], [1, 2, 3], CLASSES)
    with pytest.raises(ValueError, match=r"increasing order. Got \[3.0, 1.0\]"):
        nearest_class_accuracy([1, 3], [1, 3], [3, 1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ordinal_metrics([1, 2], [1])
    with pytest.raises(ValueError, match="y_proba needs classes"):
        ordinal_metrics([1, 2], [1, 2], y_proba=np.eye(2))
    with pytest.raises(ValueError, match=r"\(n_samples, n_classes\) = \(2, 2\). Got \(2, 3\)"):
        ordinal_metrics([1, 2], [1, 2], [1, 2], y_proba=np.ones((2, 3)))
    with pytest.raises(ValueError, match="y_proba must be finite"):
        ordinal_metrics([1, 2], [1, 2], [1, 2], y_proba=np.full((2, 2), np.nan))


def test_ordinality_score_is_one_in_order_and_falls_with_noise():
    angles = np.random.default_rng(0).uniform(0, np.pi / 2, size=20)
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert ordinality_score(features, angles) == pytest.approx(1)
    shuffled = np.random.default_rng(0).permutation(angles)
    assert abs(ordinality_score(features, shuffled)) < 0.3
    assert 0.8 < ordinality_score(features, angles**2) < 1


def masked(values):
    return np.ma.array(values, mask=np.arange(np.size(values)).reshape(np.shape(values)) == 0)


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("y_true", lambda: nearest_class_accuracy(masked([1, 2]), [1, 2], [1, 2])),
        ("y_pred", lambda: ordinal_metrics([1, 2], masked([1, 2]))),
        ("classes", lambda: nearest_class_accuracy([1, 2], [1, 2], masked([1, 2]))),
        ("y_proba", lambda: ordinal_metrics([1, 2], [1, 2], [1, 2], y_proba=masked(np.eye(2)))),
        ("features", lambda: ordinality_score(masked(np.eye(2)), [1, 2])),
        ("y", lambda: ordinality_score(np.eye(2), masked([1, 2]))),
    ],
)
def test_masked_arrays_are_refused(name, score):
    with pytest.raises(ValueError, match=f"^{name} is a masked array"):
        score()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_labels_of_any_precision_are_the_classes_of_the_same_digits(dtype):
    classes = [0.1, 0.7, 1.3]
    y = np.array(classes, dtype=dtype)
    assert nearest_class_accuracy(y, y, classes) == 1
    assert ordinal_metrics(classes, classes, classes=y)["accuracy"] == 1


@pytest.mark.parametrize(
    "labels", [["1", "2"], pd.Series(["1", "2"]), np.array(["2020", "2021"], "datetime64[D]")]
)
def test_words_and_dates_are_no_numbers(labels):
    with pytest.raises(ValueError, match="y_true must be numbers"):
        ordinal_metrics(labels, [1, 2])


def test_whole_numbers_without_a_sign_do_not_wrap_around():
    low, high = np.array([1, 2, 3], dtype=np.uint8), np.array([3, 3, 3], dtype=np.uint8)
    assert ordinal_metrics(low, high, classes=np.array([1, 2, 3], np.uint8))["mae"] == 1
    assert ordinality_score([[1, 0], [1, 1], [0, 1]], low[::-1]) == pytest.approx(1)
