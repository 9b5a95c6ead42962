"""Loaders of face data sets with ages: UTKFace, FG-NET, Adience."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from .._typing import OnError, StrPath
from .._warnings import warn_user
from ..bins import LinguisticBins
from ._tables import (
    as_bunch,
    check_folder,
    image_paths,
    images_below,
    images_by_stem,
    read_table,
    some,
)

__all__ = ["load_adience", "load_fgnet", "load_utkface"]

_UTKFACE = """
UTKFace: more than 20,000 faces, 0 to 116 years old.

Paper: Z. Zhang, Y. Song, H. Qi. Age Progression/Regression by Conditional Adversarial
    Autoencoder. CVPR 2017.
Source: https://susanqq.github.io/UTKFace/
Terms: non-commercial research only; the images remain with their owners and may not be passed on.
Label: the age in years. No identities are published, so that the same person may be in a training
    and in a test part.
"""

_HOW_UTKFACE = (
    "Get the aligned and cropped faces from https://susanqq.github.io/UTKFace/: files such as "
    "26_0_2_20170104023102422.jpg.chip.jpg (age_gender_race_date)."
)

_FGNET = """
FG-NET: 1,002 photographs of 82 people, 0 to 69 years old.

Paper: G. Panis, A. Lanitis, N. Tsapatsoulis, T. F. Cootes. Overview of Research on Facial Ageing
    Using the FG-NET Ageing Database. IET Biometrics 2016.
Source: http://yanweifu.github.io/FG_NET_data/FGNET.zip
Terms: private photographs, for research.
Label: the age in years. Groups: the person. Folds: leave one person out.
"""

_HOW_FGNET = (
    "Unpack http://yanweifu.github.io/FG_NET_data/FGNET.zip and pass its folder images: files "
    "such as 001A02.JPG (person 1, 2 years old)."
)
_N_FGNET = 1002

_ADIENCE = """
Adience: faces from Flickr in eight groups of age.

Paper: E. Eidinger, R. Enbar, T. Hassner. Age and Gender Estimation of Unfiltered Faces. IEEE
    Transactions on Information Forensics and Security 2014.
Source: https://talhassner.github.io/home/projects/Adience/Adience-data.html (asks for a name and
    an address)
Terms: for research; the photographs have the Creative Commons licenses that their owners gave
    them on Flickr.
Label: the number of the group, 0 to 7 (0-2, 4-6, 8-13, 15-20, 25-32, 38-43, 48-53 and 60-100
    years). Groups: the Flickr user. Folds: the five published ones, each user in one of them.
"""

_HOW_ADIENCE = (
    "Get fold_0_data.txt ... fold_4_data.txt and aligned.tar.gz (or faces.tar.gz) from "
    "https://talhassner.github.io/home/projects/Adience/Adience-data.html and unpack them into one "
    "folder."
)
_ADIENCE_AGES = ((0, 2), (4, 6), (8, 13), (15, 20), (25, 32), (38, 43), (48, 53), (60, 100))
_ADIENCE_PREFIX = {"aligned": "landmark_aligned_face", "faces": "coarse_tilt_aligned_face"}


def load_utkface(folder: StrPath, *, on_missing: OnError = "raise") -> Bunch:
    """Load UTKFace: faces whose file names give the age.

    With a ``labels.csv`` in the folder, that table is read instead of the file names; its columns
    are ``file`` and ``age`` and, where known, ``gender``, ``race`` and ``split``.

    Parameters
    ----------
    folder : str or Path
        The folder of the faces, which may be in subfolders.
    on_missing : {"raise", "skip"}, default="raise"
        As in :func:`load_folder`, for the images that ``labels.csv`` names.

    Returns
    -------
    data : Bunch
        ``paths``, ``y`` (years), ``groups`` and ``folds`` (None), ``split`` (None without a
        table) and ``DESCR`` as in :func:`load_folder`, and

        gender : ndarray of shape (n_samples,), dtype int
            0 (male), 1 (female), -1 if missing from the file name, as in a few files.
        race : ndarray of shape (n_samples,), dtype int
            0 (White), 1 (Black), 2 (Asian), 3 (Indian), 4 (others), -1 if missing.

    Raises
    ------
    FileNotFoundError
        If the folder, or an image in ``labels.csv``, does not exist.
    ValueError
        If a file name does not start with an age.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sknumclip.datasets import load_utkface
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (8, 8)).save(folder / "26_0_2_20170104023102422.jpg.chip.jpg")
    >>> data = load_utkface(folder)
    >>> data.y, data.gender, data.race
    (array([26]), array([0]), array([2]))
    """
    folder = check_folder(folder, "UTKFace", _HOW_UTKFACE)
    csv = folder / "labels.csv"
    if csv.is_file():
        rows = read_table(csv, ["file", "age"], _HOW_UTKFACE)
        paths = image_paths(rows, "file", folder, csv)
        rows = rows.assign(path=paths).rename(columns={"age": "y"})
        for name in {"gender", "race"} & set(rows):
            rows[name] = rows[name].replace("", -1)
        known = [name for name in ("path", "y", "gender", "race", "split") if name in rows]
        return as_bunch(rows[known], csv, _UTKFACE, on_missing)
    paths = list(images_by_stem(folder).values())
    pattern = r"(?P<y>\d{1,3})_(?:(?P<gender>[01])?_)?(?:(?P<race>[0-4])?_)?\d{8,}"
    table = _parse_names(paths, pattern, folder, _HOW_UTKFACE)
    return as_bunch(table.astype({"gender": int, "race": int}), folder, _UTKFACE)


def _parse_names(paths, pattern, folder, how):
    """Return a table of the paths and of the pattern's groups in their names (-1 if missing)."""
    matches = [re.match(pattern, path.name, flags=re.IGNORECASE) for path in paths]
    odd = [path.name for path, match in zip(paths, matches, strict=True) if match is None]
    if odd or not paths:
        got = f"with unexpected names: {some(odd)}" if odd else "at all"
        raise ValueError(f"{folder} has {len(odd) or 'no'} images {got}. {how}")
    groups = [match.groupdict(default=-1) for match in matches]
    return pd.DataFrame([{"path": p} | g for p, g in zip(paths, groups, strict=True)])


def load_fgnet(folder: StrPath) -> Bunch:
    """Load FG-NET: photographs of people over their lives, with person and age in the file names.

    Parameters
    ----------
    folder : str or Path
        The folder of the images, such as ``FGNET/images``.

    Returns
    -------
    data : Bunch
        ``paths``, ``y`` (years), ``groups`` (the person), ``folds`` (one for each person, since the
        published protocol leaves one person out), ``split`` (None) and ``DESCR`` as in
        :func:`load_folder`.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    ValueError
        If a file name is not like ``001A02.JPG`` or ``001A43a.JPG``.

    Examples
    --------
    >>> import tempfile, warnings
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sknumclip.datasets import load_fgnet
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("001A02.JPG", "001A43a.JPG", "003A35.JPG"):
    ...     Image.new("RGB", (8, 8)).save(folder / name)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # that these are not 1,002
    ...     data = load_fgnet(folder)
    >>> data.y, data.groups, data.folds
    (array([ 2, 43, 35]), array([1, 1, 3]), array([0, 0, 1]))
    """
    folder = check_folder(folder, "FG-NET", _HOW_FGNET)
    pattern = r"(?P<group>\d{3})A(?P<y>\d{2})[a-z]?\.jpe?g$"
    table = _parse_names(images_below(folder), pattern, folder, _HOW_FGNET)
    table = table.astype({"group": int})
    table["fold"] = np.unique(table["group"], return_inverse=True)[1]
    if len(table) != _N_FGNET:
        warn_user(f"FG-NET has {_N_FGNET} images; {folder} has {len(table)}.")
    return as_bunch(table, folder, _FGNET)


def load_adience(
    folder: StrPath,
    *,
    images: Literal["aligned", "faces"] = "aligned",
    on_missing: OnError = "raise",
) -> Bunch:
    """Load Adience: faces in eight age groups, in five folds.

    An age label that equals or lies within one of the eight groups counts as that group. Faces with
    another label (such as ``None``, ``35`` or ``(38, 48)``) are left out, as in the published
    protocol, with a warning that gives their number.

    Parameters
    ----------
    folder : str or Path
        The folder with ``fold_0_data.txt`` ... ``fold_4_data.txt`` and the images.
    images : {"aligned", "faces"}, default="aligned"
        Which images: ``aligned/<user>/landmark_aligned_face.<face>.<image>`` or
        ``faces/<user>/coarse_tilt_aligned_face.<face>.<image>``.
    on_missing : {"raise", "skip"}, default="raise"
        As in :func:`load_folder`.

    Returns
    -------
    data : Bunch
        ``paths``, ``y`` (the number of the group, 0 to 7), ``groups`` (the Flickr user),
        ``folds``, ``split`` (None) and ``DESCR`` as in :func:`load_folder`, and

        bins : LinguisticBins
            The eight age groups, each centered on its number, with descriptions.
        classes : ndarray of shape (8,)
            The numbers of the groups.
        ages : ndarray of shape (8, 2)
            The youngest and the oldest age of each group in years.

    Raises
    ------
    FileNotFoundError
        If the folder, the list of a fold or a listed image does not exist.
    ValueError
        If a list lacks a column.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sknumclip.datasets import load_adience
    >>> folder = Path(tempfile.mkdtemp())
    >>> for fold, age in enumerate(["(0, 2)", "(25, 32)", "(60, 100)", "13", "(4, 6)"]):
    ...     (folder / "aligned" / f"{fold}@N0").mkdir(parents=True)
    ...     face = folder / "aligned" / f"{fold}@N0" / "landmark_aligned_face.1.a.jpg"
    ...     Image.new("RGB", (8, 8)).save(face)
    ...     lines = f"user_id\\toriginal_image\\tface_id\\tage\\n{fold}@N0\\ta.jpg\\t1\\t{age}\\n"
    ...     _ = (folder / f"fold_{fold}_data.txt").write_text(lines)
    >>> data = load_adience(folder)
    >>> data.y, data.folds
    (array([0, 4, 7, 2, 1]), array([0, 1, 2, 3, 4]))
    """
    if images not in _ADIENCE_PREFIX:
        raise ValueError(f"images must be 'aligned' or 'faces'. Got {images!r}.")
    folder = check_folder(folder, "Adience", _HOW_ADIENCE)
    columns = ["user_id", "original_image", "face_id", "age"]
    files = [folder / f"fold_{fold}_data.txt" for fold in range(5)]
    parts = [read_table(file, columns, _HOW_ADIENCE, sep="\t") for file in files]
    rows = pd.concat([part.assign(fold=fold) for fold, part in enumerate(parts)])
    rows["y"] = [_adience_group(age) for age in rows["age"]]
    rows = _leave_out_other_ages(rows)
    names = zip(rows["user_id"], rows["face_id"], rows["original_image"], strict=True)
    table = pd.DataFrame(
        {
            "path": [
                folder / images / user / f"{_ADIENCE_PREFIX[images]}.{face}.{image}"
                for user, face, image in names
            ],
            "y": rows["y"].to_numpy(),
            "group": rows["user_id"].to_numpy(),
            "fold": rows["fold"].to_numpy(),
        }
    )
    return as_bunch(
        table,
        folder,
        _ADIENCE,
        on_missing,
        bins=LinguisticBins(
            descriptions=[f"{low} to {high} years old" for low, high in _ADIENCE_AGES],
            edges=np.arange(9) - 0.5,
        ),
        classes=np.arange(8),
        ages=np.array(_ADIENCE_AGES),
    )


def _adience_group(age):
    """Return the number of the group that "(25, 32)" or "29" lies in, None if there is none."""
    ages = [int(number) for number in re.findall(r"\d+", age)]
    for group, (low, high) in enumerate(_ADIENCE_AGES):
        if ages and low <= min(ages) and max(ages) <= high:
            return group
    return None


def _leave_out_other_ages(rows):
    """Return the rows with an age group, and warn about the others."""
    others = rows["y"].isna()
    if others.any():
        counts = Counter(rows["age"][others]).most_common()
        warn_user(
            f"{others.sum()} of the {len(rows)} faces have an age label outside the eight groups "
            f"and are left out: {some([f'{label} ({n})' for label, n in counts])}.",
        )
    return rows[~others]
