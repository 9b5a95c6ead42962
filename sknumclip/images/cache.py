"""Caches for decoded canvases and for embeddings, in memory or in a folder."""

import contextlib
import hashlib
import tempfile
import weakref
from pathlib import Path
from threading import Lock

import filelock
import numpy as np
import PIL
import torch

from .. import __version__
from ..machine.files import naming_cache_folder, with_checksum, without_checksum, write_whole
from ..machine.memory import free_memory
from ..machine.recent import RecentlyUsed

__all__ = [
    "EMBEDDINGS",
    "CanvasFolder",
    "CanvasMemory",
    "Embeddings",
    "NoCanvases",
    "NoEmbeddings",
    "canvas_cache",
]

MAX_CACHED_BYTES = 512 * 2**20
_VERSIONS = f"{__version__} {PIL.__version__} {torch.__version__}"


class _Promised:
    """Total bytes of all canvas arrays: Linux counts memory as used only once it is filled."""

    def __init__(self):
        self._lock = Lock()
        self.n_bytes = 0

    def add(self, n_bytes):
        with self._lock:
            self.n_bytes += n_bytes


_PROMISED = _Promised()


class CanvasMemory:
    """Cache of canvases in one array in memory, a row for each index in `different`."""

    def __init__(self, different, shape):
        self._rows = {i: row for row, i in enumerate(different.tolist())}
        self._canvases = np.zeros((len(different), *shape), dtype=np.uint8)
        _PROMISED.add(self._canvases.nbytes)
        weakref.finalize(self, _PROMISED.add, -self._canvases.nbytes)
        self._filled = np.zeros(len(different), dtype=bool)

    def get(self, i):
        row = self._rows[i]
        return self._canvases[row] if self._filled[row] else None

    def put(self, i, canvas):
        row = self._rows[i]
        self._canvases[row] = canvas
        self._filled[row] = True


class CanvasFolder:
    """Cache of canvases, one file each, named by image, resizing and library versions."""

    def __init__(self, folder, images, shape, recipe):
        self.folder = Path(folder)
        self._images = images
        self._shape = shape
        self._recipe = f"{recipe} {__version__} {PIL.__version__}"
        self._names = {}

    def _file(self, i):
        # Computed once, before reading the image, so that a cached canvas is never older than its
        # name.
        if i not in self._names:
            key = f"{self._images.identity(i)}\0{self._recipe}".encode("utf-8", "surrogateescape")
            self._names[i] = hashlib.blake2b(key, digest_size=20).hexdigest()
        name = self._names[i]
        return self.folder / name[:2] / f"{name}.raw"

    def get(self, i):
        try:
            content = np.fromfile(self._file(i), dtype=np.uint8)
        except (OSError, ValueError):  # not cached yet, or no longer readable
            return None
        canvas = without_checksum(content)
        # Decode again if the file is damaged, for example by a power failure.
        is_whole = canvas is not None and canvas.size == np.prod(self._shape)
        return canvas.reshape(self._shape) if is_whole else None

    def put(self, i, canvas):
        with naming_cache_folder(self.folder):
            write_whole(self._file(i), with_checksum(canvas.tobytes()))


class NoCanvases:
    """Cache of canvases that keeps nothing."""

    def get(self, i):
        return None

    def put(self, i, canvas):
        pass


def canvas_cache(cache, images, different, shape, recipe, n_sharing):
    """Return the cache for the canvases of `images`; the parameters are those of CanvasStore.

    `different` are the indices (ndarray of int, increasing) of images that repeat no earlier one.
    """
    if cache is None:
        return NoCanvases()
    needed = len(different) * np.prod(shape) + _PROMISED.n_bytes
    fits = needed < free_memory() / 2 / n_sharing
    if cache == "memory" or (cache == "auto" and fits):
        return CanvasMemory(different, shape)
    if cache != "auto":
        return CanvasFolder(cache, images, shape, recipe)
    folder = tempfile.TemporaryDirectory(prefix="sknumclip-")
    store = CanvasFolder(folder.name, images, shape, recipe)
    store.owner = folder  # removed together with the cache
    return store


# A frozen tower has not seen labels, so folds and candidates of a search may share embeddings.
EMBEDDINGS = RecentlyUsed(MAX_CACHED_BYTES)


class NoEmbeddings:
    """Cache of embeddings that keeps nothing."""

    def get(self, name):
        return None

    def put(self, name, row):
        pass

    def lock(self):
        """Return a context that does nothing."""
        return contextlib.nullcontext()


class Embeddings:
    """Cache of embeddings in memory and, with a folder, in one file each, for all processes.

    Parameters
    ----------
    key : str
        Identifies everything that the embeddings depend on besides the image.
    folder : Path or None, default=None
        None keeps them only in memory.
    """

    def __init__(self, key, folder=None):
        self.key = key
        self.folder = folder

    def get(self, name):
        key = f"{self.key} {name}"
        row = EMBEDDINGS.get(key)
        if row is None and self.folder is not None:
            row = self._read(key)
        return row

    def put(self, name, row):
        key = f"{self.key} {name}"
        EMBEDDINGS.put(key, row)
        if self.folder is not None:
            with naming_cache_folder(self.folder):
                write_whole(self._file(key), with_checksum(row.tobytes()))

    def lock(self):
        """Lock for one process at a time, so that no two compute the same embeddings."""
        if self.folder is None:
            return contextlib.nullcontext()
        with naming_cache_folder(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(self.folder / "embeddings.lock")  # released if the process dies

    def _file(self, key):
        key = f"{key}\0{_VERSIONS}".encode("utf-8", "surrogateescape")
        name = hashlib.blake2b(key, digest_size=20).hexdigest()
        return self.folder / name[:2] / f"{name}.embedding"

    def _read(self, key):
        try:
            content = without_checksum(self._file(key).read_bytes())
        except OSError:  # not cached yet
            return None
        if content is None:  # damaged, for example by a power failure
            return None
        row = np.frombuffer(content, dtype=np.float32)
        EMBEDDINGS.put(key, row)
        return row
