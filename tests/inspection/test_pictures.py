"""Thumbnails compared: copies that were cropped or mirrored, and nothing else."""

import numpy as np
import pytest
from factories import bad_files, save_pictures
from inspection_shared import cropped, jpeg, picture
from PIL import Image, ImageOps

from sknumclip.exceptions import ImageReadError
from sknumclip.images.reading import Images
from sknumclip.inspection._pictures import best_alignment, likely_pairs, read_thumbnails


def thumbnails(images):
    return read_thumbnails(Images(images), "raise", 0)[0]


@pytest.fixture(scope="module")
def originals():
    return [picture(seed) for seed in range(12)]


def test_thumbnails_are_gray_and_in_order(tmp_path):
    colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (255, 0, 0)]
    found = thumbnails([Image.new("RGB", (50, 40), color) for color in colors])
    assert found.shape == (5, 32, 32)
    assert found[:, 5, 5].tolist() == [76, 150, 29, 255, 76]
    assert (found == found[:, :1, :1]).all()


def test_unreadable_images_are_listed_or_black(originals, tmp_path):
    files, bad = save_pictures(tmp_path / "good", originals[:2]), list(bad_files(tmp_path))
    images = Images([files[0], bad[0], files[1], bad[0]])
    with pytest.raises(ImageReadError, match="2 of 4 images in X cannot be read, 1 different"):
        read_thumbnails(images, "raise", 0)
    found, failures = read_thumbnails(images, "skip", 0)
    assert list(failures) == [1, 3]
    assert not found[[1, 3]].any()
    np.testing.assert_array_equal(found[[0, 2]], thumbnails(files))


def test_candidates_hold_each_copy_the_right_way_round(originals):
    copies = [jpeg(originals[3]), ImageOps.mirror(originals[5])]
    pairs, is_mirrored = likely_pairs(thumbnails(originals), thumbnails(copies))
    found = set(zip(*pairs.T.tolist(), is_mirrored.tolist(), strict=True))
    assert {(3, 0, False), (5, 1, True)} <= found
    assert {(3, 0, True), (5, 1, False)}.isdisjoint(found)
    assert len(found) < 6


def test_cropped_copies_are_like_the_original_once_they_are_aligned(originals):
    whole = thumbnails(originals)
    cut = thumbnails([cropped(image, i) for i, image in enumerate(originals)])
    for first, second in ((whole, cut), (cut, whole)):
        as_they_are, aligned = best_alignment(first, second)
        assert (aligned >= as_they_are - 1e-6).all()
        assert aligned.min() > 0.95
        assert as_they_are.min() < 0.9
    others = np.roll(whole, 1, axis=0)
    assert best_alignment(whole, others)[1].max() < 0.8


def test_images_are_like_themselves_and_flat_ones_like_none(originals):
    whole = thumbnails(originals)
    for found in best_alignment(whole, whole):
        np.testing.assert_allclose(found, 1, atol=1e-5)
    flat = np.full((2, 32, 32), 100, dtype=np.uint8)
    flat[1] += np.arange(32, dtype=np.uint8)  # no more than a shade
    for found in best_alignment(flat, flat):
        np.testing.assert_array_equal(found, 0)
