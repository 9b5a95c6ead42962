"""The most suspicious labels, with their pictures."""

import numpy as np
import pytest
from PIL import Image
from plot_shared import X, Y, overlapping
from sklearn.linear_model import Ridge

from sknumclip.inspection import find_label_errors
from sknumclip.plotting import LabelErrorsDisplay

FOUND = find_label_errors(Ridge(), X.reshape(80, -1)[:, ::97].astype(float), Y)


def test_the_first_rows_with_their_pictures():
    display = LabelErrorsDisplay.from_label_errors(FOUND, X, n_images=6)
    assert display.axes_.shape == (2, 4)
    for i, image in enumerate(display.images_):
        np.testing.assert_array_equal(image.get_array(), X[FOUND.index[i]])
        title = display.axes_.flat[i].get_title()
        assert title.startswith(f"{FOUND.index[i]}: labeled {FOUND['label'].iloc[i]:g}\npredicted")
    assert not overlapping([panel.title for panel in display.axes_.flat], display.figure_)


def test_a_picture_is_drawn(tmp_path):
    display = LabelErrorsDisplay.from_label_errors(FOUND.tail(1), X)
    display.figure_.savefig(tmp_path / "errors.png")
    drawn = np.asarray(Image.open(tmp_path / "errors.png").convert("RGB"))
    assert (drawn < 250).any(axis=2).mean() > 0.2  # text alone would be less


def test_what_cannot_be_shown_is_named():
    with pytest.raises(TypeError, match="needs the result of inspection.find_label_errors"):
        LabelErrorsDisplay.from_label_errors(FOUND[["label"]], X)
    with pytest.raises(ValueError, match="but X has 10"):
        LabelErrorsDisplay.from_label_errors(FOUND, X[:10])
    with pytest.raises(ValueError, match="n_images must be an int from 1 to 60. Got n_images=99"):
        LabelErrorsDisplay.from_label_errors(FOUND, X, n_images=99)
