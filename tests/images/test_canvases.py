"""CanvasStore: the same canvases whatever the cache and the threads; failures are listed."""

import os
from pathlib import Path

import numpy as np
import pytest
from factories import bad_files, preprocessing, small_pictures
from images_shared import all_canvases
from PIL import Image

from sknumclip.estimators.input_types import as_images
from sknumclip.exceptions import ImageReadError
from sknumclip.images.canvases import CanvasStore
from sknumclip.images.reading import Images
from sknumclip.images.resizing import resize_image


@pytest.mark.parametrize("num_workers", [0, 1, 3, "auto"])
@pytest.mark.parametrize("cache", [None, "memory", "auto", "folder"])
def test_same_canvases_from_every_cache_cold_and_warm(files, tmp_path, cache, num_workers):
    expected = np.stack(
        [resize_image(Image.open(f).convert("RGB"), preprocessing("shortest")) for f in files]
    )
    cache = tmp_path / "cache" if cache == "folder" else cache
    store = CanvasStore(
        Images(files), preprocessing("shortest"), cache=cache, num_workers=num_workers
    )
    for _ in range(2):
        np.testing.assert_array_equal(all_canvases(store), expected)


def test_arrays_of_the_right_size_are_taken_as_they_are():
    pixels = small_pictures(3, (28, 28))
    store = CanvasStore(Images(pixels), preprocessing("shortest"))
    expected = [resize_image(Image.fromarray(p), preprocessing("shortest")) for p in pixels]
    assert store.shape == (3, 28, 28)
    np.testing.assert_array_equal(all_canvases(store), expected)


@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_large_jpegs_are_decoded_smaller_without_a_visible_difference(
    tmp_path, resize_mode, orientation
):
    coarse = np.random.default_rng(0).integers(0, 256, size=(24, 40, 3), dtype=np.uint8)
    photo = Image.fromarray(coarse).resize((500, 300), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo.save(tmp_path / "photo.jpg", quality=95, exif=exif)
    images = Images([tmp_path / "photo.jpg"])
    assert sorted(images.read(0).size) == [300, 500]
    assert sorted(images.read(0, min_side=64).size) == [75, 125]
    assert sorted(images.read(0, min_side=80).size) == [150, 250]
    canvas = CanvasStore(images, preprocessing(resize_mode))[0].astype(float)
    expected = resize_image(images.read(0), preprocessing(resize_mode))
    assert np.abs(canvas - expected).mean() < 1


def test_all_failures_are_listed_at_once(files, tmp_path):
    (tmp_path / "bad").mkdir()
    bad = list(bad_files(tmp_path / "bad"))
    store = CanvasStore(Images([*files, *bad]), preprocessing("shortest"), cache="memory")
    with pytest.raises(ImageReadError, match="5 of 13 images") as raised:
        store.read_all("raise")
    assert set(raised.value.failures) == set(map(str, bad))
    assert list(store.read_all("skip")) == [8, 9, 10, 11, 12]


def spelled(paths):
    """The same files, their paths written in other ways."""
    folder, name = os.path.split(paths[0])
    os.symlink(paths[0], os.path.join(folder, "link.png"))
    os.link(paths[0], os.path.join(folder, "hard link.png"))
    others = ["./" + os.path.relpath(paths[0]), f"{folder}/../{os.path.basename(folder)}/{name}"]
    return [*paths, *others, Path(paths[0]), f"{folder}/link.png", f"{folder}/hard link.png"]


LISTED = {
    "paths": (lambda paths: 25 * paths, 8),
    "paths, 25 in a row": (lambda paths: list(np.repeat(paths, 25)), 8),
    "paths that are written differently": (spelled, 8),
    "opened images": (lambda paths: 25 * [Image.open(path) for path in paths], 8),
    "an array": (lambda paths: np.repeat([np.asarray(Image.open(p)) for p in paths], 5, axis=0), 8),
    "copies of arrays": (lambda paths: [np.array(Image.open(p)) for p in 3 * paths], 8),
    "missing files": (lambda paths: ["gone", "./gone", "gone"], 2),  # ./gone may come to be another
}


@pytest.mark.parametrize(("listed", "n_different"), LISTED.values(), ids=LISTED)
@pytest.mark.parametrize("cache", ["memory", "folder", None])
def test_an_image_listed_many_times_is_decoded_and_kept_once(
    files, tmp_path, monkeypatch, cache, listed, n_different
):
    decoded, read = [], Images.read
    monkeypatch.setattr(Images, "read", lambda self, i, **kw: decoded.append(i) or read(self, i))
    images = Images(as_images(listed(files)).items)
    cache = tmp_path / "cache" if cache == "folder" else cache
    store = CanvasStore(images, preprocessing("shortest"), cache=cache, num_workers=2)
    failures = store.read_all("skip")
    assert len(set(decoded)) == n_different
    if failures:
        assert list(failures) == list(range(len(images)))
        return
    if cache == "memory":
        assert len(decoded) == 8
        assert len(store._cache._canvases) == 8
    for i in range(len(images)):
        expected = resize_image(read(images, i), preprocessing("shortest"))
        np.testing.assert_array_equal(store[i], expected)


def test_equal_pixels_of_another_shape_are_another_image():
    images = Images([np.zeros((4, 6, 3), np.uint8), np.zeros((6, 4, 3), np.uint8)])
    assert images.first_of_each().tolist() == [0, 1]
