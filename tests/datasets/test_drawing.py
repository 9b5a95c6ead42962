import numpy as np
import pytest
from scipy import ndimage

from sknumclip.datasets import make_counting_images


def test_shapes_dtypes_and_range():
    X, y = make_counting_images(30, low=3, high=12, image_size=48, random_state=0)
    assert X.shape == (30, 48, 48, 3)
    assert X.dtype == np.uint8
    assert y.shape == (30,)
    assert y.dtype == np.int64
    assert y.min() >= 3
    assert y.max() <= 12


def test_all_counts_are_drawn_including_both_ends():
    _, y = make_counting_images(100, low=1, high=4, image_size=16, random_state=0)
    assert set(y) == {1, 2, 3, 4}


def test_low_may_equal_high():
    _, y = make_counting_images(5, low=7, high=7, random_state=0)
    assert (y == 7).all()


def test_small_and_large_counts_are_common():
    _, y = make_counting_images(400, image_size=50, random_state=0)
    assert (y <= 10).mean() > 0.2
    assert (y >= 50).mean() > 0.2


def test_same_seed_same_bytes():
    X, y = make_counting_images(10, random_state=3)
    again, y_again = make_counting_images(10, random_state=np.random.RandomState(3))
    assert X.tobytes() == again.tobytes()
    np.testing.assert_array_equal(y, y_again)


def test_seeds_differ():
    X, _ = make_counting_images(10, random_state=0)
    other, _ = make_counting_images(10, random_state=1)
    assert not np.array_equal(X, other)


def test_asking_for_attributes_does_not_change_the_pictures():
    X, y = make_counting_images(10, random_state=0)
    same, y_same, attributes = make_counting_images(10, random_state=0, return_attributes=True)
    np.testing.assert_array_equal(X, same)
    np.testing.assert_array_equal(y, y_same)
    assert set(attributes["shape"]) <= {"disc", "square", "triangle"}
    assert len(attributes["color"]) == 10


@pytest.mark.parametrize("count", [1, 4, 12])
def test_objects_can_be_counted(count):
    X, _ = make_counting_images(20, low=count, high=count, image_size=128, random_state=0)
    np.testing.assert_array_equal([_count_blobs(picture) for picture in X], count)


@pytest.mark.parametrize("count", [50, 100])
def test_most_objects_stand_apart_in_full_pictures(count):
    X, _ = make_counting_images(10, low=count, high=count, image_size=256, random_state=0)
    assert np.mean([_count_blobs(picture) for picture in X]) > 0.9 * count


def test_painted_area_is_not_the_count():
    X, y = make_counting_images(200, random_state=0)
    area = [_foreground(picture).sum() for picture in X]
    assert np.corrcoef(area, y)[0, 1] < 0.9


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_samples": 0}, "'n_samples' .* at least 1. Got 0"),
        ({"n_samples": 2.5}, "'n_samples' .* must be an int, .* Got 2.5"),
        ({"low": 0}, "'low' .* between 1 and 100 .*'high'.* Got 0"),
        ({"low": 9, "high": 8}, "'low' .* between 1 and 8 .* Got 9"),
        ({"low": True}, "'low' .* Got True"),
        ({"high": 1000}, "'high' .* between 1 and 163 .*'image_size'.* Got 1000"),
        ({"image_size": 8}, "'image_size' .* at least 16. Got 8"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_counting_images(**parameters)


def _foreground(picture):
    """Pixels unlike their corner-to-corner shaded background, boolean (height, width)."""
    height, width, _ = picture.shape
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    plane = np.stack([np.ones(height * width), rows.ravel(), columns.ravel()], axis=1)
    pixels = picture.reshape(-1, 3).astype(float)
    background = np.ones(len(pixels), dtype=bool)
    for _ in range(10):  # fit the shade, leave out what is far from it, repeat
        coefficients = np.linalg.lstsq(plane[background], pixels[background])[0]
        distance = np.abs(pixels - plane @ coefficients).max(axis=1)
        background = distance < max(30, np.quantile(distance, 0.5))
    return (distance > 30).reshape(height, width)


def _count_blobs(picture):
    return ndimage.label(_foreground(picture))[1]
