"""Features of a frozen image tower, computed once per image."""

from collections import OrderedDict
from threading import Lock

import numpy as np
import torch
from tqdm.auto import tqdm

from ._device import to_device

__all__ = ["clear_embedding_cache", "embed_images"]

MAX_CACHED_BYTES = 512 * 2**20
BATCH_SIZE = 64
CPU_BATCH_SIZE = 16  # as fast there, and less to fill up


class _EmbeddingCache:
    """The most recently used embeddings of this process, by content.

    A frozen tower knows no labels, so folds and candidates of a search may share its output.
    """

    def __init__(self, max_bytes):
        self.max_bytes = max_bytes
        self._rows = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key):
        with self._lock:
            row = self._rows.get(key)
            if row is not None:
                self._rows.move_to_end(key)
            return row

    def put(self, key, row):
        with self._lock:
            if key not in self._rows:
                self._rows[key] = row
                self._bytes += row.nbytes
            while self._bytes > self.max_bytes:
                self._bytes -= self._rows.popitem(last=False)[1].nbytes

    def clear(self):
        with self._lock:
            self._rows.clear()
            self._bytes = 0


_CACHE = _EmbeddingCache(MAX_CACHED_BYTES)


def clear_embedding_cache():
    """Forget the embeddings that this process has kept."""
    _CACHE.clear()


def embed_images(
    encode, store, *, device, on_error, autocast_dtype=None, cache_key=None, verbose=0
):
    """Embed images, and only those that are not in the cache.

    All batches are filled up to the same size, because batches of another size round differently:
    features must be the same to the bit whichever of them happen to be in the cache.

    Parameters
    ----------
    encode : callable
        From uint8 Tensor of shape (n, 3, H, W) on `device` to Tensor of shape (n, width).
    store : CanvasStore
    device : torch.device
    on_error : {"raise", "skip"}
    autocast_dtype : torch.dtype or None, default=None
        Precision of `encode`. Weights are cast once for all batches.
    cache_key : str or None, default=None
        What the embeddings depend on besides the image; None uses no cache.
    verbose : int, default=0
        Whether to show a progress bar.

    Returns
    -------
    features : float32 ndarray of shape (n_images, width)
        NaN for images that cannot be read.
    failures : dict of int to str
        What is wrong with those, by index.

    Raises
    ------
    ImageReadError
        If there are any and ``on_error="raise"``. It names them all.
    """
    size = min(len(store), CPU_BATCH_SIZE if device.type == "cpu" else BATCH_SIZE)
    keys = _cache_keys(store.images, cache_key and f"{cache_key} {size}")
    rows = [None if key is None else _CACHE.get(key) for key in keys]
    missing = [i for i, row in enumerate(rows) if row is None]
    chunks = [missing[start : start + size] for start in range(0, len(missing), size)]
    all_failures = {}
    autocast = torch.autocast(device.type, dtype=autocast_dtype, enabled=autocast_dtype is not None)
    bar = tqdm(total=len(missing), unit="image", disable=not verbose, leave=False)
    on_the_way = []  # results that the device has been asked for
    with torch.no_grad(), autocast, bar:
        for indices, canvases, failures in store.batches(chunks):
            all_failures.update(failures)
            bar.update(len(indices) + len(failures))
            # Once it is clear that this ends with an error, only the rest of the list is needed.
            if not len(indices) or (all_failures and on_error == "raise"):
                continue
            features = encode(to_device(torch.from_numpy(_filled_up(canvases, size)), device))
            on_the_way.append((indices, features[: len(indices)]))
            # Every fetch makes a GPU wait for the next batch.
            if device.type == "cpu" or len(on_the_way) == 16:
                _fetch(on_the_way, rows, keys)
        _fetch(on_the_way, rows, keys)
    store.raise_failures(all_failures, on_error)
    if all(row is None for row in rows):
        with torch.no_grad():  # only to see how wide a row is
            blank = torch.zeros((1, *store.shape), dtype=torch.uint8, device=device)
            width = encode(blank).shape[1]
    else:
        width = len(next(row for row in rows if row is not None))
    unread = np.full(width, np.nan, dtype=np.float32)
    return np.stack([unread if row is None else row for row in rows]), all_failures


def _filled_up(canvases, size):
    missing = size - len(canvases)
    return np.pad(canvases, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else canvases


def _fetch(on_the_way, rows, keys):
    for indices, features in on_the_way:
        for i, row in zip(indices, features.float().cpu().numpy(), strict=True):
            rows[i] = row.copy()
            if keys[i] is not None:
                _CACHE.put(keys[i], rows[i])
    on_the_way.clear()


def _cache_keys(images, cache_key):
    if cache_key is None:
        return [None] * len(images)
    return [_cache_key(images, i, cache_key) for i in range(len(images))]


def _cache_key(images, i, cache_key):
    try:
        return f"{cache_key}\0{images.identity(i)}"
    except (OSError, ValueError):  # reading it will tell what is wrong
        return None
