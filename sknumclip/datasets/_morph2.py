"""load_morph2(): load MORPH II by the published split lists of its settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Literal

import pandas as pd
from sklearn.utils import Bunch

from .._typing import OnError, StrPath
from ._tables import as_bunch, check_folder, images_by_stem, read_text, some

__all__ = ["load_morph2"]

_MORPH2 = """
MORPH II (the 2008 non-commercial release): 55,134 police portraits of 13,618 people, 16 to 77
years old.

Paper: K. Ricanek, T. Tesafaye. MORPH: A Longitudinal Image Database of Normal Adult
    Age-Progression. FGR 2006.
Source and terms: the University of North Carolina Wilmington licenses it to researchers; it
    may not be passed on.
Label: the age in years. Groups: the person, from the file name.
"""

_MORPH2_SETTINGS = {
    "A": "Setting A: 5,492 images of people of Caucasian descent, random parts of 80 % and 20 %.",
    "B": "Setting B: about 21,000 images in three disjoint sets with the same shares of sexes "
    "and descents; train on the first or second set, test on the two others.",
    "C": "Setting C: all images in five random folds. The same people are in several folds.",
    "D": "Setting D: all images in five folds, each person in one fold only.",
}

_HOW_MORPH2 = (
    "The images come from the University of North Carolina Wilmington under a license; the split "
    "lists come with the code of papers that use them (such as datalist/morph of "
    "https://github.com/raywang335/L2RCLIP): text files with lines such as '070081_2F36.JPG 36'."
)


def load_morph2(
    folder: StrPath,
    lists: StrPath | Sequence[StrPath] | Mapping[str, StrPath],
    *,
    setting: Literal["A", "B", "C", "D"] | None = None,
    on_missing: OnError = "raise",
) -> Bunch:
    """Load MORPH II by the split lists of one of its settings.

    A line of a list is an image and an age, such as ``070081_2F36.JPG 36``. Images are found by
    name anywhere below the folder, regardless of their suffix and of the folder in the list.

    Parameters
    ----------
    folder : str or Path
        The folder of the images.
    lists : str, Path, sequence of paths or mapping of str to path
        The lists: a folder of ``*.txt`` files or a sequence of files, which become the folds in
        that order (by name for a folder); or a mapping such as
        ``{"train": "ET_proto_train.txt", "test": "ET_proto_val.txt"}``, which becomes the split.
    setting : {"A", "B", "C", "D"}, default=None
        The setting of the lists, for the description. With ``"D"``, it is checked that each person
        is in only one fold.
    on_missing : {"raise", "skip"}, default="raise"
        As in :func:`load_folder`.

    Returns
    -------
    data : Bunch
        ``paths``, ``y`` (years), ``groups`` (the person), ``folds`` or ``split`` (the other is
        None) and ``DESCR`` as in :func:`load_folder`.

    Raises
    ------
    FileNotFoundError
        If the folder, a list or a listed image does not exist.
    ValueError
        If a line cannot be read, an image is in two lists, or a person of setting D in two folds.

    Notes
    -----
    Setting B has three lists and trains on one of the first two:
    ``[(np.flatnonzero(data.folds == k), np.flatnonzero(data.folds != k)) for k in (0, 1)]``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sknumclip.datasets import load_morph2
    >>> folder = Path(tempfile.mkdtemp())
    >>> for i, name in enumerate(["070081_2F36.JPG", "332200_02M32.JPG"]):
    ...     Image.new("RGB", (8, 8)).save(folder / name)
    ...     _ = (folder / f"fold_{i}.txt").write_text(f"image/{name} {name[-6:-4]}\\n")
    >>> data = load_morph2(folder, folder, setting="D")
    >>> data.y, data.groups, data.folds
    (array([36, 32]), array([ 70081, 332200]), array([0, 1]))
    """
    if setting is not None and setting not in _MORPH2_SETTINGS:
        raise ValueError(f"setting must be 'A', 'B', 'C', 'D' or None. Got {setting!r}.")
    folder = check_folder(folder, "MORPH II", _HOW_MORPH2)
    column, files = _name_lists(lists)
    rows = [(part, *row) for part, file in files for row in _read_list(file)]
    found = images_by_stem(folder)
    table = pd.DataFrame(
        {
            "path": [found.get(name.stem.lower(), folder / name.name) for _, name, _ in rows],
            "y": [age for _, _, age in rows],
            "group": [int(name.name.split("_")[0]) for _, name, _ in rows],
            column: [part for part, _, _ in rows],
        }
    )
    twice = table["path"][table["path"].duplicated()]
    if len(twice):
        raise ValueError(f"Images are listed twice: {some([path.name for path in twice])}.")
    if setting == "D":
        _check_people_apart(table, column)
    source = Path(files[0][1]).parent
    return as_bunch(table, source, _MORPH2 + _MORPH2_SETTINGS.get(setting or "", ""), on_missing)


def _name_lists(lists):
    """Return "fold" or "split", and pairs of the name and the file of each part."""
    if isinstance(lists, Mapping):
        column, files = "split", list(lists.items())
    elif isinstance(lists, (str, PathLike)):
        folder = check_folder(lists, "The folder of split lists", _HOW_MORPH2)
        column, files = "fold", list(enumerate(sorted(folder.glob("*.txt"))))
    else:
        column, files = "fold", list(enumerate(lists))
    if not files:
        raise FileNotFoundError(f"There are no split lists in {lists}. {_HOW_MORPH2}")
    return column, files


def _read_list(file):
    """Return pairs of image and age from lines such as "image/070081_2F36.JPG 36"."""
    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f"There is no split list {file}. {_HOW_MORPH2}")
    rows = []
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        match = re.match(r"(.*\b\d+_\d+[MF]\d+\.\w+)\s+(\d+)$", line.strip())
        if match:
            rows.append((Path(match[1]), int(match[2])))
        elif line.strip():
            raise ValueError(
                f"Line {number} of {file} must be a MORPH II image and an age, such as "
                f"'070081_2F36.JPG 36'. Got {line!r}."
            )
    return rows


def _check_people_apart(table, column):
    """Raise ValueError if a person is in two parts."""
    n_parts = table.groupby("group")[column].nunique()
    people = n_parts.index[n_parts > 1]
    if len(people):
        raise ValueError(
            "In setting D each person is in only one list, but these lists share the people "
            f"{some(people)}. Are they the lists of another setting?"
        )
