"""Copies side by side, and what is said about them."""

import numpy as np
import pandas as pd
import pytest
from factories import save_pictures
from PIL import Image
from plot_shared import X, Y, overlapping

from sknumclip.inspection import find_duplicates
from sknumclip.plotting import DuplicatesDisplay

COPIES = np.concatenate([X[:12], X[2:4], X[5:6, :, ::-1]])
LABELS = [*Y[:12], 7, *Y[3:4], Y[5]]


def table(**options):
    return find_duplicates(COPIES, verbose=0, **options)


def test_each_picture_is_beside_its_copy():
    found = table(y=LABELS, groups=[f"person {i}" for i in range(15)])
    display = DuplicatesDisplay.from_duplicates(found, COPIES)
    assert display.axes_.shape == (2, 4)
    shown = [np.asarray(image.get_array()) for image in display.images_]
    for i, (first, second) in enumerate([(2, 12), (3, 13), (5, 14)]):
        np.testing.assert_array_equal(shown[2 * i], COPIES[first])
        np.testing.assert_array_equal(shown[2 * i + 1], COPIES[second])
    titles = [panel.get_title() for panel in display.axes_.flat]
    assert titles[:2] == [
        f"2\nlabel {Y[2]}\ngroup person 2",
        "12: identical\nlabel 7\ngroup person 12",
    ]
    assert titles[5].startswith("14: near, mirrored (1.000)")
    assert titles[6:] == ["", ""]
    assert not overlapping([panel.title for panel in display.axes_.flat], display.figure_)


def test_a_picture_is_drawn(tmp_path):
    display = DuplicatesDisplay.from_duplicates(table(), COPIES, n_pairs=2)
    display.figure_.savefig(tmp_path / "pairs.png")
    drawn = np.asarray(Image.open(tmp_path / "pairs.png").convert("RGB"))
    assert (drawn < 250).any(axis=2).mean() > 0.2  # text alone would be less


def test_across_a_split_from_files(tmp_path):
    files = save_pictures(tmp_path, COPIES)
    found = find_duplicates(files[:12], files[12:], verbose=0)
    display = DuplicatesDisplay.from_duplicates(found, files[:12], files[12:], n_columns=1)
    assert display.axes_.shape == (3, 2)
    np.testing.assert_array_equal(np.asarray(display.pairs[0][1]), COPIES[12])


def test_what_cannot_be_shown_is_named():
    with pytest.raises(TypeError, match="needs the result of inspection.find_duplicates. Got list"):
        DuplicatesDisplay.from_duplicates([1], COPIES)
    with pytest.raises(TypeError, match="Got DataFrame"):
        DuplicatesDisplay.from_duplicates(pd.DataFrame({"a": [1]}), COPIES)
    with pytest.raises(ValueError, match="nothing to show: the table has no rows"):
        DuplicatesDisplay.from_duplicates(table().head(0), COPIES)
    with pytest.raises(ValueError, match="The table refers to at least 15 images, but X has 13"):
        DuplicatesDisplay.from_duplicates(table(), COPIES[:13])
    with pytest.raises(TypeError, match="X is features"):
        DuplicatesDisplay.from_duplicates(table(), np.eye(20))
    with pytest.raises(ValueError, match="n_pairs must be an int from 1 to 60. Got n_pairs=0"):
        DuplicatesDisplay.from_duplicates(table(), COPIES, n_pairs=0)
    with pytest.raises(ValueError, match="n_columns must be an int of at least 1"):
        DuplicatesDisplay.from_duplicates(table(), COPIES, n_columns=0)
