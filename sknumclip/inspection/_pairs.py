"""Pairs of rows with high cosine similarity, without a matrix of all pairs."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

__all__ = ["best_match", "clusters_of", "distinct_rows", "forest", "normalized", "similar_pairs"]

_ROWS, _COLUMNS = 1024, 4096  # size of a block of products: 16 MB
_MAX_EDGES = 2_000_000
_SKETCH = 64  # dimensions that are enough to rule out nearly all pairs


def normalized(rows):
    """Return rows scaled to length 1, float32; rows of zeros are unchanged."""
    rows = np.asarray(rows, dtype=np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1)


def distinct_rows(rows):
    """Return, for each row, the index of the first row with the same bytes."""
    first = {}
    return np.array([first.setdefault(row.tobytes(), i) for i, row in enumerate(rows)], dtype=int)


def similar_pairs(rows, threshold):
    """Find pairs of rows whose cosine similarity is at least `threshold`.

    Only enough pairs are returned to connect each cluster, preferring the most similar. So there
    are always fewer pairs than rows, no matter how many rows are alike.

    Parameters
    ----------
    rows : float32 ndarray of shape (n, n_features)
        Rows of length 1.
    threshold : float

    Returns
    -------
    pairs : ndarray of int of shape (n_pairs, 2)
        The smaller index first.
    similarity : float32 ndarray of shape (n_pairs,)
    """
    pairs, similarity = np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.float32)
    sketch = _sketch_of(rows)
    for start, column, block in _blocks(sketch, sketch, is_upper=True):
        # The product of two sketches is never below that of the rows.
        i, j = np.nonzero(block >= threshold)
        i, j = i + start, j + column
        i, j = i[i < j], j[i < j]
        if len(i) > _MAX_EDGES // 4:  # a large cluster: rows already connected need no more pairs
            label = clusters_of(len(rows), pairs)
            i, j = i[label[i] != label[j]], j[label[i] != label[j]]
        exact = _dot(rows, i, rows, j)
        found = exact >= threshold
        pairs = np.concatenate([pairs, np.column_stack([i[found], j[found]])])
        similarity = np.concatenate([similarity, exact[found]])
        if len(pairs) > _MAX_EDGES // 4:
            pairs, similarity = forest(len(rows), pairs, similarity)
    return forest(len(rows), pairs, similarity)


def best_match(rows, others, threshold):
    """Find, for each row of `others`, the most similar row of `rows`.

    Parameters
    ----------
    rows, others : float32 ndarray of shape (n, n_features)
        Rows of length 1.
    threshold : float

    Returns
    -------
    pairs : ndarray of int of shape (n_pairs, 2)
        Indices of `rows` and of `others`; those without a match are left out.
    similarity : float32 ndarray of shape (n_pairs,)
    """
    best, match = np.full(len(others), -np.inf, np.float32), np.zeros(len(others), dtype=np.int64)
    for start, column, block in _blocks(others, rows):
        place = block.argmax(axis=1)
        value = block[np.arange(len(block)), place]
        part = slice(start, start + len(block))
        match[part] = np.where(value > best[part], place + column, match[part])
        best[part] = np.maximum(value, best[part])
    found = np.flatnonzero(best >= threshold)
    return np.column_stack([match[found], found]), best[found]


def forest(n, pairs, similarity):
    """Reduce pairs to a spanning forest, preferring the most similar pairs."""
    if not len(pairs):
        return pairs, similarity
    order = np.argsort(-similarity, kind="stable")
    _, once = np.unique(pairs[order], axis=0, return_index=True)
    pairs, similarity = pairs[order][once], similarity[order][once]
    weights = 3.0 - similarity.astype(np.float64)  # above 0, since 0 means no edge
    tree = minimum_spanning_tree(coo_array((weights, pairs.T), shape=(n, n)).tocsr()).tocoo()
    i, j = np.minimum(tree.row, tree.col), np.maximum(tree.row, tree.col)
    order = np.lexsort([j, i])
    return np.column_stack([i, j])[order].astype(np.int64), (3.0 - tree.data[order]).astype("f4")


def clusters_of(n, pairs):
    """Return the number of the connected component of each of `n` nodes."""
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def _sketch_of(rows):
    """Project rows on their main directions, plus the length of the rest as one more column.

    By the Cauchy-Schwarz inequality, the product of two sketches is never below that of the rows.
    """
    if rows.shape[1] <= 2 * _SKETCH:
        return rows
    sample = rows[:: max(1, len(rows) // 10_000)]
    _, vectors = np.linalg.eigh(sample.T @ sample)
    projected = rows @ vectors[:, -_SKETCH:]
    rest = np.sqrt(np.maximum(1e-6, 1 - (projected**2).sum(axis=1, keepdims=True)))
    return np.ascontiguousarray(np.hstack([projected, rest]), dtype=np.float32)


def _blocks(rows, columns, is_upper=False):
    """Yield (first row, first column, products) for all blocks, or those above the diagonal."""
    buffer = np.empty(_ROWS * _COLUMNS, dtype=np.float32)
    for column in range(0, len(columns), _COLUMNS):
        right = columns[column : column + _COLUMNS]
        last = min(len(rows), column + len(right)) if is_upper else len(rows)
        for start in range(0, last, _ROWS):
            left = rows[start : start + _ROWS]
            out = buffer[: len(left) * len(right)].reshape(len(left), len(right))
            yield start, column, np.matmul(left, right.T, out=out)


def _dot(a, i, b, j):
    """Compute the products of rows a[i] and b[j], in chunks."""
    chunks = range(0, len(i), 65_536)
    parts = [np.einsum("nd,nd->n", a[i[k : k + 65_536]], b[j[k : k + 65_536]]) for k in chunks]
    return np.concatenate([np.empty(0, dtype=np.float32), *parts])
