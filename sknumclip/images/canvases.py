"""CanvasStore: decode and resize many images in threads, and cache the canvases."""

import copy
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from ..exceptions import ImageReadError
from ..machine.memory import usual_threads
from ..machine.processes import ONE_PROCESS
from ..machine.progress import progress_bar
from .cache import canvas_cache
from .resizing import canvas_size, resize_image

__all__ = ["CanvasStore"]


class _Unreadable(Exception):
    """Raised with the reason if an image cannot be read."""


class CanvasStore:
    """Canvases of images, decoded in threads and cached.

    Parameters
    ----------
    images : Images
    preprocessing : Preprocessing
    scale : float, default=1.0
        See :func:`resize_image`.
    cache : {"auto", "memory"}, str, Path or None, default=None
        Where to keep canvases: in memory, in a folder, or nowhere. ``"auto"``: in memory if they
        take less than half of the free memory, else in a temporary folder.
    num_workers : int or "auto", default="auto"
        Threads that decode; ``"auto"`` is one per core, or in a joblib worker process as many as
        joblib allows. Pillow releases Python's global lock while decoding, so threads are enough.
    n_sharing : int, default=1
        Number of processes like this one that share the memory and the cores.
    """

    def __init__(
        self, images, preprocessing, *, scale=1.0, cache=None, num_workers="auto", n_sharing=1
    ):
        self.images = images
        self.preprocessing = preprocessing
        self.scale = scale
        self.shape = (3, *canvas_size(preprocessing, scale))
        n_threads = max(1, usual_threads() // n_sharing)
        self.num_workers = n_threads if num_workers == "auto" else num_workers
        # An image that occurs several times is decoded and cached once.
        self.first = images.first_of_each()
        different, recipe = np.unique(self.first), f"{preprocessing} {scale}"
        self.wanted = slice(None)
        self._cache = canvas_cache(cache, images, different, self.shape, recipe, n_sharing)

    def __len__(self):
        return len(self.images)

    def wanting(self, indices):
        """Return this store, but only the images at `indices` are to be embedded."""
        store = copy.copy(self)
        store.wanted = indices
        return store

    def __getitem__(self, i):
        """Return the canvas of image `i`, uint8 ndarray of shape (3, H, W)."""
        i = int(self.first[i])
        canvas = self._cache.get(i)
        if canvas is None:
            pixels = self.images.items[i]
            if isinstance(pixels, np.ndarray) and pixels.shape == (*self.shape[1:], 3):
                return pixels.transpose(2, 0, 1)  # nothing to decode or keep
            try:
                # Decoded at twice the canvas size, a JPEG looks the same after resizing.
                image = self.images.read(i, min_side=2 * max(self.shape[1:]))
                canvas = resize_image(image, self.preprocessing, self.scale)
            except ValueError as error:
                raise _Unreadable(str(error)) from error
            self._cache.put(i, canvas)
        return canvas

    def batches(self, index_batches, *, pinned=False):
        """Decode batches, the next two while the caller uses the current one.

        Parameters
        ----------
        index_batches : iterable of sequences of int
        pinned : bool, default=False
            Whether the canvases are copied to a GPU next, which is faster from pinned memory.

        Yields
        ------
        indices : ndarray of int of shape (n_read,)
            The readable images.
        canvases : uint8 Tensor of shape (n_read, 3, H, W)
        failures : dict of int to str
            Reason for each of the others, by index.
        """
        if self.num_workers == 0:
            for indices in index_batches:
                yield self._read(indices, map, pinned)
            return
        with ThreadPoolExecutor(self.num_workers) as readers, ThreadPoolExecutor(1) as collector:
            ahead = deque()
            for indices in index_batches:
                ahead.append(collector.submit(self._read, indices, readers.map, pinned))
                if len(ahead) > 2:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    def read_all(self, on_error, *, verbose=0, processes=ONE_PROCESS):
        """Read every image once, to fill the cache and to find unreadable images.

        Parameters
        ----------
        on_error : {"raise", "skip"}
        verbose : int, default=0
            Whether to show a progress bar.
        processes : Processes, default=ONE_PROCESS
            The processes that share the work; each gets all results.

        Returns
        -------
        dict of int to str
            Reason for each unreadable image, by index.

        Raises
        ------
        ImageReadError
            If there are any and ``on_error="raise"``. It lists all of them.
        """
        indices = processes.part(np.unique(self.first))
        chunks = np.split(indices, range(64, len(indices), 64))
        failures = {}
        with progress_bar(len(indices), "image", verbose=verbose, desc="reading") as bar:
            for indices, _, failed in self.batches(chunks):
                failures.update(failed)
                bar.update(len(indices) + len(failed))
        failures = {i: why for found in processes.all_objects(failures) for i, why in found.items()}
        failures = self.of_all(failures)
        self.raise_failures(failures, on_error)
        return failures

    def of_all(self, by_first):
        """Extend a dict by index from first occurrences to all images."""
        return {
            i: by_first[first] for i, first in enumerate(self.first.tolist()) if first in by_first
        }

    def raise_failures(self, failures, on_error):
        """Raise ImageReadError for failures (dict of int to str) unless `on_error` is "skip"."""
        if failures and on_error == "raise":
            named = {self.images.name(i): failures[i] for i in sorted(failures)}
            raise ImageReadError(named, len(self), len(failures))

    def _read(self, indices, map_, pinned):
        """Read one batch; `map_` is map, or that of an executor."""
        indices = np.asarray(indices)
        canvases = torch.empty((len(indices), *self.shape), dtype=torch.uint8, pin_memory=pinned)
        rows = canvases.numpy()

        def read_part(places):
            reasons = {k: self._read_into(rows[k], indices[k]) for k in places}
            return {k: reason for k, reason in reasons.items() if reason is not None}

        # Few images per task, since a batch is complete only when its last task is; but more than
        # one, since starting a task takes as long as copying an array.
        parts = [range(start, min(start + 4, len(rows))) for start in range(0, len(rows), 4)]
        failed = {k: reason for part in map_(read_part, parts) for k, reason in part.items()}
        if not failed:
            return indices, canvases, {}
        read = np.setdiff1d(np.arange(len(rows)), list(failed))
        reasons = {int(indices[k]): reason for k, reason in failed.items()}
        return indices[read], canvases[read], reasons

    def _read_into(self, row, i):
        """Copy the canvas of image `i` to `row`, or return the reason why it cannot be read."""
        try:
            row[:] = self[i]
        except _Unreadable as error:
            return str(error)
        return None
