"""The similarities of prompts, and how well they are in order."""

import numpy as np
import pytest
from plot_shared import COUNTS, TINY, X, Y, overlapping, tick_labels

from sknumclip import LinguisticBins
from sknumclip.baselines import CoOpRegressor, ImageHeadRegressor, ZeroShotCLIPRegressor
from sknumclip.metrics import ordinality_score
from sknumclip.plotting import PromptSimilarityDisplay


@pytest.mark.parametrize("name", ["reg", "clf"])
def test_similarities_of_prompts(name, request):
    estimator = request.getfixturevalue(name)
    display = PromptSimilarityDisplay.from_estimator(estimator)
    features = estimator.net_.module_.text_features.numpy()
    similarity = np.array([[a @ b for b in features] for a in features])
    np.testing.assert_allclose(display.im_.get_array(), similarity, atol=1e-6)
    assert display.im_.get_clim() == pytest.approx((similarity.min(), 1))
    assert [text.get_text() for text in display.text_] == [f"{s:.2f}" for s in similarity.flat]
    assert (
        tick_labels(display.ax_.xaxis) == tick_labels(display.ax_.yaxis) == [*COUNTS.descriptions]
    )
    score = ordinality_score(features, estimator.bins_.centers)
    assert display.ax_.get_title() == f"ordinality {score:.2f}"


def test_prompts_out_of_order_have_the_lower_score():
    words = ["a few", "many", "dozens of", "countless"]
    scores = []
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        bins = LinguisticBins([words[i] for i in order], [1, 10, 40, 70, 101])
        fitted = ZeroShotCLIPRegressor(bins, **TINY).fit(X, Y)
        scores.append(PromptSimilarityDisplay.from_estimator(fitted).ordinality)
    assert scores[0] > 0.7 > 0.2 > scores[1]


def test_two_prompts_have_no_order_and_a_hundred_no_numbers():
    two = ZeroShotCLIPRegressor(2, **TINY).fit(X, Y)
    assert PromptSimilarityDisplay.from_estimator(two).ax_.get_title() == ""
    one_per_label = CoOpRegressor(fine_tune="none", max_epochs=0, **TINY).fit(X, Y)
    display = PromptSimilarityDisplay.from_estimator(one_per_label)
    assert display.im_.get_array().shape == (100, 100)
    assert display.text_ == []
    assert tick_labels(display.ax_.xaxis) == [str(count) for count in range(1, 101, 5)]


def test_nine_long_prompts_do_not_overlap():
    words = [f"person who looks as if they were {10 * k} or more years of age" for k in range(9)]
    display = PromptSimilarityDisplay(similarity=np.eye(9), descriptions=words).plot()
    assert not overlapping([*display.text_, *display.ax_.get_yticklabels()], display.figure_)
    dark, bright = display.text_[1], display.text_[0]
    assert (dark.get_color(), bright.get_color()) == ("white", "black")


def test_heads_have_no_prompts():
    head = ImageHeadRegressor(fine_tune="none", max_epochs=1, **TINY).fit(X, Y)
    with pytest.raises(TypeError, match="needs an estimator with prompts.* Got ImageHeadRegressor"):
        PromptSimilarityDisplay.from_estimator(head)
