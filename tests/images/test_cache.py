"""Caches of canvases and embeddings: used again, within limits, and only if nothing differs."""

import filelock
import numpy as np
import pytest
from factories import preprocessing
from images_shared import CountingEncoder, all_canvases, embed, picture
from PIL import Image

from sknumclip.images.cache import Embeddings
from sknumclip.images.canvases import CanvasStore
from sknumclip.images.embeddings import clear_embedding_cache
from sknumclip.images.reading import Images
from sknumclip.machine.recent import RecentlyUsed

pytestmark = pytest.mark.usefixtures("_small_batches_and_empty_cache")


@pytest.mark.parametrize("cache", ["memory", "folder"])
def test_a_warm_cache_does_not_decode_again(files, tmp_path, cache, monkeypatch):
    cache = tmp_path / "cache" if cache == "folder" else cache
    store = CanvasStore(Images(files), preprocessing("shortest"), cache=cache)
    store.read_all("raise")
    monkeypatch.setattr("sknumclip.images.canvases.resize_image", None)
    all_canvases(store)


def test_a_folder_is_used_by_the_next_store_unless_something_differs(files, tmp_path, monkeypatch):
    def make(resize_mode, scale=1.0):
        return CanvasStore(
            Images(files), preprocessing(resize_mode), scale=scale, cache=tmp_path / "cache"
        )

    make("shortest").read_all("raise")
    assert not np.array_equal(all_canvases(make("squash")), all_canvases(make("shortest")))
    assert all_canvases(make("shortest", scale=8 / 7)).shape == (8, 3, 32, 32)
    Image.new("RGB", (50, 40), "red").save(files[0])
    assert all_canvases(make("shortest"))[0, :, 0, 0].tolist() == [255, 0, 0]


def test_a_torn_file_in_the_folder_is_decoded_again(files, tmp_path):
    store = CanvasStore(Images(files), preprocessing("shortest"), cache=tmp_path / "cache")
    expected = all_canvases(store)
    for file in (tmp_path / "cache").rglob("*.raw"):
        file.write_bytes(file.read_bytes()[:100])
    np.testing.assert_array_equal(all_canvases(store), expected)


def test_auto_uses_a_temporary_folder_where_memory_is_short(files, monkeypatch):
    monkeypatch.setattr("sknumclip.images.cache.free_memory", lambda: 1000)
    store = CanvasStore(Images(files), preprocessing("shortest"), cache="auto")
    store.read_all("raise")
    folder = store._cache.folder
    assert len(list(folder.rglob("*.raw"))) == 8
    del store
    assert not folder.exists()


def test_a_folder_asks_for_the_state_of_each_file_once(files, tmp_path, monkeypatch):
    asked, identity = [], Images.identity
    monkeypatch.setattr(Images, "identity", lambda self, i: asked.append(i) or identity(self, i))
    store = CanvasStore(Images(files), preprocessing("shortest"), cache=tmp_path / "cache")
    for _ in range(3):
        all_canvases(store)
    assert sorted(asked) == list(range(8))


def test_the_cache_stays_within_its_limit(monkeypatch):
    memory = RecentlyUsed(max_bytes=40)
    monkeypatch.setattr("sknumclip.images.cache.EMBEDDINGS", memory)
    encoder = CountingEncoder()
    embed(encoder, [picture(i) for i in range(1, 11)], cache=Embeddings("a"))
    assert len(memory._values) == 3  # 12 bytes each
    embed(encoder, [picture(9), picture(10)], cache=Embeddings("a"))
    assert encoder.n_images == 10


def test_a_folder_outlives_memory_and_heeds_the_key(tmp_path):
    encoder, pictures = CountingEncoder(), [picture(i) for i in range(1, 4)]
    for key, n_images in (("a", 3), ("a", 3), ("b", 6), (None, 9)):
        clear_embedding_cache()
        cache = None if key is None else Embeddings(key, tmp_path / "cache")
        features, _ = embed(encoder, pictures, cache=cache)
        assert features[:, 0].tolist() == [1, 2, 3]
        assert encoder.n_images == n_images


def test_a_folder_that_is_full_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    options = dict(cache=Embeddings("a", tmp_path / "file" / "cache"))
    with pytest.raises(OSError, match="folder '.*file/cache' cannot be written: .*image_cache"):
        embed(CountingEncoder(), [picture(1)], **options)


def test_a_folder_of_other_versions_is_not_believed(tmp_path, monkeypatch):
    encoder, options = CountingEncoder(), dict(cache=Embeddings("a", tmp_path))
    for version in ("1", "2", "2"):
        monkeypatch.setattr("sknumclip.images.cache._VERSIONS", version)
        clear_embedding_cache()
        embed(encoder, [picture(1)], **options)
    assert encoder.n_images == 2


def test_what_is_all_there_waits_for_nobody(tmp_path):
    encoder, options = CountingEncoder(), dict(cache=Embeddings("a", tmp_path))
    embed(encoder, [picture(1)], **options)
    with filelock.FileLock(tmp_path / "embeddings.lock"):
        embed(encoder, [picture(1)], **options)


def test_a_damaged_file_is_computed_again(tmp_path):
    encoder, options = CountingEncoder(), dict(cache=Embeddings("a", tmp_path))
    embed(encoder, [picture(1)], **options)
    for file in tmp_path.rglob("*.embedding"):
        file.write_bytes(file.read_bytes()[:-1] + b"?")
    clear_embedding_cache()
    features, _ = embed(encoder, [picture(1)], **options)
    assert features[0, 0] == 1
    assert encoder.n_images == 2
