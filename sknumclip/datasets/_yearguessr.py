"""load_yearguessr(): load YearGuessr, buildings and the years of their construction."""

from __future__ import annotations

import pandas as pd
from sklearn.utils import Bunch

from .._typing import OnError, StrPath
from ._tables import as_bunch, check_folder, image_paths, images_by_stem, read_table, stem_of

__all__ = ["load_yearguessr"]

_YEARGUESSR = """
YearGuessr: 55,546 photographs of buildings in 157 countries, from Wikipedia, with the year of
construction (1001 to 2024).

Paper: L.-Z. Szu-Tu, T.-L. Wu, C.-J. Chang, H. Syu, Y.-L. Liu. Beyond Memorization: A Multi-Modal
    Ordinal Regression Benchmark to Expose Popularity Bias in Vision-Language Models. 2025,
    arXiv 2512.21337.
Source: https://huggingface.co/datasets/Morris0401/Year-Guessr-Dataset
License: CC BY-SA 4.0.
Label: the year of construction.
Split: the published train.csv, valid.csv and test.csv.
"""

_HOW_YEARGUESSR = (
    "Download the files of https://huggingface.co/datasets/Morris0401/Year-Guessr-Dataset: the "
    "folder must have train.csv, valid.csv and test.csv, or a folder csv with them, and the images."
)
_IMAGE_COLUMNS = ("image", "picture", "image_path", "image_name", "file_name", "file", "path")
_YEAR_COLUMNS = ("year", "label")


def load_yearguessr(
    folder: StrPath,
    *,
    image: str | None = None,
    year: str | None = None,
    on_missing: OnError = "raise",
) -> Bunch:
    """Load YearGuessr: photographs of buildings and the year of their construction.

    The three tables are published, but the names of their columns are not documented. Common names
    are recognized in upper and lower case; pass others as `image` and `year`. Images are searched
    at the path in the table, relative to `folder`, and then by name anywhere below it.

    Parameters
    ----------
    folder : str or Path
        The folder with ``train.csv``, ``valid.csv`` and ``test.csv``, or with a folder ``csv`` that
        contains them.
    image, year : str, default=None
        The columns of the image files and of the years. None looks for common names.
    on_missing : {"raise", "skip"}, default="raise"
        As in :func:`load_folder`.

    Returns
    -------
    data : Bunch
        ``paths``, ``y`` (years), ``groups`` and ``folds`` (None), ``split`` ("train", "valid"
        and "test") and ``DESCR`` as in :func:`load_folder`.

    Raises
    ------
    FileNotFoundError
        If the folder, a table or a listed image does not exist.
    ValueError
        If the column of the images or of the years is not recognized.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sknumclip.datasets import load_yearguessr
    >>> folder = Path(tempfile.mkdtemp())
    >>> for split, built in [("train", 1887), ("valid", 1931), ("test", 1250)]:
    ...     Image.new("RGB", (8, 8)).save(folder / f"{built}.jpg")
    ...     _ = (folder / f"{split}.csv").write_text(f"Image,Year\\n{built}.jpg,{built}\\n")
    >>> data = load_yearguessr(folder)
    >>> data.y, data.split
    (array([1887, 1931, 1250]), array(['train', 'valid', 'test'], dtype=object))
    """
    folder = check_folder(folder, "YearGuessr", _HOW_YEARGUESSR)
    tables = folder / "csv" if (folder / "csv").is_dir() else folder
    parts = []
    for split in ("train", "valid", "test"):
        file = tables / f"{split}.csv"
        columns = [name for name in (image, year) if name]
        rows = read_table(file, columns, _HOW_YEARGUESSR)
        names = image or _column(rows, _IMAGE_COLUMNS, "image", file)
        paths = image_paths(rows, names, folder, file)
        years = rows[year or _column(rows, _YEAR_COLUMNS, "year", file)]
        parts.append(pd.DataFrame({"path": paths, "y": years, "split": split}))
    table = pd.concat(parts, ignore_index=True)
    table["path"] = _locate(table["path"], folder)
    return as_bunch(table, tables, _YEARGUESSR, on_missing)


def _column(table, names, parameter, file):
    """Return the first column of the table with one of the names, ignoring case."""
    by_name = {str(column).lower(): column for column in reversed(table.columns)}
    found = [by_name[name] for name in names if name in by_name]
    if not found:
        raise ValueError(
            f"{file} has no column that is recognized as the {parameter}; its columns are "
            f"{list(table.columns)}. Pass the name of the right one as {parameter}=."
        )
    return found[0]


def _locate(paths, folder):
    """Return the path of each file: as given, or found by name anywhere below the folder."""
    if all(path.is_file() for path in paths):
        return paths
    found = images_by_stem(folder)
    return [path if path.is_file() else found.get(stem_of(path), path) for path in paths]
