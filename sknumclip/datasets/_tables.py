"""Helpers for dataset loaders: find images, read tables, check both, make a Bunch."""

from __future__ import annotations

import csv
import difflib
import io
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from .._typing import StrPath
from .._warnings import warn_user

__all__ = [
    "as_bunch",
    "check_folder",
    "image_paths",
    "images_below",
    "images_by_stem",
    "read_table",
    "read_text",
    "some",
    "stem_of",
]

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_FIELDS = {"group": "groups", "fold": "folds", "split": "split"}
_WHOLE_NUMBERS = {"fold": "Folds", "gender": "Genders", "race": "Races"}
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


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


def read_table(file, columns, how, sep=","):
    """Read a table that must have certain columns, as text: nothing is taken for a number.

    So "007" and "7" are two names, and so are "NA" and "null"; an empty field is an empty text.
    :func:`as_bunch` makes numbers of what are numbers.

    Parameters
    ----------
    file : Path
    columns : list of str
    how : str
        Where to get the file, for the error message.
    sep : str, default=","
        Separator of fields.

    Returns
    -------
    DataFrame of str

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not UTF-8 or not a table, or a column is missing or there twice.
    """
    if not file.is_file():
        raise FileNotFoundError(f"There is no file {file}. {how}")
    reader = csv.reader(io.StringIO(read_text(file), newline=""), delimiter=sep, strict=True)
    try:
        header = next(filter(None, reader), [])
        _check_columns(header, columns, file, how)
        rows = [_row(row, header) for row in reader if row]
    except csv.Error as error:
        raise ValueError(f"Line {reader.line_num} of {file} cannot be read: {error}.") from error
    table = pd.DataFrame(rows, columns=header, dtype=object)
    return table.loc[:, ~table.columns.duplicated()]


def _check_columns(header, columns, file, how):
    lacking = [column for column in columns if header.count(column) != 1]
    if lacking:
        number = "two columns" if lacking[0] in header else "no column"
        folded = {name.casefold(): name for name in header}
        close = difflib.get_close_matches(lacking[0].casefold(), folded, n=1)
        is_other = close and folded[close[0]] != lacking[0]
        meant = f" Did you mean {folded[close[0]]!r}?" if is_other else ""
        raise ValueError(
            f"{file} has {number} {some(lacking)}.{meant} Its columns are {header}. {how}"
        )


def _row(fields, header):
    """The fields of a row, one for each column."""
    if any(fields[len(header) :]):  # empty ones come from a comma at the end
        raise csv.Error(
            f"it has {len(fields)} fields, but there are {len(header)} columns. Put quotes around "
            "a field with a comma in it, and write numbers with a point"
        )
    return (fields + [""] * len(header))[: len(header)]


def read_text(file):
    """Read a text file.

    Parameters
    ----------
    file : Path

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it is not UTF-8.
    """
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        likely = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252"
        raise ValueError(
            f"{file} is not UTF-8: {error}. Save it as UTF-8. If it comes from Windows, that is "
            f"file.write_text(file.read_text({likely!r}), 'utf-8') with "
            f"file = pathlib.Path({str(file)!r})."
        ) from error


def image_paths(rows, column, folder, source):
    """Return the paths of the images that a column names.

    Parameters
    ----------
    rows : DataFrame
        From :func:`read_table`.
    column : str
    folder, source : Path
        What names are relative to, and where they are from: for the error.

    Returns
    -------
    list of Path

    Raises
    ------
    ValueError
        If a name is empty, so that the folder would be taken for the image.
    """
    nameless = [str(i) for i in np.flatnonzero(rows[column] == "")]
    if nameless:
        raise ValueError(
            f"{source} has rows without a {column}, at index {some(nameless)}. Fill them in, or "
            "leave those rows out."
        )
    return [folder / name for name in rows[column]]


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
        other = found.setdefault(stem_of(path), path)
        if other != path:
            raise ValueError(
                f"{folder} has two images of the same name: {other} and {path}. "
                "Pass a folder that contains each image once."
            )
    return found


def stem_of(path):
    """Return the key under which :func:`images_by_stem` has an image of this name, str."""
    has_suffix = path.suffix.lower() in _SUFFIXES  # "3.14" has none
    return (path.stem if has_suffix else path.name).lower()


def as_bunch(table, source, descr, on_missing="raise", **fields):
    """Convert a table to the Bunch that loaders return.

    Parameters
    ----------
    table : DataFrame
        With the columns ``path`` and ``y`` and any of ``group``, ``fold`` and ``split``; other
        columns become further fields. Numbers may be text.
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
    """Return a column without missing values; whole numbers as int64."""
    if name in _WHOLE_NUMBERS:
        numbers = _numbers(table, name, source)
        if numbers.dtype != np.int64:
            raise ValueError(f"{_WHOLE_NUMBERS[name]} in {source} must be whole numbers.")
        return numbers
    column = table[name]
    gaps = [path.name for path in table["path"][column.isna() | (column == "")]]
    if gaps:
        raise ValueError(f"{source} has images without a {name}: {some(gaps)}.")
    return column.to_numpy()


def _numbers(table, name, source):
    """Return a column as int64 if all of its numbers are whole, else as float64."""
    numbers = [_number(value) for value in table[name]]
    bad = ~np.isfinite(np.array(numbers, dtype=np.float64))
    if bad.any():
        rows = zip(table["path"][bad], table[name][bad], strict=True)
        what = {"y": "Labels", **_WHOLE_NUMBERS}[name]
        raise ValueError(
            f"{what} in {source} must be finite numbers. "
            f"Got {some([f'{value!r} for {path.name}' for path, value in rows])}."
        )
    are_whole = all(isinstance(number, int) and abs(number) < 2**63 for number in numbers)
    return np.array(numbers, dtype=np.int64 if are_whole else np.float64)


def _number(value):
    """The number that is meant, an int if it is whole; NaN if it is not a number."""
    if isinstance(value, str):
        value = value.strip()
        if value.lower() in ("true", "false"):
            return int(value.lower() == "true")
        if re.fullmatch(r"[-+]?[0-9]{1,300}", value):
            return int(value)  # a float holds 15 digits only
        value = value if _NUMBER.fullmatch(value) else "nan"
    number = math.nan if value is None else float(value)
    return int(number) if number.is_integer() else number
