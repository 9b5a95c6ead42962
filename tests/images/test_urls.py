"""Images by URL, from fsspec's own file systems: no network."""

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from sknumclip import CLIPEmbedder
from sknumclip.exceptions import ImageReadError
from sknumclip.images.urls import check_urls, is_url, open_url, url_identity


@pytest.fixture(params=["memory", "file"])
def urls(request, pixels, tmp_path):
    """URLs of eight pictures, one JPEG and the rest PNG."""
    folder = "memory://pictures" if request.param == "memory" else f"file://{tmp_path}"
    names = [f"{folder}/a.jpg", *(f"{folder}/{i} 1%.png" for i in range(1, 8))]
    for name, image in zip(names, pixels, strict=True):
        with fsspec.open(name, "wb") as stream:
            Image.fromarray(image).save(stream, "JPEG" if name.endswith("jpg") else "PNG")
    yield names
    fsspec.filesystem("memory").store.clear()


def embedder(**params):
    return CLIPEmbedder(model_name="tiny", verbose=0, **params)


def test_images_by_url_are_what_they_are_in_memory(urls, pixels):
    features = embedder().fit_transform(urls)
    np.testing.assert_allclose(features[1:], embedder().fit_transform(pixels)[1:], atol=1e-5)


def test_a_file_that_changes_is_read_again(urls, pixels):
    before = embedder().fit_transform(urls)
    identity = url_identity(urls[3])
    with fsspec.open(urls[3], "wb") as stream:
        Image.fromarray(255 - pixels[3]).save(stream, "PNG", compress_level=0)
    assert url_identity(urls[3]) != identity
    after = embedder().fit_transform(urls)
    assert np.flatnonzero((before != after).any(axis=1)).tolist() == [3]


def test_what_is_not_there_or_empty_is_reported_with_the_rest(urls):
    missing, empty = urls[0].replace("a.jpg", "b.jpg"), urls[1]
    with fsspec.open(empty, "wb"):
        pass
    skipping = embedder(on_error="skip").fit([missing, *urls])
    features = skipping.transform([missing, *urls])
    assert np.flatnonzero(np.isnan(features).any(axis=1)).tolist() == [0, 2]
    with pytest.raises(ValueError, match=r"2 of 9(.|\n)*b.jpg: no such file(.|\n)*an empty file"):
        embedder().fit_transform([missing, *urls])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "https://example.org/a.jpg",
            "not fetched from web sites. Got 'https://example.org/a.jpg'",
        ),
        ("HTTP://example.org/a.jpg", "not fetched from web sites"),
        ("nonsense://a.jpg", "not a URL that fsspec can read"),
    ],
)
def test_other_addresses_are_refused_before_anything_is_read(url, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        embedder(on_error="skip").fit(["a.jpg", url])


def test_a_store_whose_library_is_missing(monkeypatch):
    def missing(scheme):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(ImportError, match=r"s3fs.*pip install sknumclip\[distributed\]"):
        check_urls(["s3://bucket/a.jpg"])


def test_paths_are_no_urls():
    assert not any(map(is_url, ["a.jpg", "C:\\a.jpg", "/a:/b.jpg", 3, None]))
    check_urls(["a.jpg", 3])
    with pytest.raises(ValueError, match="no such file"):
        open_url("memory://nowhere.jpg")


class Locked(MemoryFileSystem):
    """A store that does not let us in, in words of its own."""

    protocol = "locked"

    def info(self, path, **kwargs):
        raise RuntimeError("no credentials")

    cat_file = info


def test_errors_of_stores_are_reported_as_those_of_images():
    fsspec.register_implementation("locked", Locked, clobber=True)
    with pytest.raises(OSError, match="RuntimeError: no credentials"):
        url_identity("locked://a.jpg")
    with pytest.raises(ImageReadError, match=r"1 of 1 (.|\n)*no credentials"):
        embedder().fit_transform(["locked://a.jpg"])
