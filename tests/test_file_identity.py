"""file_identity: detects changed files even with the same name, size and mtime."""

import os
import shutil

import numpy as np
import pytest
from factories import MODELS, VISION, Y, save_clip, small_pictures
from PIL import Image

from sknumclip import CLIPEmbedder
from sknumclip.exceptions import BackboneError
from sknumclip.images.embeddings import clear_embedding_cache
from sknumclip.machine.files import file_identity


def write(file, picture):
    """Write a picture with the time that tar, rsync and git archive set."""
    Image.fromarray(picture).save(file)
    os.utime(file, (0, 0))
    return str(file)


@pytest.fixture
def embedder(clip_models):
    clear_embedding_cache()
    return CLIPEmbedder(model_name=clip_models["clip"], verbose=0)


@pytest.fixture
def right(embedder, pixels):
    return embedder.fit_transform(pixels)


def test_another_picture_of_the_same_name_size_and_time_in_memory(
    embedder, pixels, right, tmp_path
):
    for i in (0, 1, 0, 2):
        found = embedder.transform([write(tmp_path / "frame.bmp", pixels[i])])
        np.testing.assert_allclose(found[0], right[i], atol=1e-5)


def test_another_picture_of_the_same_name_size_and_time_in_a_folder(
    embedder, pixels, right, tmp_path
):
    embedder.set_params(image_cache=tmp_path / "cache").fit(pixels)
    for i in (0, 1):
        clear_embedding_cache()
        found = embedder.transform([write(tmp_path / "frame.bmp", pixels[i])])
        np.testing.assert_allclose(found[0], right[i], atol=1e-5)


@pytest.mark.parametrize("kept", ["image_cache", "checkpoint"])
def test_other_pictures_of_the_same_names_in_canvases_and_checkpoints(make, pixels, tmp_path, kept):
    def losses(pictures, **params):
        paths = [write(tmp_path / f"{i}.bmp", picture) for i, picture in enumerate(pictures)]
        return make(**params).fit(paths, Y).history_["train_loss"].tolist()

    losses(pixels, **{kept: tmp_path / "kept"})
    assert losses(pixels[::-1], **{kept: tmp_path / "kept"}) == losses(pixels[::-1])


def test_a_link_that_leads_elsewhere_now(embedder, pixels, right, tmp_path):
    link = tmp_path / "latest.bmp"
    for i in (0, 1):
        write(tmp_path / f"{i}.bmp", pixels[i])
        link.unlink(missing_ok=True)
        link.symlink_to(f"{i}.bmp")
        np.testing.assert_allclose(embedder.transform([link])[0], right[i], atol=1e-5)


def test_the_parent_of_a_link_to_a_folder(embedder, pixels, right, tmp_path):
    (tmp_path / "inner" / "folder").mkdir(parents=True)
    (tmp_path / "link").symlink_to("inner/folder")
    write(tmp_path / "x.bmp", pixels[0])
    write(tmp_path / "inner" / "x.bmp", pixels[1])
    paths = [tmp_path / "x.bmp", tmp_path / "link" / ".." / "x.bmp"]
    np.testing.assert_allclose(embedder.transform(paths), right[:2], atol=1e-5)


def test_a_file_that_changes_within_a_tick_of_the_clock_has_another_identity(tmp_path):
    identities = set()
    for i in range(30):
        (tmp_path / "file").write_bytes(bytes([i]))
        os.utime(tmp_path / "file", (0, 0))
        identities.add(file_identity(tmp_path / "file"))
    assert len(identities) == 30


def test_another_model_of_the_same_names_sizes_and_times(pixels, tmp_path):
    def embeddings(scale):
        vision = {**VISION["vit"], "ls_init_value": scale}
        name = save_clip(tmp_path, {**MODELS["clip"], "vision_cfg": vision})
        for file in tmp_path.iterdir():
            os.utime(file, (0, 0))
        return CLIPEmbedder(model_name=name, verbose=0).fit_transform(pixels)

    assert (embeddings(0.1) != embeddings(0.9)).any()


def test_a_relative_folder_means_where_it_was_in_fit(clip_models, pixels, tmp_path, monkeypatch):
    kinds = ("clip", "quickgelu")
    for kind in kinds:
        source = clip_models[kind].removeprefix("local-dir:")
        shutil.copytree(source, tmp_path / kind / "model")
    fitted = []
    for kind in kinds:
        monkeypatch.chdir(tmp_path / kind)
        embedder = CLIPEmbedder(model_name="local-dir:model", verbose=0)
        fitted.append((embedder.fit(pixels), embedder.transform(pixels)))
    assert (fitted[0][1] != fitted[1][1]).any()
    monkeypatch.chdir(tmp_path)
    clear_embedding_cache()
    for embedder, expected in fitted:
        np.testing.assert_array_equal(embedder.transform(pixels), expected)


def test_a_dangling_link_in_a_models_folder_is_named(clip_models, tmp_path):
    shutil.copytree(clip_models["clip"].removeprefix("local-dir:"), tmp_path / "model")
    (tmp_path / "model" / "extra.txt").symlink_to("nowhere")
    with pytest.raises(BackboneError, match=r"extra.txt|nowhere.* broken link"):
        CLIPEmbedder(model_name=f"local-dir:{tmp_path / 'model'}").fit(small_pictures())
