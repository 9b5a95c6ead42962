"""summarize: facts, problems and next steps on one page."""

import numpy as np
import pytest
from factories import FOUR_COUNTS, bad_files, save_pictures
from PIL import Image

from sknumclip import NumCLIPRegressor
from sknumclip.datasets import make_counting_images
from sknumclip.inspection import summarize

TINY = NumCLIPRegressor(template="a picture of {} shapes.", model_name="tiny", canvas_scale=1)
X, Y = make_counting_images(60, random_state=0)


def facts(page):
    return dict(page.facts.to_numpy().tolist())


def test_what_is_there(tmp_path):
    page = summarize(X, Y, FOUR_COUNTS, estimator=TINY, verbose=0)
    found = facts(page)
    assert found["images"] == "60"
    assert found["sizes"] == "all 64 × 64 pixels"
    assert found["modes"] == "RGB (60)"
    assert found["cannot be read"] == found["copies of others"] == "none"
    counts = np.histogram(Y, [1, 6, 16, 40, 102])[0]
    assert page.bins["count"].tolist() == counts.tolist()
    assert "the words tell CLIP something" in found["words alone"]
    text = str(page)
    assert "a few" in text
    assert "What to do next" in text
    assert repr(page) == text


def test_words_that_tell_clip_nothing():
    words = dict(zip(list(FOUR_COUNTS)[::-1], FOUR_COUNTS.values(), strict=True))
    page = summarize(X, Y, words, estimator=TINY, verbose=0)
    assert "the words tell CLIP nothing" in facts(page)["words alone"]
    assert any("Try other words" in step for step in page.next_steps)


def test_what_is_wrong_is_counted_and_has_a_next_step(tmp_path):
    files = save_pictures(tmp_path / "good", X[:20])
    Image.effect_noise((200, 100), 50).save(tmp_path / "grey.png")
    bad = [str(file) for file in bad_files(tmp_path)]
    all_files = [*files, files[3], str(tmp_path / "grey.png"), *bad]
    y = [*Y[:20], Y[3] + 1, 500, *[5] * len(bad)]
    words = FOUR_COUNTS | {"endless": (101, 200)}
    page = summarize(all_files, y, words, estimator=TINY, verbose=0)
    found = facts(page)
    assert found["cannot be read"].startswith(f"{len(bad)} (")
    assert sorted(page.unreadable) == sorted(bad)
    assert found["copies of others"] == "1 identical; 1 with another label"
    assert found["labels outside the bins"].startswith("1 (")
    assert found["modes"] == "RGB (21), L (1)"
    assert found["sizes"] == "64 × 64 to 200 × 100 pixels; most often 64 × 64 (21 (95.5 %))"
    assert page.bins["remark"].tolist()[-1] == "empty"
    for words in ("unreadable", "Widen", "copies", "different labels", "Merge empty", "Add images"):
        assert any(words in step for step in page.next_steps), words


def test_a_notebook_shows_tables_of_escaped_text():
    page = summarize(X, Y, {"<b>few": (1, 30), "many": (30, 101)}, estimator=TINY, verbose=0)
    html = page._repr_html_()
    assert html.count("<table") == 3
    assert "&lt;b&gt;few" in html
    assert "<b>few" not in html


def test_bins_without_words_ask_no_model():
    page = summarize(X, Y, 4, verbose=0)
    assert "words alone" not in facts(page)
    assert any("Describe the bins in words" in step for step in page.next_steps)


def test_labels_that_are_all_the_same_and_pictures_too():
    page = summarize(np.stack([X[0]] * 12), [5] * 12, FOUR_COUNTS, estimator=TINY, verbose=0)
    assert facts(page)["copies of others"] == "11 identical"
    assert "All labels are the same: there is nothing to learn." in page.next_steps
    assert any("may be alike without being copies" in step for step in page.next_steps)
    assert len(str(summarize(X[:1], [5], FOUR_COUNTS, estimator=TINY, verbose=0))) > 100


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(X=[]), "X is empty"),
        (dict(X=np.eye(60)), "summarize needs images"),
        (dict(y=Y[:5]), "There must be one label for each image. Got 5 for 60"),
        (dict(y=np.full(60, 5), bins=4), "y must have at least two different values"),
        (dict(bins="ages"), "There are no preset bins named 'ages'"),
        (dict(estimator="tiny"), "estimator must be a NumCLIPRegressor"),
    ],
)
def test_bad_values_are_named(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        summarize(**{"X": X, "y": Y, "bins": FOUR_COUNTS, "verbose": 0, **given})
