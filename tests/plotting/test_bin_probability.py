"""Bars of probabilities beside the images they belong to."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image
from plot_shared import COUNTS, GRADES, TINY, X, Y, overlapping, tick_labels

from sknumclip.baselines import ZeroShotCLIPRegressor
from sknumclip.plotting import BinProbabilityDisplay


def test_bars_are_the_probabilities(reg):
    display = BinProbabilityDisplay.from_estimator(reg, X[:3], Y[:3])
    proba, y_pred = reg.predict_bin_proba(X[:3]), reg.predict(X[:3])
    assert display.axes_.shape == (3, 2)
    for i, (image_ax, bar_ax) in enumerate(display.axes_):
        widths = [bar.get_width() for bar in display.bars_[i]]
        np.testing.assert_allclose(widths, proba[i])
        assert tick_labels(bar_ax.yaxis) == ["a few", "many", "countless"]
        assert bar_ax.yaxis_inverted()  # the lowest bin on top
        assert bar_ax.get_xlim() == (0, 1)
        assert bar_ax.get_title() == f"{y_pred[i]:.1f} (true: {Y[i]})"
        np.testing.assert_array_equal(image_ax.images[0].get_array(), X[i])
    assert tick_labels(display.axes_[2, 1].xaxis) == ["0", "0.5", "1"]
    assert not any(tick_labels(display.axes_[0, 1].xaxis))


def test_bars_of_a_classifier(clf):
    display = BinProbabilityDisplay.from_estimator(clf, X[:2], GRADES[:2])
    widths = [[bar.get_width() for bar in bars] for bars in display.bars_]
    np.testing.assert_allclose(widths, clf.predict_proba(X[:2]))
    title = display.axes_[0, 1].get_title().replace("\n", " ")
    assert title == f"{clf.predict(X[:1])[0]} (true: {GRADES[0]})"


def test_features_have_no_thumbnails(reg):
    display = BinProbabilityDisplay.from_estimator(reg, reg.transform(X[:5]))
    assert display.images is None
    assert display.axes_.shape == (3, 2)  # 5 samples in two columns
    titles = [ax.get_title() for ax in display.axes_.flat]
    assert titles == [f"{value:.1f}" for value in reg.predict(X[:5])] + [""]
    assert not display.axes_[2, 1].axison


def test_large_files_are_shown_small_and_unreadable_ones_are_named(tmp_path):
    Image.new("RGB", (1200, 800), "red").save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no image")
    reg = ZeroShotCLIPRegressor(COUNTS, on_error="skip", **TINY).fit(X, Y)
    paths = [tmp_path / "good.png", tmp_path / "bad.png"]
    display = BinProbabilityDisplay.from_estimator(reg, paths)
    assert display.images[0].size == (160, 107)
    assert display.images[1] is None
    assert display.axes_[1, 1].get_title() == "cannot be read"
    assert not display.axes_[1, 0].images


@pytest.mark.parametrize(("n_samples", "shape"), [(1, (1, 2)), (12, (4, 6))])
def test_nine_long_descriptions_do_not_overlap(n_samples, shape):
    words = [f"person who looks as if they were {10 * k} or more years of age" for k in range(9)]
    display = BinProbabilityDisplay(
        proba=np.full((n_samples, 9), 1 / 9),
        descriptions=words,
        y_pred=np.arange(n_samples) / 3,
        y_true=np.arange(n_samples),
        images=[X[0]] * n_samples,
    ).plot()
    assert display.axes_.shape == shape
    bar_axes = display.axes_[:, 1::2].flat
    texts = [label for ax in bar_axes for label in [*ax.get_yticklabels(), ax.title]]
    assert not overlapping(texts, display.figure_)
    for text in texts:  # nothing is cut off
        assert display.figure_.bbox.padded(1).contains(*text.get_window_extent().min)


def test_titles_have_as_many_decimals_as_numbers_need():
    def titles(y_pred):
        proba = np.full((len(y_pred), 2), 0.5)
        display = BinProbabilityDisplay(proba=proba, descriptions=["low", "high"], y_pred=y_pred)
        return [ax.get_title() for ax in display.plot().axes_.flat]

    assert titles([0.123456, 0.04]) == ["0.123", "0.040"]
    assert titles([1953.27, 1961.8]) == ["1953", "1962"]
    assert titles([8, 12]) == ["8", "12"]


def test_bad_input_of_bin_probabilities(reg):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        BinProbabilityDisplay.from_estimator(reg, X[:3], Y[:2])
    with pytest.raises(ValueError, match="n_columns must be an int of at least 1. Got 0"):
        BinProbabilityDisplay.from_estimator(reg, X[:3], n_columns=0)
    free = plt.figure().add_axes([0, 0, 1, 1])
    with pytest.raises(ValueError, match="plt.subplots or figure.add_subplot"):
        BinProbabilityDisplay.from_estimator(reg, X[:3], ax=free)


def test_more_images_than_a_figure_has_room_for(reg):
    with pytest.raises(ValueError, match=r"room for 60 images. Got 80: .*X\[:8\]"):
        BinProbabilityDisplay.from_estimator(reg, X)
