"""Features: rows that a user passes in the place of images."""

import hashlib

import numpy as np
import pytest

from sknumclip.images.features import Features
from sknumclip.images.reading import Images

ROWS = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_rows_are_embeddings_that_need_no_model():
    found, failures = Features(ROWS).embeddings(embed=None)
    assert found is ROWS
    assert failures == {}


def test_what_asks_for_images_may_be_given_features():
    features, images = Features(ROWS), Images(["a.png", "b.png", "c.png"])
    assert len(features) == len(images) == 3
    assert (features.are_images, images.are_images) == (False, True)
    assert (features.name(2), images.name(2)) == ("row 2", "c.png")


@pytest.mark.parametrize("other", [ROWS + 1, ROWS[::-1], ROWS[:2]])
def test_other_rows_have_another_hash(other):
    digests = [hashlib.sha256() for _ in range(3)]
    for digest, rows in zip(digests, (ROWS, ROWS.copy(), other), strict=True):
        Features(rows).add_to(digest)
    first, same, different = (digest.hexdigest() for digest in digests)
    assert first == same != different
