"""Images and read_image(): read images from files, URLs, arrays or PIL images."""

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from io import BytesIO
from threading import Lock
from weakref import WeakValueDictionary

import numpy as np
from PIL import Image, ImageOps

from ..machine.files import file_identity
from ..machine.memory import usual_threads
from .grey import black_and_white, check_colors, scale_to_8_bits
from .urls import is_url, open_url, url_identity

__all__ = [
    "Images",
    "read_image",
    "read_thumbnail",
]


class Images:
    """A sequence of images: paths, URLs, PIL images or arrays.

    Parameters
    ----------
    items : sequence of str, Path or PIL.Image.Image, or uint8 ndarray of shape (n, h, w, 3)
    """

    are_images = True

    def __init__(self, items):
        self.items = items
        self._known = {}  # what was found out: hashes by index, files by path

    def __len__(self):
        return len(self.items)

    def label(self, i):
        """Return the path of image `i` as str, or `i` if it has none."""
        item = self.items[i]
        return os.fspath(item) if isinstance(item, (str, os.PathLike)) else i

    def name(self, i):
        """Return the name of image `i` for messages."""
        label = self.label(i)
        return label if label and isinstance(label, str) else f"image {i}"

    def first_of_each(self):
        """Return, for each image, the index of the first one that is the same.

        That is the same file, however its path is written, the same object, or equal pixels.
        """
        self._hash_arrays()
        first, keys = {}, map(self._key, range(len(self)))
        return np.array([first.setdefault(key, i) for i, key in enumerate(keys)], dtype=int)

    def _hash_arrays(self):
        """Hash pixels in memory by threads: one core hashes hardly as fast as a GPU embeds."""
        indices = [i for i in range(len(self)) if isinstance(self.items[i], np.ndarray)]
        if not indices:
            return
        n_threads = usual_threads()
        with ThreadPoolExecutor(n_threads) as pool:
            parts = [indices[k::n_threads] for k in range(n_threads)]
            list(pool.map(lambda part: [self._digest(i) for i in part], parts))

    def _key(self, i):
        item = self.items[i]
        if isinstance(item, np.ndarray):
            return self._digest(i)
        if not isinstance(item, (str, os.PathLike)):
            return id(item)
        path = os.fspath(item)
        if path not in self._known:
            self._known[path] = path if is_url(path) else _file_key(path)
        return self._known[path]

    def _digest(self, i):
        """Return a hash of the pixels of an image that is no file, str."""
        if i not in self._known:
            item = self.items[i]
            pixels = item if isinstance(item, np.ndarray) else np.asarray(self.read(i))
            digest = hashlib.blake2b(f"{pixels.shape}".encode(), digest_size=20)
            digest.update(np.ascontiguousarray(pixels))
            self._known[i] = digest.hexdigest()
        return self._known[i]

    def identity(self, i):
        """Return a key (str) that changes when the content of image `i` does."""
        item = self.items[i]
        if is_url(item):
            return url_identity(item)
        if isinstance(item, (str, os.PathLike)):
            return file_identity(item)
        return self._digest(i)

    def identities(self, indices):
        """Return the keys of images (list of str or None), None for unreadable ones."""
        with ThreadPoolExecutor(32) as pool:  # object stores are slow to answer
            any_url = any(is_url(self.items[i]) for i in indices)
            return list((pool.map if any_url else map)(self._identity_or_none, indices))

    def add_to(self, digest):
        """Add the identities of all images to a hash."""
        for i, identity in enumerate(self.identities(range(len(self)))):
            # Unreadable images are reported later.
            digest.update((identity or self.name(i)).encode("utf-8", "surrogateescape"))

    def embeddings(self, embed):
        """Return the result of `embed` for these images: embeddings and failures."""
        return embed(self)

    def _identity_or_none(self, i):
        try:
            return self.identity(i)
        except (OSError, ValueError):
            return None

    def read(self, i, min_side=None):
        """Read image `i`; see :func:`read_image`."""
        return read_image(self.items[i], min_side)


def _file_key(path):
    """Return what is the same for all paths of a file, or the path if there is no such file."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return path
    return state.st_dev, state.st_ino


_locks: WeakValueDictionary[int, Lock] = WeakValueDictionary()  # by id, while in use
_guard = Lock()
_FILES = Lock()


def _lock_of(thing):
    with _guard:
        return _locks.setdefault(id(thing), Lock())


@contextmanager
def _one_thread_at_a_time(image):
    """Keep other threads from decoding the same PIL image, since decoding changes it."""
    with _lock_of(image), _lock_of_file(image):
        yield


def _lock_of_file(image):
    """Return the lock for the file that an image is still to be read from.

    Two images may share a file. Images in an archive share its position even if each has its own
    file object; only files that Pillow opened itself and bytes in memory are certainly separate.
    """
    file = getattr(image, "fp", None)
    if file is None or image.filename:
        return nullcontext()
    return _lock_of(file) if type(file) is BytesIO else _FILES


def read_image(source, min_side=None):
    """Read one image as upright RGB.

    EXIF orientation is applied, transparency becomes white, grayscale of more than 8 bits is scaled
    by the white level in the file, and only the first frame of an animation is read.

    Parameters
    ----------
    source : str, Path, PIL.Image.Image or uint8 ndarray of shape (h, w, 3)
        A str may be a URL of an object store.
    min_side : int, default=None
        JPEG files may be decoded at a half, a quarter or an eighth of their size, which is much
        faster, as long as both sides keep this many pixels.

    Returns
    -------
    PIL.Image.Image
        In mode RGB.

    Raises
    ------
    ValueError
        If the image cannot be read; the message gives the reason.
    """
    try:
        image = _open(source, min_side)
    except Exception as error:  # Pillow's readers may raise anything
        raise ValueError(_reason(source, error)) from error
    if 0 in image.size:
        raise ValueError(f"it has no pixels: {image.width} × {image.height}")
    return image


def read_thumbnail(source, side):
    """Read one image with :func:`read_image`, at most `side` pixels wide and high."""
    image = read_image(source, side)
    image.thumbnail((side, side))
    return image


def _open(source, min_side):
    if isinstance(source, np.ndarray):
        return Image.fromarray(source)
    if isinstance(source, Image.Image):
        with _one_thread_at_a_time(source):
            return _to_rgb(source)
    if not is_url(source) and (reason := _file_problem(source)):
        raise ValueError(reason)
    with Image.open(open_url(source) if is_url(source) else source) as image:
        if image.format == "EPS":
            raise ValueError("PostScript is a program, not an image; convert it to PNG")
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
        return "a URL, which is not downloaded; download it and pass the path of the file"
    if path.startswith("~"):
        return "no such file: ~ is not expanded; use os.path.expanduser"
    if os.path.islink(path):
        return f"no such file: a link to {os.readlink(path)}, which does not exist"
    if not path:
        return "no such file: its path is empty"
    return "no such file" if os.path.isabs(path) else f"no such file in {os.getcwd()}"


def _reason(source, error):
    """Return the reason why an image cannot be read, with a next step if there is one."""
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
                "HEIC, which Pillow reads only with a plugin: pip install pillow-heif, then call "
                "pillow_heif.register_heif_opener()"
            )
        if start.startswith((b"II*\0", b"MM\0*")):
            return "a kind of TIFF file that Pillow cannot read; convert it to 8 bits"
        return f"not an image format that Pillow knows; it begins with {start!r}"
    is_ours = type(error) is ValueError and str(error)
    return str(error) if is_ours else f"{type(error).__name__}: {error}"


def _to_rgb(image):
    image.load()
    check_colors(image)
    ends = black_and_white(image) if image.mode[0] in "IF" else None
    try:
        image = ImageOps.exif_transpose(image)
    except Exception as error:  # Pillow may raise anything here, too
        raise ValueError(
            f"broken EXIF data ({error}): the orientation is unknown; re-save the image"
        ) from error
    if ends is not None:
        image = scale_to_8_bits(image, *ends)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
