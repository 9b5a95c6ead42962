"""Text towers of every kind, run from token embeddings."""

import open_clip
import pytest
import torch
from factories import MODELS, TEXT, save_clip

from sknumclip.clip.backbone import load_backbone
from sknumclip.exceptions import BackboneError
from sknumclip.model.prompts import TokenPrompts


def test_only_causal_towers_are_cut_to_the_prompt(clip_models):
    for kind, ignores_padding in {"clip": True, "custom": True, "siglip": False}.items():
        prompts = TokenPrompts.from_texts(load_backbone(clip_models[kind]), ["x", "a child"])
        assert prompts.embeddings.shape[1] == (4 if ignores_padding else 20)


@pytest.mark.parametrize("pool_type", ["argmax", "eos", "first", "last"])
def test_features_are_those_of_open_clip_wherever_they_are_read(tmp_path, pool_type):
    text = {**TEXT, "pool_type": pool_type, "eos_id": 49407}
    name = save_clip(tmp_path, {**MODELS["clip"], "text_cfg": text})
    reference = open_clip.create_model_from_pretrained(name, return_transform=False).eval()
    tokens = open_clip.get_tokenizer(name)(["x", "a photo of a much, much older adult."])
    backbone = load_backbone(name)
    tower = backbone.text
    with torch.no_grad():
        features = tower(backbone.token_embedding(tokens), tower.pooled_position(tokens))
        torch.testing.assert_close(features, reference.encode_text(tokens))


def test_a_text_tower_with_a_class_token_is_refused(tmp_path):
    text = {**TEXT, "embed_cls": True, "pool_type": "last"}
    name = save_clip(tmp_path, {**MODELS["custom"], "text_cfg": text})
    with pytest.raises(BackboneError, match="without a class token. Got TextTransformer: choose"):
        load_backbone(name)
