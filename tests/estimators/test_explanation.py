"""Explanations: a DataFrame, and sentences with thumbnails where a notebook shows it."""

import base64
import io
import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories import TINY_FAST
from PIL import Image

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.datasets import make_counting_images
from sknumclip.estimators.explanation import Explanation

BAD = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Ten pictures, one with a name that is code."""
    folder = tmp_path_factory.mktemp("pictures")
    X, _ = make_counting_images(10, random_state=0)
    names = ["<script>x<|script>.png", *(f"{i}.png" for i in range(1, 10))]
    for picture, name in zip(X, names, strict=True):
        Image.fromarray(picture).save(folder / name)
    return [str(folder / name) for name in names]


@pytest.fixture(scope="module")
def fitted(files):
    bins = {BAD: (0, 30), "many": (30, 101)}
    return NumCLIPRegressor(bins, **TINY_FAST).fit(files, np.linspace(1, 100, 10))


def table(**columns):
    return Explanation(
        {
            "concept": ["teenager", "child", "older adult"],
            "low": [13.0, 0.0, 65.0],
            "high": [19.0, 13.0, 121.0],
            "probability": [0.62, 0.991, 0.5],
            "shift": [1.2, -0.04, -3.0],
            "prediction": [17.4, 5.25, 80.0],
        }
        | columns
    )


def test_sentences():
    assert table().sentences().tolist() == [
        "most like ‘teenager’ (13–19, 62 %), moved up by 1.2; averaged over all bins → 17.4",
        "most like ‘child’ (0–13, 99 %), not moved; averaged over all bins → 5.2",
        "most like ‘older adult’ (65–121, 50 %), moved down by 3.0; averaged over all bins → 80.0",
    ]


def test_decimals_suit_the_bins():
    narrow = {name: table()[name] / 100 for name in ("low", "high", "shift", "prediction")}
    assert "(0.13–0.19, 62 %), moved up by 0.012; " in table(**narrow).sentences()[0]
    assert table(**narrow).sentences()[0].endswith(" → 0.174")
    wide = {name: table()[name] * 1000 for name in ("low", "high", "shift", "prediction")}
    assert "(13000–19000, 62 %), moved up by 1200; " in table(**wide).sentences()[0]
    assert table(**wide).sentences()[0].endswith(" → 17400")


def test_sentences_say_what_the_columns_say(fitted, files):
    explanation = fitted.explain(files)
    for sentence, (_, row) in zip(explanation.sentences(), explanation.iterrows(), strict=True):
        assert f"‘{row['concept']}’" in sentence
        assert sentence.endswith(f"→ {row['prediction']:.1f}")
        assert ("moved up" in sentence) == (row["shift"] > 0.05)


def test_a_narrow_terminal_shows_all_columns_and_whole_sentences(fitted, files):
    explanation = fitted.explain(files)
    assert explanation.index.tolist() == [Path(file).name for file in files]
    assert explanation["path"].tolist() == files
    with pd.option_context("display.width", 80, "display.max_columns", 4):  # as in a terminal
        shown = repr(explanation.round(1))
    assert all(name in shown for name in explanation.columns)
    assert shown.count("\n\n") <= 2  # the table is cut between columns, into as few parts
    assert files[9] in shown
    for sentence in explanation.sentences():
        assert sentence in repr(explanation.sentences())


def test_the_same_file_name_in_two_folders_is_two_images(fitted, files, tmp_path):
    (tmp_path / "1.png").write_bytes(Path(files[9]).read_bytes())
    both = fitted.explain([files[1], tmp_path / "1.png"])
    assert both.index.tolist() == ["1.png", "1.png"]
    alone = [fitted.explain([path])._repr_html_() for path in both["path"]]
    expected = [re.findall(r"base64,([^\"]+)", html)[0] for html in alone]
    assert re.findall(r"base64,([^\"]+)", both._repr_html_()) == expected


def thumbnails(html):
    data = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(image))) for image in data]


def test_each_image_has_its_own_small_picture(fitted, files):
    html = fitted.explain(files)._repr_html_()
    shown = thumbnails(html)
    assert len(shown) == 10
    originals = np.stack([np.asarray(Image.open(file), dtype=float) for file in files])
    for i, thumbnail in enumerate(shown):
        assert np.abs(originals - np.asarray(thumbnail)).mean(axis=(1, 2, 3)).argmin() == i


def test_large_images_are_made_small(fitted, tmp_path):
    Image.new("RGB", (900, 300), "red").save(tmp_path / "wide.jpg")
    (thumbnail,) = thumbnails(fitted.explain([tmp_path / "wide.jpg"])._repr_html_())
    assert thumbnail.size == (64, 21)


def test_everything_is_escaped(fitted, files):
    html = fitted.explain(files)._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;x&lt;|script&gt;.png" in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_rows_that_are_left_keep_their_pictures(fitted, files):
    X = np.stack([np.asarray(Image.open(file)) for file in files])
    for images in (files, X):
        explanation = fitted.explain(images)
        every = re.findall(r"base64,([^\"]+)", explanation._repr_html_())
        last = explanation[explanation.index.isin(explanation.index[[3, 8]])].iloc[::-1].head(1)
        assert re.findall(r"base64,([^\"]+)", last._repr_html_()) == [every[8]]
        assert isinstance(last, Explanation)


def test_what_is_no_explanation_any_more_is_shown_as_a_table(fitted, files):
    explanation = fitted.explain(files)
    for other in (explanation[["low", "high"]], explanation.describe(), explanation.T):
        assert "explanation</th>" not in other._repr_html_()
        assert "<table" in other._repr_html_()


def test_explanations_can_be_put_together(fitted, files):
    both = pd.concat([fitted.explain(files[:2]), fitted.explain(files[2:])])
    assert len(thumbnails(both._repr_html_())) == 10


def test_only_as_many_images_are_opened_as_pandas_shows_rows(fitted, files, monkeypatch):
    explanation = fitted.explain(files)
    opened = []
    read = Image.open
    monkeypatch.setattr(Image, "open", lambda file, *args: opened.append(file) or read(file, *args))
    with pd.option_context("display.max_rows", 6, "display.min_rows", 4):
        html = explanation._repr_html_()
    assert len(opened) == len(re.findall("<img", html)) == 4
    assert "… and 6 more" in html
    with pd.option_context("display.max_rows", None):
        assert len(thumbnails(explanation._repr_html_())) == 10


def test_an_image_that_cannot_be_read_says_why(fitted, files, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    reg = NumCLIPRegressor({"few": (0, 30), "many": (30, 101)}, **TINY_FAST, on_error="skip")
    reg.fit(files, np.linspace(1, 100, 10))
    explanation = reg.explain([str(tmp_path / "broken.png"), files[1]])
    html = explanation._repr_html_()
    assert explanation.sentences().iloc[0] == "cannot be read"
    assert "broken.png" in html
    assert re.search(r"UnidentifiedImageError|not an image", html)
    assert len(thumbnails(html)) == 1
    (tmp_path / "gone.png").write_bytes(Path(files[2]).read_bytes())
    explanation = fitted.explain([tmp_path / "gone.png"])
    (tmp_path / "gone.png").unlink()
    assert "gone.png" in explanation._repr_html_()
    assert not thumbnails(explanation._repr_html_())


def test_features_have_no_picture(fitted, files):
    features = fitted.transform(files)
    reg = NumCLIPRegressor(2, **TINY_FAST).fit(features, np.arange(10))
    for X in (features, features.tolist()):
        html = reg.explain(X)._repr_html_()
        assert not thumbnails(html)
        assert "most like ‘" in html
    named = pd.DataFrame(features, index=list("abcdefghij"))
    named.columns = named.columns.astype(str)
    explanation = reg.fit(named, np.arange(10)).explain(named)
    assert explanation.index.tolist() == list("abcdefghij")
    assert "Error" not in explanation._repr_html_()  # labels are not taken for paths
    assert "Error" not in pickle.loads(pickle.dumps(explanation))._repr_html_()


def test_a_column_of_paths_keeps_its_index(fitted, files):
    paths = pd.Series(files, index=range(100, 110))[[103, 101]]
    for X in (paths, paths.to_frame()):
        explanation = fitted.explain(X)
        assert explanation.index.tolist() == [103, 101]
        assert explanation["path"].tolist() == paths.tolist()
        assert len(thumbnails(explanation._repr_html_())) == 2


def test_pickles_hold_no_pixels(fitted, files):
    X = np.stack([np.asarray(Image.open(file)) for file in files])
    explanation = fitted.explain(X)
    assert len(pickle.dumps(explanation)) < X.nbytes / 10
    loaded = pickle.loads(pickle.dumps(fitted.explain(files)))
    assert len(thumbnails(loaded._repr_html_())) == 10
    pd.testing.assert_frame_equal(loaded, fitted.explain(files))


@pytest.mark.parametrize("predict_by", ["mode", "expected_rank"])
def test_classes_are_explained(files, predict_by, tmp_path):
    y = np.repeat([30, 10, 20], [3, 3, 4])
    clf = NumCLIPClassifier(
        [10, 20, 30], descriptions=["few", "some", "lots"], predict_by=predict_by, **TINY_FAST
    ).fit(files, y)
    explanation = clf.explain(files)
    assert list(explanation) == ["concept", "probability", "rank", "prediction", "path"]
    assert explanation["prediction"].tolist() == clf.predict(files).tolist()
    np.testing.assert_array_equal(explanation["probability"], clf.predict_proba(files).max(axis=1))
    assert explanation["rank"].between(-0.5, 2.5).all()
    assert re.fullmatch(
        r"most like ‘(few|some|lots)’ \(\d+ %\), rank -?\d\.\d\d → \d0",
        explanation.sentences().iloc[0],
    )
    clf.set_params(on_error="skip")
    (tmp_path / "empty.png").touch()
    skipped = clf.explain([str(tmp_path / "empty.png"), files[0]])
    assert skipped.drop(columns="path").isna().all(axis=1).tolist() == [True, False]
    assert skipped.index.tolist() == ["empty.png", Path(files[0]).name]


def test_pictures_stay_with_their_rows(fitted):
    X, _ = make_counting_images(3, random_state=0)
    explanation = fitted.explain(X)
    shown = explanation._repr_html_()
    assert len(thumbnails(shown)) == 3
    turned = explanation.iloc[::-1]
    assert [np.asarray(p).tolist() for p in thumbnails(turned._repr_html_())] == [
        np.asarray(p).tolist() for p in thumbnails(shown)[::-1]
    ]
    # Numbered anew, nobody knows any more which image a row is of.
    assert thumbnails(turned.reset_index(drop=True)._repr_html_()) == []
