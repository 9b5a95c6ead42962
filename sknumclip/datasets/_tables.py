"""Helpers for dataset loaders: find images, read tables, check both, make a Bunch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from .._typing import StrPath
from .._warnings import warn_user

__all__ = [
    "as_bunch",
    "check_folder",
    "images_below",
    "images_by_stem",
    "read_table",
    "some",
]

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_FIELDS = {"group": "groups", "fold": "folds", "split": "split"}


def check_folder(folder: StrPath, what: str, how: str) -> Path:
    """Return `folder` as a Path.

    Parameters
    ----------
    folder : str or Path
    what, how : str
        Name of the dataset, and how to get it, for the error message.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"{what} was not found: there is no folder {folder}. {how}")
    return folder


def read_table(file, columns, how, names=(), **options):
    """Read a table that must have certain columns.

    Parameters
    ----------
    file : Path
    columns : list of str
    how : str
        Where to get the file, for the error message.
    names : sequence of str, default=()
        Columns of names, which are read as text: "007" and "7" are different names, and "NA" and
        "null" are names, too. Only an empty field is missing.
    **options : object
        Passed to :func:`pandas.read_csv`.

    Returns
    -------
    DataFrame

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a column is missing.
    """
    if not file.is_file():
        raise FileNotFoundError(f"There is no file {file}. {how}")
    table = pd.read_csv(file, **options)
    if names := [name for name in names if name in table]:
        text = {**options, "dtype": str, "keep_default_na": False, "usecols": names}
        table[names] = pd.read_csv(file, **text)[names].replace("", np.nan)
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise ValueError(
            f"{file} has no column {some(lacking)}. Its columns are {list(table.columns)}. {how}"
        )
    return table


def images_below(folder):
    """Find the image files in a folder and its subfolders.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path
        In the same order on every machine.
    """
    return sorted(
        path
        for path in folder.rglob("*")
        # Archives from a Mac have a file "._1.jpg" beside "1.jpg" that is not an image.
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
    )


def images_by_stem(folder):
    """Find the image files below a folder by name, without the suffix.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict of str to Path
        Names in lower case to paths.

    Raises
    ------
    ValueError
        If two files have the same name.
    """
    found = {}
    for path in images_below(folder):
        other = found.setdefault(path.stem.lower(), path)
        if other != path:
            raise ValueError(
                f"{folder} has two images of the same name: {other} and {path}. "
                "Pass a folder that contains each image once."
            )
    return found


def as_bunch(table, source, descr, on_missing="raise", **fields):
    """Convert a table to the Bunch that loaders return.

    Parameters
    ----------
    table : DataFrame
        With the columns ``path`` and ``y`` and any of ``group``, ``fold`` and ``split``; other
        columns become further fields.
    source : Path
        The file or folder that the table comes from, for error messages.
    descr : str
        Description of the data.
    on_missing : {"raise", "skip"}, default="raise"
        Whether missing images are an error, or left out with a warning.
    **fields : object
        Further fields.

    Returns
    -------
    Bunch

    Raises
    ------
    FileNotFoundError
        If files in the table do not exist.
    ValueError
        If there are no images, or if labels are not finite numbers.
    """
    if on_missing not in ("raise", "skip"):
        raise ValueError(f"on_missing must be 'raise' or 'skip'. Got {on_missing!r}.")
    table = _existing(table, source, on_missing)
    if table.empty:
        raise ValueError(f"There are no images in {source}.")
    columns = {"groups": None, "folds": None, "split": None}
    for name in table.columns.difference(["path", "y"], sort=False):
        columns[_FIELDS.get(name, name)] = _complete(table, name, source)
    return Bunch(
        paths=[str(path) for path in table["path"]],
        y=_numbers(table, "y", source),
        **columns,
        DESCR=descr.strip(),
        **fields,
    )


def some(things, n=5):
    """Format a list as its first few elements and the number of the others.

    Parameters
    ----------
    things : sequence
    n : int, default=5
        Number of elements to name.

    Returns
    -------
    str
    """
    text = ", ".join(str(thing) for thing in things[:n])
    return text if len(things) <= n else f"{text} and {len(things) - n} more"


def _existing(table, source, on_missing):
    """Return the rows with existing images."""
    there = np.array([path.is_file() for path in table["path"]], dtype=bool)
    if there.all():
        return table
    missing = [str(path) for path in table["path"][~there]]
    message = (
        f"{len(missing)} of the {len(table)} images listed in {source} do not exist: "
        f"{some(missing)}."
    )
    if on_missing == "raise":
        raise FileNotFoundError(
            f"{message} Complete the folder, or pass on_missing='skip' to leave them out."
        )
    warn_user(f"{message} They are left out.")
    return table[there]


def _complete(table, name, source):
    """Return a column without missing values; folds as int64."""
    if name == "fold":
        folds = _numbers(table, name, source)
        if folds.dtype != np.int64:
            raise ValueError(f"Folds in {source} must be whole numbers.")
        return folds
    gaps = [path.name for path in table["path"][table[name].isna()]]
    if gaps:
        raise ValueError(f"{source} has images without a {name}: {some(gaps)}.")
    return table[name].to_numpy()


def _numbers(table, name, source):
    """Return a column as int64 if all of its numbers are whole, else as float64."""
    numbers = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
    bad = ~np.isfinite(numbers)
    if bad.any():
        rows = zip(table["path"][bad], table[name][bad], strict=True)
        what = {"y": "Labels", "fold": "Folds"}[name]
        raise ValueError(
            f"{what} in {source} must be finite numbers. "
            f"Got {some([f'{value!r} for {path.name}' for path, value in rows])}."
        )
    whole = (numbers == np.round(numbers)).all()
    return numbers.astype(np.int64) if whole else numbers
