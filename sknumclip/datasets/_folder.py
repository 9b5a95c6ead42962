"""load_folder(): load your own images from a folder and a table of labels."""

from __future__ import annotations

import pandas as pd
from sklearn.utils import Bunch

from .._typing import OnError, StrPath
from ._tables import as_bunch, check_folder, image_paths, read_table

__all__ = ["load_folder"]


def load_folder(
    folder: StrPath,
    csv: StrPath = "labels.csv",
    *,
    image: str = "file",
    label: str = "label",
    group: str | None = None,
    fold: str | None = None,
    split: str | None = None,
    on_missing: OnError = "raise",
) -> Bunch:
    """Load your own images: a folder and a table with one row per image.

    Parameters
    ----------
    folder : str or Path
        The folder of the images.
    csv : str or Path, default="labels.csv"
        The table, relative to `folder` or absolute.
    image : str, default="file"
        The column of the image files, relative to `folder` or absolute.
    label : str, default="label"
        The column of the labels, which are numbers.
    group, fold, split : str, default=None
        The columns, if any, of the identity that images share (for ``GroupKFold``), of the fold (an
        int) and of the part ("train", "test" ...) of each image.
    on_missing : {"raise", "skip"}, default="raise"
        What to do about images that are in the table but not in the folder: raise an error that
        lists them, or leave them out with a warning.

    Returns
    -------
    data : Bunch
        With the attributes

        paths : list of str, length n_samples
            The image files.
        y : ndarray of shape (n_samples,)
            The labels, int if all of them are whole numbers, otherwise float.
        groups : ndarray of shape (n_samples,) or None
            The identities.
        folds : ndarray of shape (n_samples,), dtype int, or None
            The fold that each image is tested in.
        split : ndarray of shape (n_samples,), dtype object, or None
            The name of each image's part.
        DESCR : str
            The source of the data.

    Raises
    ------
    FileNotFoundError
        If the folder, the table or a listed image does not exist.
    ValueError
        If a column is missing, or labels are not finite numbers.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sknumclip.datasets import load_folder
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("cup.png", "jug.png"):
    ...     Image.new("RGB", (8, 8)).save(folder / name)
    >>> _ = (folder / "weights.csv").write_text("file,grams\\ncup.png,180\\njug.png,620\\n")
    >>> data = load_folder(folder, "weights.csv", label="grams")
    >>> [Path(path).name for path in data.paths], data.y
    (['cup.png', 'jug.png'], array([180, 620]))
    """
    how = "It must contain the images and the table that lists them."
    folder = check_folder(folder, "Your folder of images", how)
    names = {"path": image, "y": label, "group": group, "fold": fold, "split": split}
    names = {new: old for new, old in names.items() if old is not None}
    source = folder / csv
    rows = read_table(source, list(names.values()), how)
    columns = {new: rows[old] for new, old in names.items()}
    table = pd.DataFrame(columns | {"path": image_paths(rows, image, folder, source)})
    return as_bunch(table, source, f"Images in {folder}, labeled by {csv}.", on_missing)
