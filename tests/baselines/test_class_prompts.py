"""Prompts of the baselines read as the text tower reads the sentences they stand for."""

import dataclasses

import numpy as np
import pytest
import torch

from sknumclip.baselines.class_prompts import (
    ContextPrompts,
    RankFormerPrompts,
    RankPrompts,
    class_tokens,
    interpolation_weights,
)
from sknumclip.clip.backbone import load_backbone
from sknumclip.model.prompts import TokenPrompts

NUMBERS = ["7", "8", "123"]


@pytest.fixture(params=["clip", "siglip"])
def backbone(clip_models, request):
    return load_backbone(clip_models[request.param])


def test_prompts_start_as_the_sentences(backbone):
    prompts = ContextPrompts.from_numbers(backbone, "age of the person", NUMBERS)
    sentences = TokenPrompts.from_texts(backbone, [f"age of the person {n}." for n in NUMBERS])
    torch.testing.assert_close(prompts(), sentences())
    assert prompts.context == slice(1, 5)


def test_only_the_context_is_learned_and_shared(backbone):
    prompts = ContextPrompts.from_numbers(backbone, 5, NUMBERS)
    prompts.own_tower()
    prompts.tower.requires_grad_(False)
    assert {name for name, p in prompts.named_parameters() if p.requires_grad} == {"embeddings"}
    prompts().square().sum().backward()
    assert prompts.embeddings.shape == (1, 5, 32)
    assert prompts.embeddings.grad.abs().sum() > 0


def test_random_context_is_seeded(backbone):
    first, same, other = (
        ContextPrompts.from_numbers(backbone, 3, NUMBERS, torch.Generator().manual_seed(seed))()
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def without_start(backbone):
    """The same model with a tokenizer that does not mark the start of a text, as SigLIP's."""
    tokenizer, limit = backbone.tokenizer, backbone.text.context_length

    def tokenize(texts, context_length=limit):
        return tokenizer(texts, context_length=context_length + 1)[:, 1:]

    changed = dataclasses.replace(backbone)
    vars(changed)["tokenizer"] = tokenize
    return changed


def test_texts_without_a_mark_of_their_start_keep_their_numbers(clip_models):
    backbone = without_start(load_backbone(clip_models["siglip"]))
    tokens, n_context = class_tokens(backbone, "age of the person", NUMBERS)
    assert n_context == 4
    prompts = ContextPrompts.from_numbers(backbone, "age of the person", NUMBERS)
    torch.testing.assert_close(prompts.words(), backbone.token_embedding(tokens))
    ranks = RankPrompts.from_numbers(
        backbone,
        "age",
        ["X"] * 2,
        weights=torch.eye(2),
        base_ranks=torch.stack([torch.zeros(32), torch.ones(32)]),
    )
    torch.testing.assert_close(ranks.words()[:, 1, 0], torch.tensor([0.0, 1.0]))
    random = ContextPrompts.from_numbers(backbone, np.int64(3), NUMBERS)
    torch.testing.assert_close(random.words()[:, 3], backbone.token_embedding(tokens)[:, 4])


@pytest.mark.parametrize("interpolation", ["linear", "inverse"])
def test_base_ranks_themselves_and_the_middle_between_two(interpolation):
    weights = interpolation_weights(5, 2, interpolation)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(5))
    torch.testing.assert_close(weights[2], torch.tensor([0.5, 0.5]))
    torch.testing.assert_close(weights[0], torch.tensor([1.0, 0.0]), atol=1e-4, rtol=0)
    assert (weights[:, 0].diff() < 0).all()


def test_rank_tokens_stand_after_the_context(backbone):
    prompts = RankPrompts.from_numbers(
        backbone,
        "age",
        ["X"] * 5,
        weights=interpolation_weights(5, 2, "linear"),
        base_ranks=torch.stack([torch.zeros(32), torch.ones(32)]),
    )
    words = prompts.words()
    torch.testing.assert_close(words[:, 2, 0], torch.linspace(0, 1, 5))
    assert torch.equal(words[:, 1], words[:1, 1].expand(5, -1))
    prompts().square().sum().backward()
    assert (prompts.base_ranks.grad.abs().sum(dim=1) > 0).all()


def test_rank_former_starts_near_the_sentences_and_sees_all_ranks(backbone):
    prompts = RankFormerPrompts.from_numbers(backbone, "age", NUMBERS)
    plain = ContextPrompts.from_numbers(backbone, "age", NUMBERS)
    change = (prompts() - plain()).norm() / plain().norm()
    assert 0 < change < 0.2
    before = prompts.words()[0].detach()
    with torch.no_grad():
        prompts.fixed_embeddings[1] += 1
    assert not torch.equal(prompts.words()[0], before)
    with torch.no_grad():
        prompts.blend.zero_()
        prompts.fixed_embeddings[1] -= 1
    torch.testing.assert_close(prompts(), plain())
