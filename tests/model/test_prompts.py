"""Prompts: worded right, learnable where they should be, too long ones refused."""

import pytest
import torch

from sknumclip import LinguisticBins
from sknumclip.clip.backbone import load_backbone
from sknumclip.model.prompts import FeaturePrompts, TokenPrompts, prompt_texts, tokenize

BINS = LinguisticBins.from_mapping({"child": (0, 13), "much older adult": (13, 100)})


@pytest.fixture
def backbone(clip_models):
    return load_backbone(clip_models["clip"])


def test_texts():
    assert prompt_texts(BINS, "a {}!") == ["a child!", "a much older adult!"]
    assert prompt_texts(BINS, "{} years", "numbers") == ["6.5 years", "56.5 years"]


@pytest.mark.parametrize("template", ["no place", "{} and {}", "{0}", "", 5])
def test_bad_templates(template):
    with pytest.raises(ValueError, match="exactly one {}"):
        prompt_texts(BINS, template)


def test_braces_in_descriptions_are_words():
    bins = LinguisticBins(("{}", "{x}"), (0, 1, 2))
    assert prompt_texts(bins, "a {}") == ["a {}", "a {x}"]


def test_tokens_are_cut_to_the_longest_prompt(backbone):
    assert tokenize(backbone, ["child", "much older adult"]).shape == (2, 5)


def test_prompts_that_would_be_cut_short_are_refused(backbone):
    fits, too_long = "x " * 18, "x " * 19
    assert tokenize(backbone, [fits]).shape == (1, 20)
    with pytest.raises(ValueError, match="1 of 2 prompts have more tokens than the 20"):
        tokenize(backbone, [fits, too_long])


def test_only_words_are_learned(backbone):
    prompts = TokenPrompts.from_texts(backbone, prompt_texts(BINS, "{}"))
    prompts().square().sum().backward()
    moved = prompts.embeddings.grad.abs().sum(dim=2) > 0
    # start, child, end, padding, padding / start, much, older, adult, end
    assert moved.tolist() == [[False, True, False, False, False], [False, *[True] * 3, False]]
    assert all(p.grad is None for p in prompts.tower.parameters())


def test_random_prompts_differ_from_words_in_the_words_only(backbone):
    texts = prompt_texts(BINS, "{}")
    words, random, same = (
        TokenPrompts.from_texts(backbone, texts, random=random) for random in (False, True, False)
    )
    assert torch.equal(words(), same())
    differs = (words.embeddings != random.embeddings).any(dim=2)
    assert torch.equal(differs, words.is_word[..., 0])
    assert random.embeddings[1, 1:4].std().item() == pytest.approx(
        backbone.token_embedding.weight.std().item(), rel=0.3
    )


@pytest.mark.parametrize("kind", ["clip", "custom", "siglip"])
def test_both_kinds_of_prompts_start_at_the_same_features(clip_models, kind):
    backbone = load_backbone(clip_models[kind])
    texts = prompt_texts(BINS, "a {}")
    tokens = TokenPrompts.from_texts(backbone, texts)()
    features = FeaturePrompts.from_texts(backbone, texts)()
    torch.testing.assert_close(features, torch.nn.functional.normalize(tokens, dim=1))


def test_the_shared_tower_is_not_touched(backbone):
    prompts = TokenPrompts.from_texts(backbone, ["x", "y"])
    prompts.own_tower()
    prompts.double()
    assert prompts.tower is not backbone.text
    assert next(backbone.text.parameters()).dtype == torch.float32
    prompts.release()
    assert prompts.tower is None


def test_large_numbers_are_written_out():
    bins = LinguisticBins(("a", "b", "c"), (1_000_000, 1_000_010, 1_000_020, 1_000_030.5))
    texts = ["1000005", "1000015", "1000025"]
    assert prompt_texts(bins, "{}", "numbers") == texts
    thirds = LinguisticBins(("a", "b"), (0, 1 / 3, 1))
    assert prompt_texts(thirds, "{}", "numbers") == ["0.166667", "0.666667"]
