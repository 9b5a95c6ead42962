"""Image towers: rebuilding, partial freezing, and optimization without changing the output."""

import copy
import json

import open_clip
import pytest
import torch
from factories import MODELS
from open_clip.transformer import ResidualAttentionBlock

from sknumclip.clip.backbone import load_backbone
from sknumclip.clip.image_tower import (
    FirstTokenBlock,
    build_image_tower,
    checkpoint_gradients,
    lock_image_tower,
)
from sknumclip.model.modules import ImageEncoder


def test_an_image_tower_is_rebuilt_from_its_description(clip_models):
    for kind in MODELS:
        backbone = load_backbone(clip_models[kind])
        visual = build_image_tower(json.loads(json.dumps(backbone.vision_config)))
        visual.load_state_dict(backbone.visual.state_dict())
        image = torch.randn(2, 3, 32, 32)
        with torch.no_grad():
            torch.testing.assert_close(visual(image), backbone.visual(image))


def test_lock_leaves_the_last_blocks(clip_models):
    visual = copy.deepcopy(load_backbone(clip_models["clip"]).visual)
    lock_image_tower(visual, 1)
    trainable = {name for name, p in visual.named_parameters() if p.requires_grad}
    assert {"proj", "ln_post.weight", "ln_post.bias"} < trainable
    assert {name.split(".")[2] for name in trainable if "resblocks" in name} == {"1"}
    assert "conv1.weight" not in trainable


def test_what_a_resnet_cannot_do_is_an_error(clip_models):
    visual = load_backbone(clip_models["resnet"]).visual
    with pytest.raises(ValueError, match="fine_tune='full' or 'none'"):
        lock_image_tower(visual, 1)
    with pytest.raises(ValueError, match="grad_checkpointing=True has no effect"):
        checkpoint_gradients(visual)


def plain_tower(model_name):
    """The tower as open_clip makes it."""
    return open_clip.create_model_from_pretrained(model_name, return_transform=False).visual


def test_leaving_out_needless_work_changes_no_feature_and_no_gradient(clip_models):
    plain, ours = plain_tower(clip_models["clip"]), load_backbone(clip_models["clip"]).visual
    assert type(plain.transformer.resblocks[-1]) is ResidualAttentionBlock
    assert type(ours.transformer.resblocks[-1]) is FirstTokenBlock
    images = torch.randn(3, 3, 32, 32)
    expected, actual = plain(images), ours(images)
    torch.testing.assert_close(actual, expected)
    expected.square().sum().backward()
    gradients = torch.autograd.grad(actual.square().sum(), list(ours.parameters()))
    for (name, parameter), gradient in zip(plain.named_parameters(), gradients, strict=True):
        torch.testing.assert_close(gradient, parameter.grad, msg=name)


@pytest.mark.parametrize("option", [{"pool_type": "avg"}, {"output_tokens": True}])
def test_a_tower_that_reads_all_tokens_keeps_them(option):
    config = {**MODELS["clip"], "vision_cfg": {**MODELS["clip"]["vision_cfg"], **option}}
    visual = build_image_tower({**config, "quick_gelu": False})
    assert type(visual.transformer.resblocks[-1]) is ResidualAttentionBlock


def test_attention_in_bf16_is_as_close_to_fp32_as_the_fused_kernel(clip_models):
    plain, ours = plain_tower(clip_models["clip"]), load_backbone(clip_models["clip"]).visual
    images = torch.randn(64, 3, 32, 32)
    with torch.no_grad():
        exact = plain(images)
        with torch.autocast("cpu", torch.bfloat16):
            errors = [(tower(images) - exact).norm() / exact.norm() for tower in (plain, ours)]
    assert 0 < errors[1] < 1.3 * errors[0] < 0.02


@pytest.mark.parametrize("kind", ["clip", "quickgelu", "resnet", "siglip"])
def test_a_copy_in_bf16_is_as_close_to_fp32_as_autocast(clip_models, kind):
    backbone = load_backbone(clip_models[kind])
    encoder = ImageEncoder(backbone.visual, backbone.preprocessing)
    before = {name: tensor.clone() for name, tensor in backbone.visual.state_dict().items()}
    pixels = torch.randint(0, 256, (16, 3, *backbone.preprocessing.size), dtype=torch.uint8)
    with torch.no_grad():
        exact = encoder(pixels)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = encoder(pixels), encoder.on(torch.device("cpu"), torch.bfloat16)(pixels)
    autocast, copied = ((output - exact).norm() / exact.norm() for output in outputs)
    assert 0 < copied < 1.5 * autocast < 0.05
    for name, tensor in backbone.visual.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_layer_norms_keep_the_precision_of_their_input(clip_models):
    norm = load_backbone(clip_models["clip"]).visual.ln_post
    x = torch.randn(5, norm.normalized_shape[0], dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        output = norm(x)
    assert output.dtype == torch.bfloat16
    exact = torch.nn.functional.layer_norm(
        x.double(), norm.normalized_shape, norm.weight.double(), norm.bias.double(), norm.eps
    )
    torch.testing.assert_close(output.double(), exact, rtol=0.01, atol=0.01)
