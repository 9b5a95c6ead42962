"""embed_images: right rows, each image once, nothing kept beyond the limit."""

import numpy as np
import pytest
from factories import save_pictures
from images_shared import CountingEncoder, embed, picture
from processes_shared import SERVER

from sknumclip.exceptions import ImageReadError
from sknumclip.images.cache import Embeddings
from sknumclip.images.embeddings import clear_embedding_cache

pytestmark = pytest.mark.usefixtures("_small_batches_and_empty_cache")


def test_rows_are_in_order():
    features, failures = embed(CountingEncoder(), [picture(i) for i in range(5)])
    np.testing.assert_array_equal(features[:, 0], range(5))
    assert failures == {}


def test_each_image_is_embedded_once_for_each_key():
    encoder = CountingEncoder()
    embed(encoder, [picture(i) for i in (1, 2, 3, 4)], cache=Embeddings("a"))
    features, _ = embed(encoder, [picture(i) for i in (4, 7, 1)], cache=Embeddings("a"))
    np.testing.assert_array_equal(features[:, 0], [4, 7, 1])
    assert encoder.n_images == 5
    embed(encoder, [picture(1)], cache=Embeddings("b"))
    embed(encoder, [picture(1)], cache=None)
    assert encoder.n_images == 7


def test_only_wanted_images_are_embedded():
    encoder = CountingEncoder()
    items = [picture(grey) for grey in (50, 100, 150, 200)]
    features, failures = embed(encoder, items, wanted=np.array([3, 1]))
    assert encoder.n_images == 2
    np.testing.assert_allclose(features[[1, 3], 0], [100, 200])
    assert np.isnan(features[[0, 2]]).all()
    assert not failures


def test_unreadable_images_are_nan_or_an_error_before_more_work():
    encoder = CountingEncoder()
    items = ["missing.jpg", *map(picture, range(5)), "lost.jpg"]
    features, failures = embed(encoder, items, on_error="skip")
    assert np.isnan(features).all(axis=1).tolist() == [True, *[False] * 5, True]
    assert list(failures) == [0, 6]
    encoder.n_images = 0
    with pytest.raises(ImageReadError, match=r"2 of 7(.|\n)*missing.jpg(.|\n)*lost.jpg"):
        embed(encoder, items)
    assert encoder.n_images == 0


def test_no_readable_image_at_all_is_still_a_row_of_the_right_width():
    features, failures = embed(CountingEncoder(), ["/missing.jpg"], on_error="skip")
    assert features.shape == (1, 3)
    assert np.isnan(features).all()
    assert failures == {0: "no such file"}


def embed_in_a_process_of_its_own(folder, paths, start, queue):
    encoder = CountingEncoder()
    start.wait()
    features, _ = embed(encoder, paths, cache=Embeddings("a", folder))
    queue.put((encoder.n_images, features[:, 0].tolist()))


def test_processes_that_share_a_folder_embed_each_image_once(tmp_path):
    paths = save_pictures(tmp_path, [picture(i + 1) for i in range(20)])
    start, queue = SERVER.Barrier(2), SERVER.Queue()
    args = (tmp_path / "cache", paths, start, queue)
    processes = [
        SERVER.Process(target=embed_in_a_process_of_its_own, args=args, daemon=True)
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    results = [queue.get(timeout=300) for _ in processes]
    assert sorted(n for n, _ in results) == [0, 20]
    assert all(values == list(range(1, 21)) for _, values in results)


@pytest.mark.parametrize("key", ["a", None])
def test_an_image_listed_many_times_is_embedded_once(tmp_path, key):
    encoder = CountingEncoder()
    paths = save_pictures(tmp_path, [picture(i + 1) for i in range(3)])
    pixels = [np.asarray(picture(i + 1)) for i in range(3)]
    for items in (5 * paths, 5 * pixels, np.stack(5 * pixels), 5 * [picture(1), *pixels[1:]]):
        clear_embedding_cache()
        encoder.n_images = 0
        features, _ = embed(encoder, items, cache=key and Embeddings(key))
        assert features[:, 0].tolist() == 5 * [1, 2, 3]
        assert encoder.n_images == 3


def test_objects_of_equal_content_are_embedded_once_where_there_is_a_cache(tmp_path):
    encoder = CountingEncoder()
    items = [np.asarray(picture(7)), picture(7), picture(7), "missing", picture(8), "./missing"]
    features, failures = embed(encoder, items, cache=Embeddings("a"), on_error="skip")
    np.testing.assert_array_equal(features[:, 0], [7, 7, 7, np.nan, 8, np.nan])
    assert list(failures) == [3, 5]
    assert encoder.n_images == 2
