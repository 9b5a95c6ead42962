"""Sequences of every kind are read, and advice about X works when it is followed."""

import io
import re
from collections import UserList, deque

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import torch
from bad_values import SequenceLike

from sknumclip.estimators.input_types import as_images, warn_if_flattened

try:
    import pyarrow as pa
except ImportError:
    pa = None

PATHS = ["a.png", "b.png", "c.png"]
PIXELS = np.random.default_rng(0).integers(1, 256, size=(3, 8, 9, 3), dtype=np.uint8)


def with_arrow(form):
    return pytest.param(form, marks=pytest.mark.skipif(pa is None, reason="needs pyarrow"))


class Frame:
    """A table of another library, such as polars: an array for numpy, and names."""

    def __init__(self, **columns):
        self.columns = list(columns)
        self.values = np.stack([np.asarray(column) for column in columns.values()], axis=1)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)

    def __dataframe__(self):
        raise NotImplementedError

    def __len__(self):
        return len(self.values)

    def __getitem__(self, names):
        return Frame(**{name: self.values[:, self.columns.index(name)] for name in names})


class ArrayOnDisk:
    """As in h5py: no sequence to Python, but with a shape, and numpy can read it."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.array, dtype=dtype)

    def __len__(self):
        return len(self.array)

    def __getitem__(self, i):
        return self.array[i]


@pytest.mark.parametrize(
    "form",
    [
        deque,
        UserList,
        SequenceLike,
        lambda paths: dict.fromkeys(paths).keys(),
        with_arrow(lambda paths: pa.array(paths)),
        with_arrow(lambda paths: pa.chunked_array([paths[:1], paths[1:]])),
        with_arrow(lambda paths: pa.table({"path": paths})),
        with_arrow(lambda paths: pa.array(paths).dictionary_encode()),
        lambda paths: Frame(path=np.array(paths, dtype=object)),
        lambda paths: pd.array(paths, dtype="string"),
        lambda paths: ArrayOnDisk(np.array(paths, dtype=object)),
        with_arrow(lambda paths: list(pa.array(paths))),
    ],
)
def test_sequences_of_paths_that_are_no_lists(form):
    assert as_images(form(PATHS)).items == PATHS


@pytest.mark.parametrize(
    "form",
    [
        torch.from_numpy,
        ArrayOnDisk,
        deque,
        memoryview,
        lambda pixels: list(torch.from_numpy(pixels)),
        lambda pixels: list(map(memoryview, pixels)),
        lambda pixels: SequenceLike(list(map(PIL.Image.fromarray, pixels))),
        lambda pixels: pd.Series(list(torch.from_numpy(pixels))),
    ],
)
def test_sequences_of_pictures_that_are_no_lists(form):
    images = as_images(form(PIXELS))
    assert len(images) == 3
    for i in range(3):
        np.testing.assert_array_equal(np.asarray(images.read(i)), PIXELS[i])


WITH_WHITE = np.where(PIXELS > 250, 255, PIXELS)
CHANNELS_FIRST = PIXELS.transpose(0, 3, 1, 2)

PICTURES_IN_A_WRONG_FORM = {
    "floats to 1": PIXELS / 255,
    "floats to 255": PIXELS.astype(np.float32),
    "64-bit integers": PIXELS.astype(np.int64),
    "16 bits": PIXELS.astype(np.uint16) * 257,
    "12 bits, as floats": np.where(PIXELS == 255, 1e6, PIXELS / 255 * 1e6),
    "channels first": CHANNELS_FIRST,
    "floats, channels first": CHANNELS_FIRST / 255,
    "a tensor": torch.from_numpy(PIXELS / 255),
    "a tensor, channels first": torch.from_numpy(CHANNELS_FIRST / 255),
    "a tensor of uint8, channels first": torch.tensor(CHANNELS_FIRST),
    "a list of float arrays": list(PIXELS / 255),
    "a list of tensors": list(torch.tensor(CHANNELS_FIRST)),
    "a deque of float arrays": deque(PIXELS / 255),
    "a Series of float arrays": pd.Series(list(PIXELS / 255)),
    "on a disk, channels first": ArrayOnDisk(CHANNELS_FIRST),
    "opaque": np.concatenate([PIXELS, np.full((3, 8, 9, 1), 255, dtype=np.uint8)], axis=3),
}


@pytest.mark.parametrize("X", PICTURES_IN_A_WRONG_FORM.values(), ids=PICTURES_IN_A_WRONG_FORM)
def test_advice_about_pictures_works_when_followed(X):
    with pytest.raises((TypeError, ValueError)) as error:
        as_images(X)
    code = re.search(r"use (.*)\.$", str(error.value))[1]
    images = as_images(eval(code, {"X": X, "np": np, "PIL": PIL}))
    for i in range(3):
        np.testing.assert_array_equal(np.asarray(images.read(i)), PIXELS[i])


@pytest.mark.parametrize(
    ("X", "shape"),
    [
        (PIXELS[0], (1, 8, 9, 3)),
        (PIXELS[0] / 255, (1, 8, 9, 3)),
        (torch.tensor(PIXELS[0]), (1, 8, 9, 3)),
        (PIXELS[..., 0], (3, 8, 9, 3)),
        (PIXELS[..., :1] / 255, (3, 8, 9, 3)),
        (torch.tensor(CHANNELS_FIRST[:, :1]), (3, 8, 9, 3)),
    ],
)
def test_advice_about_one_picture_and_grey_ones_works_when_followed(X, shape):
    with pytest.raises(ValueError, match="must be uint8") as error:
        as_images(X)
    code = re.search(r"use (.*)\.$", str(error.value))[1]
    assert as_images(eval(code, {"X": X, "np": np})).items.shape == shape


@pytest.mark.parametrize(
    "X", [np.zeros((2, 8, 8, 3)) - 1, np.full((2, 8, 8, 3), np.nan), np.zeros((2, 8, 8, 7))]
)
def test_where_nobody_knows_what_pictures_mean_there_is_no_advice_that_fails(X):
    with pytest.raises(ValueError, match="must be uint8") as error:
        as_images(X)
    assert "use " not in str(error.value)


@pytest.mark.parametrize(
    "table",
    [pd.DataFrame, lambda columns: Frame(**columns), with_arrow(lambda columns: pa.table(columns))],
)
def test_a_table_with_one_column_of_numbers_is_not_taken_for_features(table):
    with pytest.raises(ValueError, match=r"one column, 'age', of numbers.*np.asarray\(X\)"):
        as_images(table({"age": [31, 40, 52]}))
    assert as_images(np.asarray(table({"age": [31, 40, 52]}))) is None  # features, as advised
    assert as_images(table({"age": [31, 40], "size": [1.8, 1.7]})) is None


@pytest.mark.parametrize("white", [1, 255, 65535])
def test_floats_that_resizing_has_made_whiter_than_white_are_advised_on(white):
    X = WITH_WHITE / 255 * white
    X[WITH_WHITE == 255] *= 1.02
    with pytest.raises(ValueError, match=f"if {white} is white, use ") as error:
        as_images(X)
    code = re.search(r"use (.*)\.$", str(error.value))[1]
    np.testing.assert_array_equal(as_images(eval(code, {"X": X, "np": np})).items, WITH_WHITE)


def as_png(pixels):
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


OPAQUE = np.dstack([PIXELS[1], np.full((8, 9), 255, dtype=np.uint8)])

NOT_YET_IMAGES = {
    "bytes of files": [as_png(pixels) for pixels in PIXELS],
    "open files": [io.BytesIO(as_png(pixels)) for pixels in PIXELS],
    "rows of a table": [{"age": 5, "picture": pixels} for pixels in PIXELS],
    "pairs of image and label": [(pixels, 5) for pixels in PIXELS],
    "pairs of label and image": [[5, PIL.Image.fromarray(pixels)] for pixels in PIXELS],
    "a dataset of pairs": SequenceLike([(PIL.Image.fromarray(x), 5) for x in PIXELS]),
    "an array with opacity among others": [PIXELS[0], OPAQUE, PIXELS[2]],
}


@pytest.mark.parametrize("X", NOT_YET_IMAGES.values(), ids=NOT_YET_IMAGES)
def test_advice_about_what_images_are_in_works_when_followed(X):
    with pytest.raises(
        (TypeError, ValueError), match="is not an image|neither images nor"
    ) as error:
        as_images(X)
    code = re.search(r"(\[[^\[]* for \w+ in X\])\.", str(error.value).replace("row[", "row\0"))[1]
    names = {"X": X, "PIL": PIL, "io": io}
    images = as_images(eval(code.replace("\0", "["), names))
    for i in range(3):
        np.testing.assert_array_equal(np.asarray(images.read(i)), PIXELS[i])


def test_where_arrays_among_paths_are_no_pictures_there_is_no_advice_that_fails():
    with pytest.raises(
        TypeError, match=r"X\[1\] is not an image: uint8 of shape \(8, 9\)\. X must"
    ):
        as_images(["a.png", PIXELS[0, :, :, 0]])


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame,
        lambda columns: Frame(**columns),
        with_arrow(lambda columns: pa.table(columns)),
    ],
)
def test_advice_about_tables_of_several_columns_works_when_followed(table):
    columns = {
        "age": np.array([31, 40, 52], dtype=object),
        "picture": np.array(PATHS, dtype=object),
    }
    X = table(columns)
    with pytest.raises(ValueError, match=r"the columns \['age', 'picture'\]: select one") as error:
        as_images(X)
    code = re.search(r"as in (.*)\.$", str(error.value))[1]
    assert as_images(eval(code, {"X": X})).items == PATHS


def test_what_has_items_by_name_only_is_refused():
    groups = pd.DataFrame({"path": PATHS, "group": [1, 1, 2]}).groupby("group")
    with pytest.raises(TypeError, match="X is a DataFrameGroupBy, and .* are not images"):
        as_images(groups)


def test_what_numpy_cannot_read_says_why():
    tensor = torch.zeros(2, 8, 8, 3, requires_grad=True)
    for X, where in [(tensor, "X is"), ([tensor[0], tensor[1]], "In X is")]:
        with pytest.raises(TypeError, match=rf"{where} a Tensor .* cannot read: .*detach\(\)"):
            as_images(X)


@pytest.mark.parametrize("images", [PIXELS[:, :, :8], PIXELS[:, :, :8, 0]], ids=["RGB", "gray"])
def test_advice_about_flattened_images_works_when_followed(images):
    X = images.reshape(len(images), -1)
    with pytest.warns(UserWarning, match=f"its {X.shape[1]} columns are taken as features") as seen:
        warn_if_flattened(X)
    advice = re.search("pass (.*) instead", str(seen[0].message))[1]
    found = as_images(eval(advice, {"X": X, "np": np})).items
    expected = images if images.ndim == 4 else np.stack([images] * 3, axis=3)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "X", [PIXELS, np.zeros((3, 64)), np.zeros((3, 63), dtype=np.uint8), [[1, 2]]], ids=str
)
def test_what_is_not_flattened_images_is_no_reason_to_warn(X, recwarn):
    warn_if_flattened(X)
    assert not recwarn.list
