"""Pairs of similar rows: all of them, quickly and in little memory."""

import time

import numpy as np
import pytest
from factories import peak_memory

from sknumclip.inspection import find_duplicates
from sknumclip.inspection._pairs import best_match, clusters_of, distinct_rows, forest, normalized


def embeddings(n, width=64, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n, width), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("width", [8, 64, 300])
def test_embeddings_agree_with_the_table_of_all_pairs(width):
    rows = embeddings(500, width)
    rows[100:200] = rows[:100] + 0.05 * embeddings(100, width, seed=1)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = find_duplicates(rows, threshold=0.95)
    products = np.triu(rows @ rows.T, 1)
    inside = set(map(tuple, np.argwhere(products > 0.9501)))
    pairs = found[["position", "duplicate_position"]].to_numpy()
    assert {i for pair in inside for i in pair} <= set(pairs.ravel())
    assert (products[tuple(pairs.T)] >= 0.9499).all()
    across = find_duplicates(rows[:300], rows[300:], threshold=0.5 if width == 8 else 0.2)
    best = (rows[:300] @ rows[300:].T).argmax(axis=0)
    assert (best[across["duplicate_position"]] == across["position"]).all()


def test_many_embeddings_take_seconds_and_little_memory():
    rows = embeddings(20_000, 512)
    rows[10_000:10_100] = rows[:100]
    before, start = peak_memory(reset=True), time.perf_counter()
    found = find_duplicates(rows)
    assert len(found) == 100
    assert time.perf_counter() - start < 30
    assert peak_memory() - before < 400e6  # the table of all pairs would take 1.6 GB


def test_a_crowd_of_embeddings_takes_no_quadratic_memory():
    rows = np.ones((3000, 16), dtype=np.float32) + 0.001 * embeddings(3000, 16)
    found = find_duplicates(rows)
    assert len(found) == 2999
    assert set(found["cluster"]) == {0}


def test_rows_that_belong_together_are_connected_by_their_most_similar_pairs():
    pairs = np.array([[0, 1], [0, 2], [1, 2], [3, 4]])
    similarity = np.array([0.97, 0.95, 0.99, 0.96], dtype=np.float32)
    kept, values = forest(5, pairs, similarity)
    assert kept.tolist() == [[0, 1], [1, 2], [3, 4]]
    np.testing.assert_allclose(values, [0.97, 0.99, 0.96], rtol=1e-6)
    cluster = clusters_of(6, kept)
    assert cluster[0] == cluster[1] == cluster[2] != cluster[3] == cluster[4]
    assert len(set(cluster)) == 3


def test_each_of_the_others_has_its_best_match_or_none():
    rows, others = embeddings(3000, 32), embeddings(2, 32, seed=1)
    others = normalized(np.concatenate([others, rows[[7, 2900]] + 0.01]))
    pairs, similarity = best_match(rows, others, threshold=0.9)
    assert pairs.tolist() == [[7, 2], [2900, 3]]
    np.testing.assert_allclose(similarity, (rows[[7, 2900]] * others[2:]).sum(axis=1), rtol=1e-5)


def test_rows_of_zeros_and_rows_of_the_same_bytes():
    rows = np.array([[3, 4], [0, 0], [3, 4], [-0.0, 0]])
    np.testing.assert_allclose(normalized(rows)[:2], [[0.6, 0.8], [0, 0]], rtol=1e-6)
    assert distinct_rows(rows).tolist() == [0, 1, 0, 3]
