"""embed_images(): embeddings of a frozen image tower, computed once per image."""

import contextlib

import numpy as np
import torch
import torch.nn.functional as F

from ..machine.device import autocast, to_device
from ..machine.processes import ONE_PROCESS
from ..machine.progress import progress_bar
from .cache import EMBEDDINGS

__all__ = ["clear_embedding_cache", "embed_images"]

BATCH_SIZE = 64
GPU_UNCACHED_BATCH_SIZE = 256  # large enough that running kernels takes longer than launching them
CPU_CACHED_BATCH_SIZE = 32  # hardly slower on a CPU, and needs less padding


def clear_embedding_cache():
    """Delete the embeddings cached in this process's memory."""
    EMBEDDINGS.clear()


def embed_images(
    encode,
    store,
    *,
    device,
    on_error,
    autocast_dtype=None,
    cache=None,
    verbose=0,
    processes=ONE_PROCESS,
):
    """Embed the images that are not in the cache.

    With a cache all batches are padded to the same size, because rounding depends on the batch
    size: embeddings must be bitwise the same whichever of them are already in the cache.

    Parameters
    ----------
    encode : callable
        Takes a uint8 Tensor of shape (n, 3, H, W) on `device`, returns a Tensor of shape
        (n, width).
    store : CanvasStore
    device : torch.device
    on_error : {"raise", "skip"}
    autocast_dtype : torch.dtype or None, default=None
        Precision of `encode`. Weights are cast once for all batches.
    cache : Embeddings, NoEmbeddings or None, default=None
        Where to keep them. With NoEmbeddings, batches have the same size as with a cache.
    verbose : int, default=0
        Whether to show a progress bar.
    processes : Processes, default=ONE_PROCESS
        The processes that share the work; each gets all results.

    Returns
    -------
    features : float32 ndarray of shape (n_images, width)
        Embeddings; NaN for images that cannot be read or are not wanted.
    failures : dict of int to str
        Reason for each unreadable image, by index.

    Raises
    ------
    ImageReadError
        If there are any and ``on_error="raise"``. It lists all of them.
    """
    processes.check_same(len(store), "Numbers of images")
    own = np.intersect1d(processes.part(store.first), store.first[store.wanted]).tolist()
    size, keys = GPU_UNCACHED_BATCH_SIZE if device.type == "cuda" else BATCH_SIZE, {}
    if cache is not None:
        size = CPU_CACHED_BATCH_SIZE if device.type == "cpu" else BATCH_SIZE
        size = size if 2 * len(own) >= size else max(1, len(own))
        # An unreadable image has no identity; reading it later gives the reason.
        identities = zip(own, store.images.identities(own), strict=True)
        keys = {i: f"{size}\0{name}" for i, name in identities if name is not None}
    first = _first_of_equals(own, keys)
    own = sorted(set(first.values()))
    keys = {i: keys[i] for i in own if i in keys}

    def encode_batch(canvases):
        filled = canvases if cache is None else _filled_up(canvases, size)
        return encode(to_device(filled, device))[: len(canvases)]

    def cached(indices):
        return {i: row for i in indices if (row := cache.get(keys[i])) is not None}

    rows = cached(keys)
    # Unrelated processes might do the same work at the same time, so they need a lock.
    is_locked = cache is not None and processes.n == 1 and len(rows) < len(own)
    with cache.lock() if is_locked else contextlib.nullcontext():
        if is_locked:  # another process may have done it meanwhile
            rows.update(cached(keys.keys() - rows.keys()))
        missing = [i for i in own if i not in rows]
        failures = {}
        chunks = [missing[start : start + size] for start in range(0, len(missing), size)]
        bar = progress_bar(len(missing), "image", verbose=verbose, desc="embedding")
        with torch.no_grad(), autocast(device, autocast_dtype), bar:
            for embedded in _embed_batches(
                encode_batch, store, chunks, device, on_error, failures, bar
            ):
                rows.update(embedded)
                for i in embedded.keys() & keys.keys():
                    cache.put(keys[i], embedded[i])
    failures = {i: failures[first[i]] for i in first if first[i] in failures}
    failures = {i: why for found in processes.all_objects(failures) for i, why in found.items()}
    failures = store.of_all(failures)
    store.raise_failures(failures, on_error)
    width = len(next(iter(rows.values()))) if rows else _width(encode, store, device)
    asked_for = processes.part(store.first).tolist()
    features = np.full((len(asked_for), width), np.nan, dtype=np.float32)
    for place, i in enumerate(asked_for):
        if first.get(i) in rows:
            features[place] = rows[first[i]]
    return processes.all_features(features, len(store)), failures


def _first_of_equals(indices, keys):
    """Return the first of the images with the same key, by index: two objects may be alike."""
    by_key = {}
    return {i: by_key.setdefault(keys.get(i, i), i) for i in indices}


def _embed_batches(encode, store, chunks, device, on_error, failures, bar):
    """Yield dicts of embeddings by index; record unreadable images in `failures`."""
    pending = []  # results that the device is still computing
    for read, canvases, failed in store.batches(chunks, pinned=device.type == "cuda"):
        failures.update(failed)
        bar.update(len(read) + len(failed))
        # Once an error is certain, only the list of unreadable images is still needed.
        if not len(read) or (failures and on_error == "raise"):
            continue
        pending.append((read, encode(canvases)))
        # Fetching makes the GPU idle until the next batch, so fetch rarely.
        if device.type == "cpu" or len(pending) == 16:
            yield _fetch(pending)
    yield _fetch(pending)


def _filled_up(canvases, size):
    missing = size - len(canvases)
    return F.pad(canvases, (0, 0, 0, 0, 0, 0, 0, missing)) if missing else canvases


def _fetch(pending):
    rows = {}
    for indices, features in pending:
        for i, row in zip(indices.tolist(), features.float().cpu().numpy(), strict=True):
            rows[i] = row.copy()
    pending.clear()
    return rows


def _width(encode, store, device):
    with torch.no_grad():  # a blank image shows the width
        blank = torch.zeros((1, *store.shape), dtype=torch.uint8, device=device)
        return encode(blank).shape[1]
