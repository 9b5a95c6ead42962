"""The model against Eq. 1, by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from sknumclip import LinguisticBins
from sknumclip.clip.backbone import load_backbone
from sknumclip.model.modules import FeatureEncoder, ImageEncoder, NumCLIPModule, ShiftRegressor
from sknumclip.model.prompts import FeaturePrompts

BINS = LinguisticBins(("low", "high", "top"), (0, 10, 30, 100))
TEXTS = torch.nn.functional.normalize(torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 1, 1]]), dim=1)


def make_module(shift="width", scale=3.0, **kwargs):
    return NumCLIPModule(
        FeatureEncoder(3, 3),
        FeaturePrompts(TEXTS),
        bins=BINS,
        logit_scale=scale,
        shift=shift,
        max_shift=0.5,
        **kwargs,
    )


def randomize(regressor):
    nn.init.normal_(regressor.out.weight)
    nn.init.normal_(regressor.out.bias)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("shift", ["relative", "width"])
def test_untrained_model_predicts_the_zero_shot_expectation(shift):
    z = np.random.default_rng(0).normal(size=(6, 3))
    cosines = (z / np.linalg.norm(z, axis=1, keepdims=True)) @ TEXTS.numpy().T.astype(float)
    expected = softmax(3.0 * cosines) @ np.array(BINS.centers)
    output = make_module(shift)(torch.tensor(z, dtype=torch.float32))
    np.testing.assert_allclose(output.y_pred.detach().numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("shift", ["relative", "width"])
def test_prediction_is_eq_1(shift):
    module = make_module(shift)
    randomize(module.regressor)
    with torch.no_grad():
        output = module(torch.randn(6, 3))
        delta = module.regressor(output.logits).numpy().astype(float)
    centers, widths = np.array(BINS.centers), np.array(BINS.widths)
    moved = centers / (1 + delta) if shift == "relative" else centers + delta * widths
    expected = (softmax(output.logits.numpy()) * moved).sum(axis=1)
    np.testing.assert_allclose(output.y_pred.numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(output.centers.numpy(), moved, rtol=1e-5)
    assert (np.abs(delta) > 0.1).any()


def test_shift_is_bounded_whatever_the_logits():
    regressor = ShiftRegressor(3, max_shift=0.5)
    randomize(regressor)
    delta = regressor(torch.randn(100, 3) * 1e4)
    assert delta.abs().max() <= 0.5


def test_the_first_bin_can_move():
    # With left edges instead of centers the first bin, starting at 0, could only predict 0.
    module = make_module("relative")
    nn.init.constant_(module.regressor.out.bias, 1.0)
    assert module(torch.randn(2, 3)).centers[0, 0] not in (0, 5)


def test_all_that_should_learn_gets_gradients_and_nothing_else():
    module = make_module()
    module(torch.randn(4, 3)).y_pred.sum().backward()
    # The hidden layer waits for the last layer, which starts at zero.
    learning = {
        name for name, p in module.named_parameters() if p.grad is not None and p.grad.any()
    }
    assert learning == {"prompts.step", "regressor.out.weight", "regressor.out.bias"}


def test_fixed_prompts_predict_the_same():
    module = make_module().eval()
    features = torch.randn(4, 3)
    before = module(features).y_pred
    module.finish()
    assert torch.equal(module(features).y_pred, before)
    assert not module.text_features.requires_grad


def test_features_of_another_width_are_mapped():
    assert isinstance(FeatureEncoder(3, 3).projection, nn.Identity)
    assert FeatureEncoder(5, 3)(torch.randn(2, 5)).shape == (2, 3)


def test_image_encoder_normalises_and_cuts_the_centre(clip_models):
    backbone = load_backbone(clip_models["clip"])
    encoder = ImageEncoder(nn.Identity(), backbone.preprocessing)
    canvas = torch.randint(0, 256, (2, 3, 38, 40), dtype=torch.uint8)
    mean = torch.tensor(backbone.preprocessing.mean).view(1, 3, 1, 1)
    std = torch.tensor(backbone.preprocessing.std).view(1, 3, 1, 1)
    expected = (canvas[:, :, 3:35, 4:36] / 255 - mean) / std
    torch.testing.assert_close(encoder(canvas), expected)


def test_mirror_images_are_averaged_with_equal_weight_but_not_in_training(clip_models):
    backbone = load_backbone(clip_models["clip"])
    encoder, plain = (
        ImageEncoder(backbone.visual, backbone.preprocessing, mirror=mirror)
        for mirror in (True, False)
    )
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    sides = [nn.functional.normalize(plain(side), dim=1) for side in (images, images.flip(3))]
    torch.testing.assert_close(encoder(images), (sides[0] + sides[1]) / 2)
    torch.testing.assert_close(encoder(images.flip(3)), encoder(images))
    assert encoder.on(torch.device("cpu"), torch.bfloat16).mirror
    torch.testing.assert_close(encoder.train()(images), plain(images))


def test_batch_norms_keep_their_statistics(clip_models):
    backbone = load_backbone(clip_models["resnet"])
    encoder = ImageEncoder(backbone.visual, backbone.preprocessing).train()
    image = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    torch.testing.assert_close(encoder(image), encoder.eval()(image))


def test_bf16_towers_give_float32_outputs_close_to_fp32(clip_models):
    backbone = load_backbone(clip_models["clip"])
    texts = FeaturePrompts.from_texts(backbone, ["a", "b", "c"])
    image = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    module = NumCLIPModule(
        ImageEncoder(backbone.visual, backbone.preprocessing),
        texts,
        bins=BINS,
        logit_scale=10.0,
        shift="width",
        max_shift=0.5,
    )
    fp32 = module(image)
    with torch.autocast("cpu", torch.bfloat16):
        bf16 = module(image)
    assert bf16.y_pred.dtype == bf16.logits.dtype == torch.float32
    assert (bf16.y_pred - fp32.y_pred).abs().max() < 0.005 * BINS.range
