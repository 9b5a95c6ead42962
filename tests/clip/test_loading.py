"""Loading weights: the right options, or an error with a next step; never random weights."""

import logging
import time

import open_clip
import pytest
import safetensors.torch
import torch
from factories import MODELS, save_clip
from hub_server import HubServer
from huggingface_hub import constants

from sknumclip.clip import loading
from sknumclip.clip.backbone import load_backbone
from sknumclip.exceptions import BackboneError


def weights_file(tmp_path, architecture, **options):
    file = tmp_path / "weights.safetensors"
    model = open_clip.create_model(architecture, **options)
    safetensors.torch.save_model(model, file)
    return model.eval(), str(file)


@pytest.mark.slow
def test_quick_gelu_comes_from_the_tag(tmp_path, monkeypatch):
    # Real weights need a network; random ones of the same shape stand at their place in the cache.
    reference, file = weights_file(tmp_path, "ViT-B-32", force_quick_gelu=True)
    monkeypatch.setattr(open_clip.factory, "download_pretrained", lambda *args, **kwargs: file)
    backbone = load_backbone("ViT-B-32", "openai")
    image = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(backbone.visual(image), reference.encode_image(image))
    assert backbone.vision_config["quick_gelu"]


@pytest.mark.slow
def test_a_checkpoint_file_works(tmp_path):
    reference, file = weights_file(tmp_path, "ViT-B-32-quickgelu")
    with pytest.raises(BackboneError, match="use model_name='ViT-B-32-quickgelu'"):
        load_backbone("ViT-B-32", file)
    backbone = load_backbone("ViT-B-32-quickgelu", file)
    image = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(backbone.visual(image), reference.encode_image(image))


@pytest.mark.parametrize(
    ("model_name", "pretrained", "message"),
    [
        ("ViT-B16", "openai", "Did you mean 'ViT-B-16'"),
        ("ViT-B-16", "openia", "tag of 'ViT-B-16', one of .*'openai'.* Got pretrained='openia'"),
        ("ViT-B-16", None, "pretrained must be a tag"),
        ("ViT-B-32-quickgelu", "laion2b_s34b_b79k", "one of"),
        ("local-dir:/no/such/folder", None, "not found.*model_name='tiny'"),
    ],
)
def test_what_does_not_exist_is_an_error_with_a_next_step(model_name, pretrained, message):
    with pytest.raises(BackboneError, match=message):
        load_backbone(model_name, pretrained)


def test_missing_weights_are_an_error_never_random(tmp_path):
    name = save_clip(tmp_path, MODELS["clip"])
    (tmp_path / "open_clip_model.safetensors").unlink()
    with pytest.raises(BackboneError, match="could not be loaded.*Download the weights"):
        load_backbone(name)


def test_weights_of_another_model_are_an_error(tmp_path):
    name = save_clip(tmp_path, MODELS["clip"])
    save_clip(tmp_path / "other", MODELS["resnet"])
    (tmp_path / "other" / "open_clip_model.safetensors").rename(
        tmp_path / "open_clip_model.safetensors"
    )
    with pytest.raises(BackboneError, match="cannot be loaded"):
        load_backbone(name)


def test_no_network_is_an_error_that_tells_the_way_out(monkeypatch):
    def offline(*args, **kwargs):
        raise ConnectionError("Network is unreachable")

    monkeypatch.setattr(open_clip.factory, "download_pretrained", offline)
    with pytest.raises(BackboneError, match="unreachable.*pretrained='/path/to/weights"):
        load_backbone("ViT-B-16", "openai")


def test_logging_is_left_alone(tmp_path, monkeypatch):
    name = save_clip(tmp_path / "clip", MODELS["clip"])
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    _ = load_backbone(name).tokenizer
    assert logging.getLogger().handlers == []


@pytest.mark.parametrize("model_name", ["ViT-B-32", "hf-hub:nobody/nothing"])
def test_without_a_network_it_fails_at_once(model_name, monkeypatch):
    asked = []
    monkeypatch.setattr(loading, "_is_reachable", lambda endpoint: asked.append(endpoint))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # as it is by default
    started = time.monotonic()
    with pytest.raises(BackboneError, match="Download the weights on a machine with a network"):
        load_backbone(model_name, "openai")
    assert time.monotonic() - started < 20  # minutes, if the hub's library retried
    assert asked == [constants.ENDPOINT]
    assert not constants.HF_HUB_OFFLINE


def test_the_hub_is_reachable_or_not(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with HubServer() as hub:
        assert loading._is_reachable(hub.address)
    assert not loading._is_reachable("http://127.0.0.1:9")


def test_a_folder_needs_its_prefix(tmp_path):
    with pytest.raises(BackboneError, match=f"write model_name='local-dir:{tmp_path}'"):
        load_backbone(str(tmp_path), None)
