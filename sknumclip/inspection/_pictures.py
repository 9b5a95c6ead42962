"""Pixel-wise comparison of images as small gray thumbnails, aligned over small crops."""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.neighbors import NearestNeighbors

from ..clip.backbone import Preprocessing
from ..images.canvases import CanvasStore
from ..machine.progress import progress_bar
from ._pairs import normalized

__all__ = ["best_alignment", "likely_pairs", "read_thumbnails"]

SIDE = 32  # pixels of a thumbnail
_CANDIDATES = 6  # images that each one is compared with in detail; one may be itself
_LEAST = 0.6  # minimum similarity of candidates, without alignment
_OPEN = 0.9  # minimum similarity at half size, aligned, for a comparison at full size
_CUTS = (0.0, 0.025, 0.05)  # shares of a side by which one image may be cropped
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def read_thumbnails(images, on_error, verbose):
    """Read every image as a small gray thumbnail.

    Parameters
    ----------
    images : Images
    on_error : {"raise", "skip"}
    verbose : int

    Returns
    -------
    thumbnails : uint8 ndarray of shape (n_images, 32, 32)
    failures : dict of int to str
        Reason for each unreadable image, by index; their thumbnails are black.
    """
    squashed = Preprocessing((SIDE, SIDE), (0.5,) * 3, (0.5,) * 3, "bicubic", "squash", 0)
    store = CanvasStore(images, squashed)
    thumbnails, failures = np.zeros((len(images), SIDE, SIDE), dtype=np.uint8), {}
    distinct = np.unique(store.first)
    chunks = np.split(distinct, range(64, len(distinct), 64))
    with progress_bar(len(distinct), "image", verbose=verbose, desc="reading") as bar:
        for indices, canvases, failed in store.batches(chunks):
            grey = np.tensordot(_GREY, canvases.numpy().astype(np.float32), axes=(0, 1))
            thumbnails[indices] = np.round(grey)
            failures.update(failed)
            bar.update(len(indices) + len(failed))
    failures = store.of_all(failures)
    store.raise_failures(failures, on_error)
    return thumbnails[store.first], failures


def likely_pairs(thumbnails, others):
    """Find pairs that look roughly alike, or like each other's mirror image.

    Parameters
    ----------
    thumbnails, others : uint8 ndarray of shape (n, 32, 32)

    Returns
    -------
    pairs : ndarray of int of shape (n_pairs, 2)
        Indices of `thumbnails` and `others`.
    is_mirrored : ndarray of bool of shape (n_pairs,)
    """
    known = NearestNeighbors(n_neighbors=min(_CANDIDATES, len(thumbnails)), algorithm="brute")
    known.fit(_patterns(_halved(thumbnails)))
    found = []
    for is_mirrored in (False, True):
        turned = others[:, :, ::-1] if is_mirrored else others
        distance, index = known.kneighbors(_patterns(_halved(turned)))
        place, rank = np.nonzero(1 - distance**2 / 2 >= _LEAST)
        found.append((index[place, rank], place, np.full(len(place), is_mirrored)))
    first, second, mirrored = map(np.concatenate, zip(*found, strict=True))
    return np.column_stack([first, second]), mirrored


def best_alignment(a, b, chunk=256):
    """Compare pairs of thumbnails, without cropping and with the edges of either one cropped.

    Parameters
    ----------
    a, b : uint8 ndarray of shape (n_pairs, 32, 32)

    Returns
    -------
    plain, aligned : float32 ndarray of shape (n_pairs,)
        Correlations of the pixels after removing linear shading; 0 for images of a single color.
    """
    plain, best = np.zeros(len(a), np.float32), np.zeros(len(a), np.float32)
    for start in range(0, len(a), chunk):
        part = slice(start, start + chunk)
        plain[part] = (_patterns(a[part]) * _patterns(b[part])).sum(axis=1)
        # At half size, ruling out pairs takes a quarter of the time.
        best[part] = _aligned(_halved(a[part]), _halved(b[part]))
        open_ = start + np.flatnonzero(best[part] >= _OPEN)
        best[open_] = _aligned(a[open_], b[open_])
    return plain, best


def _aligned(a, b):
    best = np.full(len(a), -1, np.float32)
    crops = _crops(a.shape[1])
    for cut, whole in ((a, b), (b, a)):
        target = _patterns(whole)
        for rows in crops:
            bands = rows @ cut.astype(np.float32)
            for columns in crops:
                now = np.einsum("nd,nd->n", _patterns(bands @ columns.T), target)
                np.maximum(best, now, out=best)
    return best


def _patterns(pictures):
    """Return thumbnails as unit vectors without mean and linear shading; 0 if nothing is left."""
    flat = pictures.reshape(len(pictures), pictures.shape[1] ** 2).astype(np.float32)
    plane = _plane(pictures.shape[1])
    flat = flat - (flat @ plane) @ plane.T
    noise = np.einsum("nd,nd->n", flat, flat) < flat.shape[1]  # a deviation below 1 of 255
    flat[noise] = 0
    return normalized(flat)


@cache
def _plane(side):
    """Return an orthonormal basis of linear shading."""
    ramp = np.linspace(-1, 1, side, dtype=np.float32)
    flat = np.ones(side, dtype=np.float32)
    basis = np.stack(
        [np.outer(*pair).ravel() for pair in ((flat, flat), (ramp, flat), (flat, ramp))]
    )
    return np.ascontiguousarray((basis / np.linalg.norm(basis, axis=1, keepdims=True)).T)


def _halved(pictures):
    half = SIDE // 2
    return pictures.reshape(len(pictures), half, 2, half, 2).mean(axis=(2, 4), dtype=np.float32)


@cache
def _crops(side):
    """Return matrices that crop the ends of a row and stretch it to the full length."""
    return [_stretch(side, left, right) for left in _CUTS for right in _CUTS]


def _stretch(side, left, right):
    position = (left + (np.arange(side) + 0.5) / side * (1 - left - right)) * side - 0.5
    low = np.floor(position).astype(int)
    matrix = np.zeros((side, side), dtype=np.float32)
    for pixel, share in ((low, 1 - position + low), (low + 1, position - low)):
        np.add.at(matrix, (np.arange(side), pixel.clip(0, side - 1)), share)
    return matrix
