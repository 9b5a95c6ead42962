"""Loaders of photo data sets: Historical Color Images and Image Aesthetics."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import Bunch

from .._typing import OnError, RandomState, StrPath
from .._warnings import warn_user
from ..bins import LinguisticBins
from ._tables import as_bunch, check_folder, images_below, images_by_stem, read_table, some

__all__ = ["load_historical_color", "load_image_aesthetics"]

_DECADES = (1930, 1940, 1950, 1960, 1970)
_PHOTOS_PER_DECADE = 265

_HISTORICAL_COLOR = """
Historical Color Images, the Decade Database: 1,325 color photographs, 265 for each decade from
the 1930s to the 1970s.

Paper: F. Palermo, J. Hays, A. A. Efros. Dating Historical Color Images. ECCV 2012.
Source: http://graphics.cs.cmu.edu/projects/historicalColor/
    (HistoricalColor-ECCV2012-DecadeDatabase.tar)
Terms: for research; the photographs are from Flickr and remain with their owners.
Label: the middle of the decade in years (1935 ... 1975). The field reports the mean absolute
    error in decades: divide one in years by 10.
Folds: none are published, so `folds` are drawn here, stratified by decade. The usual protocol
    also draws at random: ten times 210 photographs per decade to train, 5 to validate and 50
    to test.
"""

_HOW_HISTORICAL_COLOR = (
    "Unpack HistoricalColor-ECCV2012-DecadeDatabase.tar from "
    "http://graphics.cs.cmu.edu/projects/historicalColor/ and pass its folder: somewhere below it "
    "are the folders 1930s, 1940s, 1950s, 1960s and 1970s."
)

_IMAGE_AESTHETICS = """
Image Aesthetics (Beauty, ICWSM 2015): ratings of the beauty of Flickr photographs in the
categories nature, animals, urban and people, each by at least five people.

Paper: R. Schifanella, M. Redi, L. M. Aiello. An Image is Worth More than a Thousand Favorites:
    Surfacing the Hidden Beauty of Flickr Pictures. ICWSM 2015, arXiv 1505.03358.
Source: http://www.di.unito.it/~schifane/dataset/beauty-icwsm15/ (the ratings, by Flickr
    identifier; the photographs themselves come from Flickr)
Terms: each photograph has the Creative Commons license that its owner gave it on Flickr.
Label: the median of the ratings from 1 (unacceptable) to 5 (exceptional); a median between two
    grades counts as the lower one.
Folds: none are published. The usual protocol is five random folds within each category.
"""

_HOW_IMAGE_AESTHETICS = (
    "Get beauty-icwsm15-dataset.tsv from http://www.di.unito.it/~schifane/dataset/beauty-icwsm15/ "
    "into the folder, and the photographs from Flickr into it or folders below it, named by their "
    "Flickr identifiers, such as nature/3277456063.jpg."
)


def load_historical_color(
    folder: StrPath, *, n_folds: int = 10, random_state: RandomState = 0
) -> Bunch:
    """Load the Historical Color Images: photographs and the decade in which they were taken.

    The decade is the name of an image's folder, ``1930s`` ... ``1970s``, or the start of its file
    name, such as ``1930s_decade_0b9a.jpg``.

    Parameters
    ----------
    folder : str or Path
        The unpacked archive, or any folder above the images.
    n_folds : int, default=10
        Number of folds to draw, stratified by decade; none are published.
    random_state : int, RandomState instance or None, default=0
        For drawing the folds. The default gives the same folds on every machine.

    Returns
    -------
    data : Bunch
        ``paths``, ``y`` (the middle of the decade in years), ``groups`` (None), ``folds``,
        ``split`` (None) and ``DESCR`` as in :func:`load_folder`, and

        bins : LinguisticBins
            The five decades.
        classes : ndarray of shape (5,)
            The possible values of `y`.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    ValueError
        If a decade has no images.

    Examples
    --------
    >>> import tempfile, warnings
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sknumclip.datasets import load_historical_color
    >>> folder = Path(tempfile.mkdtemp())
    >>> for decade in ("1930s", "1940s", "1950s", "1960s", "1970s"):
    ...     (folder / decade).mkdir()
    ...     for i in range(2):
    ...         Image.new("RGB", (8, 8)).save(folder / decade / f"{i}.jpg")
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # that these are not 265 per decade
    ...     data = load_historical_color(folder, n_folds=2)
    >>> data.y
    array([1935, 1935, 1945, 1945, 1955, 1955, 1965, 1965, 1975, 1975])
    >>> data.bins.descriptions
    ('1930s', '1940s', '1950s', '1960s', '1970s')
    """
    folder = check_folder(folder, "Historical Color Images", _HOW_HISTORICAL_COLOR)
    dated = [(path, _decade_of(path)) for path in images_below(folder)]
    table = pd.DataFrame(
        [(path, decade + 5) for path, decade in dated if decade], columns=["path", "y"]
    )
    counts = {decade: int((table["y"] == decade + 5).sum()) for decade in _DECADES}
    if not all(counts.values()):
        lacking = [f"{decade}s" for decade, count in counts.items() if not count]
        raise ValueError(f"{folder} has no images of the {some(lacking)}. {_HOW_HISTORICAL_COLOR}")
    if set(counts.values()) != {_PHOTOS_PER_DECADE}:
        warn_user(
            f"The dataset has {_PHOTOS_PER_DECADE} images per decade; {folder} has {counts}.",
        )
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=random_state)
    table["fold"] = 0
    for fold, (_, test) in enumerate(folds.split(table, table["y"])):
        table.loc[test, "fold"] = fold
    return as_bunch(
        table,
        folder,
        _HISTORICAL_COLOR,
        bins=LinguisticBins.from_preset("decade"),
        classes=np.array(_DECADES) + 5,
    )


def _decade_of(path):
    """Return the first year of a file's decade, None if it has none."""
    match = re.match(r"(19[3-7]0)s$", path.parent.name) or re.match(r"(19[3-7]0)s_", path.name)
    return int(match[1]) if match else None


def load_image_aesthetics(
    folder: StrPath, csv: StrPath = "beauty-icwsm15-dataset.tsv", *, on_missing: OnError = "raise"
) -> Bunch:
    """Load the Image Aesthetics dataset: Flickr photographs and the median of their ratings.

    The photographs may be anywhere below the folder, named by their Flickr identifiers with any
    image suffix. Many are no longer on Flickr: pass ``on_missing="skip"`` to leave them out.

    Parameters
    ----------
    folder : str or Path
        The folder of the photographs.
    csv : str or Path, default="beauty-icwsm15-dataset.tsv"
        The tab-separated table of ratings, relative to `folder` or absolute, with the columns
        ``#flickr_photo_id``, ``category`` and ``beauty_scores`` (such as ``3,4,4,5,2``).
    on_missing : {"raise", "skip"}, default="raise"
        As in :func:`load_folder`.

    Returns
    -------
    data : Bunch
        ``paths``, ``y`` (grades, 1 to 5), ``groups``, ``folds`` and ``split`` (None) and
        ``DESCR`` as in :func:`load_folder`, and

        category : ndarray of shape (n_samples,), dtype object
            "nature", "animals", "urban" or "people". The paper reports them separately.
        bins : LinguisticBins
            The five grades with descriptions.
        classes : ndarray of shape (5,)
            The grades.

    Raises
    ------
    FileNotFoundError
        If the folder, the table or a listed photograph does not exist.
    ValueError
        If the table lacks a column or has ratings other than 1 to 5.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sknumclip.datasets import load_image_aesthetics
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (8, 8)).save(folder / "3277456063.jpg")
    >>> ratings = "#flickr_photo_id\\tcategory\\tbeauty_scores\\n3277456063\\tnature\\t3,4,4,5,2\\n"
    >>> _ = (folder / "beauty-icwsm15-dataset.tsv").write_text(ratings)
    >>> load_image_aesthetics(folder).y
    array([4])
    """
    folder = check_folder(folder, "Image Aesthetics", _HOW_IMAGE_AESTHETICS)
    columns = ["#flickr_photo_id", "category", "beauty_scores"]
    rows = read_table(folder / csv, columns, _HOW_IMAGE_AESTHETICS, sep="\t")
    found = images_by_stem(folder)
    table = pd.DataFrame(
        {
            "path": [found.get(i, folder / f"{i}.jpg") for i in rows["#flickr_photo_id"]],
            "y": [_median_grade(scores, folder / csv) for scores in rows["beauty_scores"]],
            "category": rows["category"],
        }
    )
    return as_bunch(
        table,
        folder / csv,
        _IMAGE_AESTHETICS,
        on_missing,
        bins=LinguisticBins.from_preset("aesthetics"),
        classes=np.arange(1, 6),
    )


def _median_grade(scores, source):
    """Return the median of grades like "3,4,4,5,2", rounded down."""
    grades = str(scores).split(",")
    if not set(grades) <= set("12345"):
        raise ValueError(
            f"beauty_scores in {source} must be grades from 1 to 5, separated by commas. "
            f"Got {scores!r}."
        )
    return int(np.median([int(grade) for grade in grades]))
