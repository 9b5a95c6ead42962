"""load_backbone: same outputs as open_clip for every kind of model, or an error."""

import json

import open_clip
import pytest
import safetensors.torch
import torch
from factories import MODELS, PREPROCESSING, save_clip, small_pictures
from PIL import Image

from sknumclip.clip.backbone import Preprocessing, load_backbone
from sknumclip.exceptions import BackboneError
from sknumclip.images.resizing import resize_image
from sknumclip.model.modules import ImageEncoder
from sknumclip.model.prompts import TokenPrompts

TEXTS = ["a photo of a child", "a photo of a much, much older adult.", "x"]


def assert_features_equal_open_clip(model_name, image):
    """Image and text features against open_clip's own, from the picture and the sentences on."""
    reference, preprocess = open_clip.create_model_from_pretrained(model_name)
    reference.eval()
    backbone = load_backbone(model_name)
    encoder = ImageEncoder(backbone.visual, backbone.preprocessing)
    canvas = torch.from_numpy(resize_image(image, backbone.preprocessing))[None]
    tokens = open_clip.get_tokenizer(model_name)(TEXTS)
    with torch.no_grad():
        expected = reference.encode_image(preprocess(image)[None])
        torch.testing.assert_close(encoder(canvas), expected, rtol=1e-5, atol=1e-5)
        expected = reference.encode_text(tokens)
        actual = TokenPrompts.from_texts(backbone, TEXTS)()
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)
    assert backbone.embed_dim == expected.shape[1]
    assert backbone.logit_scale == pytest.approx(reference.logit_scale.exp().item())


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("size", [(40, 48), (51, 33), (32, 32)])
def test_features_equal_open_clip(clip_models, kind, size):
    (pixels,) = small_pictures(1, size)
    assert_features_equal_open_clip(clip_models[kind], Image.fromarray(pixels))


@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [(40, 48), (90, 33), (20, 20)])
def test_every_resize_mode_equals_open_clip(tmp_path, resize_mode, size):
    name = save_clip(
        tmp_path, MODELS["clip"], {**PREPROCESSING, "resize_mode": resize_mode, "fill_color": 7}
    )
    (pixels,) = small_pictures(1, size)
    assert_features_equal_open_clip(name, Image.fromarray(pixels))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["ViT-B-32", "RN50", "ViT-B-16-SigLIP"])
def test_real_architectures_equal_open_clip(tmp_path, architecture):
    config = open_clip.get_model_config(architecture)
    for key in ("hf_tokenizer_name", "tokenizer_kwargs"):  # the tokenizer would be downloaded
        config["text_cfg"].pop(key, None)
    config["text_cfg"]["vocab_size"] = 49408
    preprocessing = {**PREPROCESSING, "resize_mode": "squash"}
    (pixels,) = small_pictures(1, (300, 260))
    assert_features_equal_open_clip(
        save_clip(tmp_path, config, preprocessing), Image.fromarray(pixels)
    )


def test_preprocessing_comes_from_the_checkpoint(clip_models):
    preprocessing = load_backbone(clip_models["clip"]).preprocessing
    assert preprocessing.mean == (0.5, 0.4, 0.3)
    assert preprocessing.interpolation == "bilinear"
    assert preprocessing.size == (32, 32)
    assert Preprocessing.from_dict(json.loads(json.dumps(preprocessing.to_dict()))) == preprocessing


def test_the_same_call_shares_the_model_and_a_changed_file_does_not(tmp_path):
    name = save_clip(tmp_path, MODELS["clip"])
    first = load_backbone(name)
    assert load_backbone(name) is first
    weights = safetensors.torch.load_file(tmp_path / "open_clip_model.safetensors")
    weights["visual.proj"] += 1
    safetensors.torch.save_file(weights, tmp_path / "open_clip_model.safetensors")
    assert load_backbone(name).fingerprint != first.fingerprint


def test_the_fingerprint_tells_architectures_apart(tmp_path):
    plain = save_clip(tmp_path / "plain", MODELS["clip"])
    quick = save_clip(tmp_path / "quick", MODELS["quickgelu"])
    weights = "open_clip_model.safetensors"
    (tmp_path / "quick" / weights).write_bytes((tmp_path / "plain" / weights).read_bytes())
    assert load_backbone(plain).fingerprint != load_backbone(quick).fingerprint


def test_other_weights_for_a_model_that_has_its_own_are_refused():
    with pytest.raises(BackboneError, match="'local-dir:.*brings its own weights.*'laion2b'"):
        load_backbone("tiny", "laion2b")
