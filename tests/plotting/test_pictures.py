"""Images side by side: order, size, titles."""

import numpy as np
import pytest
from factories import save_pictures
from plot_shared import X

from sknumclip.plotting._pictures import draw_pictures, read_pictures


class Display:
    """Any display; it gets the attributes that say what was drawn."""


@pytest.mark.parametrize("kind", ["array", "files"])
def test_pictures_are_read_in_the_order_asked_for(tmp_path, kind):
    images = X[:4] if kind == "array" else save_pictures(tmp_path, X[:4])
    shown = read_pictures(images, [3, 0, 3])
    for picture, i in zip(shown, [3, 0, 3], strict=True):
        np.testing.assert_array_equal(np.asarray(picture), X[i])


def test_large_pictures_are_read_small(tmp_path):
    wide = np.zeros((400, 1600, 3), dtype=np.uint8)
    (picture,) = read_pictures(save_pictures(tmp_path, [wide]), [0])
    assert picture.size == (160, 40)


def test_pictures_of_another_x_are_refused():
    with pytest.raises(ValueError, match="at least 5 images, but X has 4. Pass the X that"):
        read_pictures(X[:4], [0, 4])
    with pytest.raises(TypeError, match="no images to show: X is features"):
        read_pictures(np.eye(4), [0])


@pytest.mark.parametrize(
    ("n_groups", "width", "n_columns", "shape"),
    [(1, 1, None, (1, 1)), (5, 1, None, (2, 4)), (3, 2, None, (2, 4)), (3, 2, 1, (3, 2))],
)
def test_each_picture_has_its_title_and_places_left_over_are_empty(
    n_groups, width, n_columns, shape
):
    groups = X[: n_groups * width].reshape(n_groups, width, *X.shape[1:])
    titles = [[f"{i}, {k}" for k in range(width)] for i in range(n_groups)]
    display = Display()
    draw_pictures(display, None, groups, titles, n_columns)
    assert display.axes_.shape == shape
    shown = [np.asarray(image.get_array()) for image in display.images_]
    np.testing.assert_array_equal(shown, X[: n_groups * width])
    n_empty = display.axes_.size - n_groups * width
    found = [panel.get_title() for panel in display.axes_.flat]
    assert found == [*np.concatenate(titles), *[""] * n_empty]


def test_long_lines_of_titles_are_broken():
    display = Display()
    draw_pictures(display, None, [X[:1]], [["a long reason " * 5 + "\nlabel 7"]], None)
    lines = display.axes_[0, 0].get_title().split("\n")
    assert lines[-1] == "label 7"
    assert max(map(len, lines)) <= 40 < sum(map(len, lines[:-1]))
