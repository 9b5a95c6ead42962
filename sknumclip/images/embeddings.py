"""Features of a frozen image tower, computed once per image."""

import contextlib

import numpy as np
import torch
from tqdm.auto import tqdm

from ..machine.device import autocast, to_device
from ..machine.processes import ONE_PROCESS
from .cache import EMBEDDINGS, EmbeddingFolder, NoEmbeddings

__all__ = ["clear_embedding_cache", "embed_images"]

BATCH_SIZE = 64
GPU_UNCACHED_BATCH_SIZE = 256  # so that launching kernels takes less time than running them
CPU_CACHED_BATCH_SIZE = 32  # hardly slower there, and less to fill up


def clear_embedding_cache():
    """Forget the embeddings that this process has kept."""
    EMBEDDINGS.clear()


def embed_images(
    encode,
    store,
    *,
    device,
    on_error,
    autocast_dtype=None,
    cache_key=None,
    cache_folder=None,
    keeps=True,
    verbose=0,
    processes=ONE_PROCESS,
):
    """Embed images, and only those that are not in the cache.

    With a cache all batches are filled up to the same size, because batches of another size round
    differently: features must be the same to the bit whichever of them happen to be in the cache.

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
    cache_folder : Path or None, default=None
        Where to keep them besides memory, for other processes.
    keeps : bool, default=True
        Whether there is a cache; if not, batches are still those that fill one.
    verbose : int, default=0
        Whether to show a progress bar.
    processes : Processes, default=ONE_PROCESS
        Those that share the work; all get everything.

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
    processes.check_same(len(store), "Numbers of images")
    own = np.unique(processes.part(store.first)).tolist()
    cache = EmbeddingFolder(cache_folder) if keeps else NoEmbeddings()
    cache = None if cache_key is None else cache
    size, keys = GPU_UNCACHED_BATCH_SIZE if device.type == "cuda" else BATCH_SIZE, {}
    if cache is not None:
        size = CPU_CACHED_BATCH_SIZE if device.type == "cpu" else BATCH_SIZE
        size = size if 2 * len(own) >= size else max(1, len(own))
        # An image that cannot be read has none; reading it will tell what is wrong.
        identities = zip(own, store.images.identities(own), strict=True)
        keys = {i: f"{cache_key} {size}\0{name}" for i, name in identities if name is not None}
    first = _first_of_equals(own, keys)
    own = sorted(set(first.values()))
    keys = {i: keys[i] for i in own if i in keys}

    def encode_batch(canvases):
        filled = canvases if cache is None else _filled_up(canvases, size)
        return encode(to_device(torch.from_numpy(filled), device))[: len(canvases)]

    def cached(indices):
        return {i: row for i in indices if (row := cache.get(keys[i])) is not None}

    rows = cached(keys)
    # Processes that share the work do not do the same work; others might.
    is_locked = cache is not None and processes.n == 1 and len(rows) < len(own)
    with cache.lock() if is_locked else contextlib.nullcontext():
        if is_locked:  # somebody may have done it meanwhile
            rows.update(cached(keys.keys() - rows.keys()))
        missing = [i for i in own if i not in rows]
        failures = {}
        chunks = [missing[start : start + size] for start in range(0, len(missing), size)]
        bar = tqdm(total=len(missing), unit="image", disable=not verbose, leave=False)
        with torch.no_grad(), autocast(device, autocast_dtype), bar:
            for embedded in _embed_batches(
                encode_batch, store, chunks, device, on_error, failures, bar
            ):
                rows.update(embedded)
                for i in embedded.keys() & keys.keys():
                    cache.put(keys[i], embedded[i])
    failures = {i: why for found in processes.all_objects(failures) for i, why in found.items()}
    failures |= {i: failures[first[i]] for i in first if first[i] in failures}
    failures = store.of_all(failures)
    store.raise_failures(failures, on_error)
    width = len(next(iter(rows.values()))) if rows else _width(encode, store, device)
    asked_for = processes.part(store.first).tolist()
    features = np.full((len(asked_for), width), np.nan, dtype=np.float32)
    for place, i in enumerate(asked_for):
        if first[i] in rows:
            features[place] = rows[first[i]]
    return processes.all_features(features, len(store)), failures


def _first_of_equals(indices, keys):
    """Return the first of the images with the same key, by index: two objects may be alike."""
    by_key = {}
    return {i: by_key.setdefault(keys.get(i, i), i) for i in indices}


def _embed_batches(encode, store, chunks, device, on_error, failures, bar):
    """Yield dicts of embeddings by index; note what cannot be read in `failures`."""
    on_the_way = []  # results that the device has been asked for
    for read, canvases, failed in store.batches(chunks):
        failures.update(failed)
        bar.update(len(read) + len(failed))
        # Once it is clear that this ends with an error, only the rest of the list is needed.
        if not len(read) or (failures and on_error == "raise"):
            continue
        on_the_way.append((read, encode(canvases)))
        # Every fetch makes a GPU wait for the next batch.
        if device.type == "cpu" or len(on_the_way) == 16:
            yield _fetch(on_the_way)
    yield _fetch(on_the_way)


def _filled_up(canvases, size):
    missing = size - len(canvases)
    return np.pad(canvases, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else canvases


def _fetch(on_the_way):
    rows = {}
    for indices, features in on_the_way:
        for i, row in zip(indices.tolist(), features.float().cpu().numpy(), strict=True):
            rows[i] = row.copy()
    on_the_way.clear()
    return rows


def _width(encode, store, device):
    with torch.no_grad():  # only to see how wide a row is
        blank = torch.zeros((1, *store.shape), dtype=torch.uint8, device=device)
        return encode(blank).shape[1]
