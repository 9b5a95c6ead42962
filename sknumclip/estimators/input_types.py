"""as_images(): validate X, and tell images from features."""

import glob
import io
import math
import os
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.sparse import issparse

from .._numbers import refuse_mask
from .._warnings import warn_user
from ..images.reading import Images
from ..images.urls import check_urls

__all__ = ["as_images", "warn_if_flattened"]

_ACCEPTED_X = (
    "X must be a list, array or other sequence of image paths, a one-column DataFrame of paths, a "
    "list of PIL images, a uint8 array of shape (n_images, height, width, 3), or, with "
    "fine_tune='none', a 2-D array of features."
)


def as_images(X):
    """Check whether `X` is images, and convert it.

    Parameters
    ----------
    X : object
        The argument passed to ``fit`` or ``predict``.

    Returns
    -------
    Images or None
        None if X should be checked as a 2-D array of features.

    Raises
    ------
    TypeError or ValueError
        If X cannot be images or features, or is images in a wrong format.
    """
    if isinstance(X, (str, os.PathLike, Image.Image)):
        raise TypeError(f"{_what_to_do_with_one(X)}. Got X={X!r}.")
    if hasattr(X, "__next__"):
        raise TypeError(f"X must have a length, so make it a list: list(X). Got X={X!r}.")
    if isinstance(X, (Mapping, set, frozenset)):
        raise TypeError(f"X must not be a {type(X).__name__}. {_ACCEPTED_X} Got X={X!r:.100}.")
    refuse_mask("X", X)
    for i, item in enumerate(X if isinstance(X, (list, tuple)) else ()):
        refuse_mask(f"X[{i}]", item)
    given, X = X, _as_list_or_array(X)
    if isinstance(X, np.ndarray) and not X.ndim:
        return _not_images(X, given)
    if isinstance(X, (list, np.ndarray)) and len(X) == 0 and np.ndim(X) in (1, 4):
        raise ValueError(f"X is empty: found 0 images. {_ACCEPTED_X}")
    if isinstance(X, np.ndarray) and X.ndim == 4 and X.dtype == np.uint8 and X.shape[3] == 3:
        return Images(X)
    if not isinstance(X, list) or not any(map(_is_image, X)):
        return _not_images(X, given)
    strange = next(((i, item) for i, item in enumerate(X) if not _is_image(item)), None)
    if strange is not None:
        raise TypeError(_not_an_image(*strange, X))
    check_urls(X)
    return Images(X)


def warn_if_flattened(X):
    """Warn if features are probably the pixels of images, flattened as for other estimators."""
    if getattr(X, "dtype", None) != np.uint8 or np.ndim(X) != 2:
        return
    kinds = {3: "X.reshape(-1, {0}, {0}, 3)", 1: "np.repeat(X.reshape(-1, {0}, {0}, 1), 3, 3)"}
    for channels, images in kinds.items():
        side = math.isqrt(X.shape[1] // channels)
        if side >= 8 and side * side * channels == X.shape[1]:
            warn_user(
                f"X is a 2-D array, so its {X.shape[1]} columns are taken as features. If they are "
                f"the pixels of images, pass {images.format(side)} instead."
            )
            return


def _as_list_or_array(X):
    """Convert containers of paths or images to a list, and of numbers to an array.

    It accepts whatever numpy can read (a tensor, h5py, pyarrow, polars) and anything with a length
    and items, even if it is not a registered sequence (a column of Hugging Face's datasets).
    """
    if isinstance(X, (bytes, bytearray)) or issparse(X):
        return X
    if isinstance(X, (pd.Series, pd.DataFrame)):
        X = _column_of(X)
    elif isinstance(X, memoryview) or (hasattr(X, "__array__") and not isinstance(X, np.ndarray)):
        X = _as_array(X)
    if isinstance(X, np.ndarray) and X.dtype.kind in "OUT" and X.ndim:
        X = (X[:, 0] if X.shape[1:] == (1,) else X).tolist()
    if isinstance(X, Collection) and not isinstance(X, (np.ndarray, pd.DataFrame)):
        return [_as_item(item) for item in X]
    if hasattr(X, "__len__") and hasattr(X, "__getitem__") and not hasattr(X, "__array__"):
        return [_as_item(item) for item in _items_of(X)]
    return X


def _items_of(X):
    try:
        return [X[i] for i in range(len(X))]
    except (LookupError, TypeError) as error:  # X[i] may mean something else, as in a groupby
        raise TypeError(
            f"X is a {type(X).__name__}, and X[0], X[1] … are not images: {error!r}. {_ACCEPTED_X}"
        ) from error


def _as_array(X):
    """Convert an array of another library to numpy, or take the column of paths of a table."""
    array = _in_numpy("X is", X)
    if not hasattr(X, "__dataframe__"):
        return array
    names = getattr(X, "column_names", None) or list(X.columns)
    selected = "X.select([{!r}])" if hasattr(X, "select") else "X[[{!r}]]"
    return _column_of(pd.DataFrame(array, columns=names), selected)


def _what_to_do_with_one(X):
    if not isinstance(X, Image.Image) and os.path.isdir(X):
        suffixes = [Path(name).suffix for name in sorted(os.listdir(X))]
        suffix = next((s for s in suffixes if s.lower() in Image.registered_extensions()), ".jpg")
        listed = f"sorted(pathlib.Path(X).glob('*{suffix}'))"
        return f"X is a folder; pass the paths of its images: {listed}"
    if isinstance(X, str) and glob.has_magic(X) and not os.path.exists(X):
        return "X is a pattern; pass the paths that match it: sorted(glob.glob(X))"
    return "X is a single image; put it in a list: [X]"


def _as_item(item):
    """Convert a tensor or similar to an array, and a path from Arrow to a str."""
    is_kept = isinstance(item, (np.ndarray, np.generic, Image.Image, pd.Series, pd.DataFrame))
    if isinstance(item, memoryview) or (hasattr(item, "__array__") and not is_kept):
        return _in_numpy("In X is", item)
    return item.as_py() if hasattr(item, "as_py") else item


def _in_numpy(where, value):
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # on a GPU, with gradients, of bfloat16
        name = type(value).__name__
        raise TypeError(f"{where} a {name} that numpy cannot read: {error}") from error


def _not_images(X, given):
    """Return None if X may be features; raise if it cannot be.

    Parameters
    ----------
    X : object
        X as a list or an array if possible.
    given : object
        X as passed by the user.
    """
    if issparse(X):
        return None  # scikit-learn rejects it
    try:
        array = np.asarray(X)
    except (TypeError, ValueError):  # ragged
        array = None
    if array is not None and array.ndim == 1 and array.dtype.kind in "OSM" and len(array) == len(X):
        raise TypeError(_not_an_image(0, X[0]))
    if array is not None and array.dtype.kind in "biuf" and array.ndim in (3, 4):
        raise ValueError(
            "An array of images must be uint8 (0 to 255) of shape (n_images, height, width, 3). "
            f"Got {array.dtype} of shape {array.shape}{_how_to_convert(array, given)}."
        )
    if array is None or array.ndim not in (1, 2) or array.dtype.kind in "SUTmM":
        form = repr(given)[:100] if array is None or not array.ndim else array.dtype
        shape = f" of shape {array.shape}" if array is not None and array.ndim else ""
        raise ValueError(
            f"X is neither images nor features. {_ACCEPTED_X} Got {form}{shape}."
            f"{_images_in_rows(given)}"
        )
    if array.ndim == 1 and array.dtype.kind in "biuf":
        raise ValueError(
            f"Expected 2D array, got 1D array instead: X is {len(array)} numbers. {_ACCEPTED_X} "
            "Are X and y swapped, or are the paths in another column? "
            "Reshape your data if it is a single feature: np.reshape(X, (-1, 1))."
        )
    refuse_mask("X", array)
    return None


def _images_in_rows(X):
    """Advise how to take the images from (image, label) pairs, as torch data sets have them."""
    row = X[0] if hasattr(X, "__getitem__") and hasattr(X, "__len__") and len(X) else None
    places = enumerate(row) if isinstance(row, (tuple, list)) else ()
    for place, item in places:
        if _is_image(item):
            return f" For pairs, use the images: [row[{place}] for row in X]."
    return ""


def _not_an_image(i, item, X=()):
    """Write the error message for item `i` of X."""
    advice, got = "", f"{item!r:.100}"
    if isinstance(item, np.ndarray):
        got = f"{item.dtype} of shape {item.shape}"
        if all(_is_array_of_pixels(other) for other in X):
            advice = " Use [PIL.Image.fromarray(x) for x in X]."
    if isinstance(item, bytes):
        advice = " Paths must be str: [os.fsdecode(path) for path in X]."
        if _opens(io.BytesIO(item)):
            advice = " Open them: [PIL.Image.open(io.BytesIO(image)) for image in X]."
    if hasattr(item, "read") and hasattr(item, "seek"):
        advice = " Open them: [PIL.Image.open(file) for file in X]."
    if isinstance(item, Mapping) and item:
        column = next((name for name in item if _is_image(item[name])), next(iter(item)))
        advice = f" For rows of a table, use the column of images: [row[{column!r}] for row in X]."
    return f"X[{i}] is not an image: {got}.{advice} {_ACCEPTED_X}"


def _opens(file):
    try:
        Image.open(file)
    except Exception:  # Pillow's readers raise errors of every kind
        return False
    return True


def _is_array_of_pixels(item):
    """Return whether Pillow can read an array: grayscale, RGB or RGBA."""
    is_uint8 = isinstance(item, np.ndarray) and item.dtype == np.uint8
    return is_uint8 and (item.ndim == 2 or (item.ndim == 3 and item.shape[2] in (3, 4)))


def _how_to_convert(array, given):
    """Return code that converts `array` to valid images, for the error message."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return ", with NaN or infinity in it"
    if array.size and array.min() < 0:
        return ", with values below 0: pass the pixels without normalization"
    conditions, code = [], _as_array_in_code(given)
    if array.dtype != np.uint8:
        white, scaled = _scaled_to_255(array, code)
        conditions, code = [f"{white} is white"], f"np.round({scaled}).astype(np.uint8)"
    if array.ndim == 3 and array.shape[2] == 3:
        return _use([*conditions, "this is a single image"], f"{code}[None]")
    if array.ndim == 3:
        grey = f"np.repeat({code}[..., None], 3, axis=3)"
        return _use([*conditions, "these are grayscale images"], grey)
    n_channels = array.shape[3]
    if n_channels != 3 and array.shape[1] in (1, 3, 4):
        n_channels = array.shape[1]
        conditions, code = [*conditions, "channels come first"], f"{code}.transpose(0, 2, 3, 1)"
    if n_channels == 1:
        conditions, code = (
            [*conditions, "these are grayscale images"],
            f"np.repeat({code}, 3, axis=3)",
        )
    if n_channels == 4:
        opened = f"[PIL.Image.fromarray(x) for x in {code}]"
        return _use([*conditions, "the fourth channel is opacity"], opened)
    if n_channels not in (1, 3):
        return f", with {n_channels} channels instead of red, green and blue"
    return _use(conditions, code)


def _use(conditions, code):
    return f": if {' and '.join(conditions)}, use {code}"


def _as_array_in_code(given):
    if isinstance(given, np.ndarray):
        return "X"
    is_array = hasattr(given, "__array__") and not isinstance(given, pd.Series)
    return "np.asarray(X)" if is_array else "np.stack(X)"


def _scaled_to_255(array, code):
    """Return the likely white value of an array, and code that scales it to 255.

    Resizing can make floats slightly larger than white.
    """
    most, leeway = array.max(initial=0).item(), 1.5 if array.dtype.kind == "f" else 1
    if most <= leeway and array.dtype.kind in "bf":
        white, scaled = 1, f"255 * {code}"
    elif most <= 255 * leeway:
        white, scaled = 255, code
    elif most <= 65535 * leeway:
        white, scaled = 65535, f"{code} / 257"
    else:
        white, scaled = most, f"255 / {most} * {code}"
    return white, scaled if most <= white else f"np.minimum({scaled}, 255)"


def _column_of(X, selected="X[[{!r}]]"):
    if X.ndim == 1:
        return X.tolist()
    if not X.shape[1]:
        raise ValueError(f"X is a DataFrame without columns. {_ACCEPTED_X}")
    if X.shape[1] == 1:
        column = X.iloc[:, 0]
        if len(X) and pd.api.types.is_numeric_dtype(column.dtype):
            raise ValueError(
                f"X is a DataFrame with one column, {column.name!r}, of numbers, not of paths. "
                "Select the column of paths, as in X[['path']]; if this is a single feature, pass "
                "np.asarray(X)."
            )
        return column.tolist()
    row = X.iloc[0].tolist() if len(X) else []
    paths = [name for name, value in zip(X.columns, row, strict=False) if _is_image(value)]
    if paths:
        raise ValueError(
            f"A DataFrame of images must have one column, of paths. Got the columns "
            f"{list(X.columns)}: select one, as in {selected.format(paths[0])}."
        )
    return X


def _is_image(item):
    if isinstance(item, np.ndarray):
        return item.ndim == 3 and item.shape[2] == 3 and item.dtype == np.uint8
    return isinstance(item, (str, os.PathLike, Image.Image))
