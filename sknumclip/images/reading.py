"""Read one image at a time from files, URLs, arrays or PIL images."""

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Lock

import numpy as np
from PIL import Image, ImageFile, ImageOps

from ..machine.files import file_identity
from .urls import is_url, open_url, url_identity

__all__ = [
    "Images",
    "read_image",
]


class Images:
    """A sequence of images, wherever they are.

    Parameters
    ----------
    items : sequence of str, Path or PIL.Image.Image, or uint8 ndarray of shape (n, h, w, 3)
    """

    are_images = True

    def __init__(self, items):
        self.items = items
        # One PIL image may be in X twice, but two threads cannot decode it at the same time.
        lazy = (item for item in items if isinstance(item, ImageFile.ImageFile))
        self._locks = {} if isinstance(items, np.ndarray) else {id(image): Lock() for image in lazy}

    def __len__(self):
        return len(self.items)

    def label(self, i):
        """Return the path of image `i` as str, or `i` itself where it has none."""
        item = self.items[i]
        return os.fspath(item) if isinstance(item, (str, os.PathLike)) else i

    def name(self, i):
        """Return what to call image `i` in a message."""
        label = self.label(i)
        return label if label and isinstance(label, str) else f"image {i}"

    def identity(self, i):
        """Return a key (str) that changes when the content of image `i` does."""
        item = self.items[i]
        if is_url(item):
            return url_identity(item)
        if isinstance(item, (str, os.PathLike)):
            return file_identity(item)
        pixels = np.asarray(self.read(i))
        digest = hashlib.blake2b(f"{pixels.shape}".encode(), digest_size=20)
        digest.update(np.ascontiguousarray(pixels))
        return digest.hexdigest()

    def identities(self, indices):
        """Return the keys of images (list of str or None), None for one that cannot be read."""
        with ThreadPoolExecutor(32) as pool:  # object stores take their time for each
            any_url = any(is_url(self.items[i]) for i in indices)
            return list((pool.map if any_url else map)(self._identity_or_none, indices))

    def add_to(self, digest):
        """Add the identities of all images to a hash."""
        for i, identity in enumerate(self.identities(range(len(self)))):
            # That an image is unreadable is found out later.
            digest.update((identity or self.name(i)).encode("utf-8", "surrogateescape"))

    def embeddings(self, embed):
        """Return what `embed` makes of these images: embeddings, and what cannot be read."""
        return embed(self)

    def _identity_or_none(self, i):
        try:
            return self.identity(i)
        except (OSError, ValueError):
            return None

    def read(self, i, min_side=None):
        """Read image `i`; see :func:`read_image`."""
        with self._locks.get(id(self.items[i]), nullcontext()):
            return read_image(self.items[i], min_side)


def read_image(source, min_side=None):
    """Read one image as upright RGB.

    EXIF orientation is applied, transparency is laid on white, 16-bit greys are scaled to 8 bits,
    and of an animation the first frame is taken.

    Parameters
    ----------
    source : str, Path, PIL.Image.Image or uint8 ndarray of shape (h, w, 3)
        A str may be a URL of an object store.
    min_side : int, default=None
        JPEG files may be decoded at a half, a quarter or an eighth of their size, which takes a
        fraction of the time, as long as both sides keep this many pixels.

    Returns
    -------
    PIL.Image.Image
        Of mode RGB.

    Raises
    ------
    ValueError
        If it is not a readable image; the message says why.
    """
    try:
        image = _open(source, min_side)
    except Exception as error:  # Pillow's readers let errors of every kind through
        raise ValueError(_reason(source, error)) from error
    if 0 in image.size:
        raise ValueError(f"it has no pixels: {image.width} × {image.height}")
    return image


def _open(source, min_side):
    if isinstance(source, np.ndarray):
        return Image.fromarray(source)
    if isinstance(source, Image.Image):
        return _to_rgb(source)
    if not is_url(source) and (reason := _file_problem(source)):
        raise ValueError(reason)
    with Image.open(open_url(source) if is_url(source) else source) as image:
        if image.format == "EPS":
            raise ValueError("PostScript, which is a program, not pixels; convert it to PNG")
        if min_side is not None:
            image.draft(None, (min_side, min_side))
        return _to_rgb(image)


def _file_problem(path):
    try:
        size = os.stat(path).st_size
    except FileNotFoundError:
        return _why_missing(os.fsdecode(path))
    except OSError as error:
        return error.strerror or str(error)
    if not os.path.isfile(path):
        return "a folder, not a file" if os.path.isdir(path) else "not a regular file"
    return None if size else "an empty file (0 bytes)"


def _why_missing(path):
    if re.match(r"[A-Za-z][\w+.-]+:/|data:", path):
        return "a URL, and nothing is downloaded; download it and give the path of the file"
    if path.startswith("~"):
        return "no such file: ~ is not expanded; use os.path.expanduser"
    if os.path.islink(path):
        return f"no such file: a link to {os.readlink(path)}, which does not exist"
    if not path:
        return "no such file: its path is empty"
    return "no such file" if os.path.isabs(path) else f"no such file in {os.getcwd()}"


def _reason(source, error):
    """Say in words why an image cannot be read, with a next step where there is one."""
    if isinstance(error, Image.DecompressionBombError):
        return (
            f"too many pixels: {error} If you trust it, raise Pillow's limit: "
            f"PIL.Image.MAX_IMAGE_PIXELS, now {Image.MAX_IMAGE_PIXELS}"
        )
    if isinstance(error, Image.UnidentifiedImageError):
        with open_url(source) if is_url(source) else open(source, "rb") as file:
            start = file.read(16)
        if start[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc", b"ftypmsf1"):
            return (
                "HEIC, which Pillow reads with a plugin only: pip install pillow-heif, then call "
                "pillow_heif.register_heif_opener()"
            )
        return f"not an image of a kind that Pillow knows; it begins with {start!r}"
    own_words = type(error) is ValueError and str(error)
    return str(error) if own_words else f"{type(error).__name__}: {error}"


def _to_rgb(image):
    image.load()
    try:
        image = ImageOps.exif_transpose(image)
    except Exception as error:  # of every kind, again
        raise ValueError(
            f"its EXIF block is broken ({error}), so nobody knows which side is up; save it anew"
        ) from error
    if image.mode in ("F", "I"):
        raise ValueError(
            f"its pixels are {'floats' if image.mode == 'F' else '32-bit integers'}, whose white "
            "is unknown; convert it to 8 bits"
        )
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
