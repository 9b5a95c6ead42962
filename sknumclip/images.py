"""One image at a time: what users call images, reading them, resizing, training views."""

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Lock

import numpy as np
import torch
from PIL import Image, ImageFile, ImageOps
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as tv

from ._device import to_device
from ._urls import is_url, open_url, url_identity

__all__ = [
    "ImageReadError",
    "Images",
    "canvas_size",
    "read_image",
    "resize_image",
    "training_views",
]

_INTERPOLATION = {
    "bicubic": InterpolationMode.BICUBIC,
    "bilinear": InterpolationMode.BILINEAR,
}


class ImageReadError(ValueError):
    """Images cannot be read.

    Parameters
    ----------
    failures : dict of str to str
        What is wrong with each image, by file name or position.
    n_images : int
        How many images there are in all.
    n_failures : int, default=None
        How many of them cannot be read, if more than there are names; the same may come again.
    """

    def __init__(self, failures, n_images, n_failures=None):
        super().__init__(failures, n_images, n_failures)  # all, so that it survives pickling
        self.failures = failures
        self.n_images = n_images
        self.n_failures = len(failures) if n_failures is None else n_failures

    def __str__(self):
        lines = [f"  {_printable(name)}: {why}" for name, why in self.failures.items()]
        if len(lines) > 20:
            lines[20:] = [f"  … and {len(lines) - 20} more, all in the `failures` attribute"]
        different = len(self.failures)
        return (
            f"{self.n_failures} of {self.n_images} images in X cannot be read"
            + (f", {different} different ones" if different < self.n_failures else "")
            + ":\n"
            + "\n".join(lines)
            + "\nRemove or replace them, or leave them out with on_error='skip'."
        )


class Images:
    """A sequence of images, wherever they are.

    Parameters
    ----------
    items : sequence of str, Path or PIL.Image.Image, or uint8 ndarray of shape (n, h, w, 3)
    """

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
            path = os.path.abspath(item)
            state = os.stat(path)
            return f"{path}\0{state.st_size}\0{state.st_mtime_ns}"
        pixels = np.asarray(self.read(i))
        digest = hashlib.blake2b(f"{pixels.shape}".encode(), digest_size=20)
        digest.update(np.ascontiguousarray(pixels))
        return digest.hexdigest()

    def identities(self, indices):
        """Return the keys of images (list of str or None), None for one that cannot be read."""
        with ThreadPoolExecutor(32) as pool:  # object stores take their time for each
            any_url = any(is_url(self.items[i]) for i in indices)
            return list((pool.map if any_url else map)(self._identity_or_none, indices))

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


def resize_image(image, preprocessing, scale=1.0):
    """Resize as the checkpoint wants it, onto a canvas of `scale` times its size.

    Parameters
    ----------
    image : PIL.Image.Image
    preprocessing : Preprocessing
    scale : float, default=1.0
        The paper trains on crops of 224 from a canvas of 256: a scale of 8 / 7.

    Returns
    -------
    uint8 ndarray of shape (3, height, width)
    """
    height, width = canvas_size(preprocessing, scale)
    if preprocessing.resize_mode == "shortest":
        image = _without_far_ends(image)
    factors = (height / image.height, width / image.width)
    if preprocessing.resize_mode == "squash":
        new_size = [height, width]
    else:
        factor = max(factors) if preprocessing.resize_mode == "shortest" else min(factors)
        round_ = int if preprocessing.resize_mode == "shortest" else round
        # The side that fits must fit exactly; the other must not vanish.
        new_size = [
            fit if own_factor == factor else max(1, round_(side * factor))
            for fit, own_factor, side in zip(
                (height, width), factors, (image.height, image.width), strict=True
            )
        ]
    image = tv.resize(image, new_size, _INTERPOLATION[preprocessing.interpolation])
    if preprocessing.resize_mode == "longest":
        left, top = (width - image.width) // 2, (height - image.height) // 2
        canvas = Image.new("RGB", (width, height), (preprocessing.fill_color,) * 3)
        canvas.paste(image, (left, top))
        image = canvas
    image = tv.center_crop(image, [height, width])
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def _without_far_ends(image):
    """Cut a very long image down to its middle, which is all that its canvas will show.

    Resized as it is, one of 1 × 20000 pixels would take gigabytes.
    """
    longest = 16 * min(image.size)
    if max(image.size) <= longest:
        return image
    left, top = (max(0, side - longest) // 2 for side in image.size)
    return image.crop((left, top, image.width - left, image.height - top))


def canvas_size(preprocessing, scale=1.0):
    """Height and width in pixels of what :func:`resize_image` returns."""
    return tuple(round(side * scale) for side in preprocessing.size)


def training_views(canvases, size, generator, places=None, batch_size=None):
    """Cut a random crop from each canvas and mirror half of them (Section 4.1 of the paper).

    Parameters
    ----------
    canvases : uint8 Tensor of shape (n, 3, H, W)
    size : tuple of int
        Height and width of the crops.
    generator : torch.Generator
        On the CPU, so that every device sees the same views.
    places : int ndarray of shape (n,), default=None
        Where the canvases are in a batch of `batch_size`, of which others have the rest. Views
        are drawn for all of it, so that they do not depend on who has what.
    batch_size : int, default=None

    Returns
    -------
    uint8 Tensor of shape (n, 3, height, width)
    """
    n, _, *canvas = canvases.shape
    n_drawn, drawn = (n, slice(None)) if places is None else (batch_size, places)
    device = canvases.device

    def positions(axis):
        start = torch.randint(canvas[axis] - size[axis] + 1, (n_drawn, 1), generator=generator)
        return start[drawn] + torch.arange(size[axis])

    rows, columns = positions(0), positions(1)
    mirrored = torch.rand(n_drawn, 1, generator=generator)[drawn] < 0.5
    columns = torch.where(mirrored, columns.flip(1), columns)
    samples = torch.arange(n, device=device)[:, None, None]
    rows, columns = to_device(rows, device)[:, :, None], to_device(columns, device)[:, None, :]
    # Indexing puts the channels last; the towers want them second.
    return canvases.permute(0, 2, 3, 1)[samples, rows, columns].permute(0, 3, 1, 2).contiguous()


def _printable(name):
    return name if name.isprintable() else repr(name)  # an encoding of old, a line break


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
