"""Prompts: worded right, learnable where they should be, too long ones refused."""

import numpy as np
import pytest
import torch
from factories import MODELS, save_clip

from sknumclip import LinguisticBins, NumCLIPClassifier, NumCLIPRegressor
from sknumclip.baselines import (
    CoOpRegressor,
    L2RCLIPRegressor,
    OrdinalCLIPRegressor,
    ZeroShotCLIPRegressor,
)
from sknumclip.clip.backbone import load_backbone
from sknumclip.model.prompts import (
    FeaturePrompts,
    TokenPrompts,
    check_prompts,
    prompt_texts,
    tokenize,
)

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


@pytest.fixture(scope="module")
def canonical(tmp_path_factory):
    """model_name of a CLIP model whose tokenizer drops signs, as SigLIP's does."""
    text = {**MODELS["clip"]["text_cfg"], "tokenizer_kwargs": {"clean": "canonicalize"}}
    folder = tmp_path_factory.mktemp("canonical")
    return save_clip(folder, {**MODELS["clip"], "text_cfg": text})


FEATURES, Y = np.random.default_rng(0).normal(size=(4, 16)), [1, 3, 7, 9]
FROZEN = dict(fine_tune="none", max_epochs=1, verbose=0)


@pytest.mark.parametrize(
    ("kind", "a", "b", "read"),
    [
        ("canonical", "<5", ">5", "5"),
        ("canonical", "a child's", "a childs", "a childs"),
        ("clip", "a child\u2019s toy", "a child's toy", "a child 's toy"),
        ("clip", "6 5 years", "65 years", "6 5 years"),
    ],
)
def test_uniqueness_is_of_tokens_not_of_text(clip_models, canonical, kind, a, b, read):
    name = canonical if kind == "canonical" else clip_models[kind]
    bins = {a: (0, 5), b: (5, 10)}
    estimators = [
        NumCLIPRegressor(bins, model_name=name, **FROZEN),
        NumCLIPClassifier([1, 3, 7, 9], descriptions=[a, "x", b, "y"], model_name=name, **FROZEN),
        ZeroShotCLIPRegressor(bins, model_name=name, verbose=0),
    ]
    for estimator in estimators:
        with pytest.raises(ValueError, match="the same prompt") as error:
            estimator.fit(FEATURES, Y)
        for text in (a, b, read):
            assert repr(text) in str(error.value)
    # what the tokenizer makes of them does not matter where their words are forgotten again
    NumCLIPRegressor(bins, model_name=name, prompt_init="random", **FROZEN).fit(FEATURES, Y)


def test_the_advice_on_prompts_that_are_one_works(canonical):
    bins = {"under 5": (0, 5), "over 5": (5, 10)}
    NumCLIPRegressor(bins, model_name=canonical, **FROZEN).fit(FEATURES, Y)


def test_unicode_forms_of_one_prompt_are_one(backbone):
    with pytest.raises(ValueError, match="the same prompt"):
        check_prompts(backbone, ["caf\u00e9", "cafe\u0301"])
    with pytest.raises(ValueError, match="the same prompt"):
        check_prompts(backbone, ["child", "child"])


def test_numbers_that_lose_their_point_are_refused(clip_models, canonical):
    bins = {"child": (0, 13), "adult": (13, 18)}
    for cls, fast in ((NumCLIPRegressor, FROZEN), (ZeroShotCLIPRegressor, {"verbose": 0})):
        params = dict(prompt_init="numbers", **fast)
        with pytest.raises(ValueError, match=r"reads the number '6\.5' as '6 5'"):
            cls(bins, model_name=canonical, **params).fit(FEATURES, Y)
        cls(bins, model_name=clip_models["clip"], **params).fit(FEATURES, Y)
    whole = LinguisticBins(("child", "adult"), (0, 13, 18), centers=(6, 15))
    NumCLIPRegressor(whole, model_name=canonical, prompt_init="numbers", **FROZEN).fit(FEATURES, Y)
    NumCLIPRegressor(bins, model_name=canonical, **FROZEN).fit(FEATURES, Y)  # words


@pytest.mark.parametrize("cls", [CoOpRegressor, L2RCLIPRegressor])
def test_numbers_of_classes_that_lose_their_sign_are_refused(clip_models, canonical, cls):
    below = [-3, -2, -2, -1]
    with pytest.raises(ValueError, match="reads the number '-3' as '3'"):
        cls(model_name=canonical, **FROZEN).fit(FEATURES, below)
    with pytest.raises(ValueError, match=r"the same prompt of .*-1.* and .*1"):
        cls(model_name=canonical, **FROZEN).fit(FEATURES, [-1, 0, 1, 1])
    cls(model_name=clip_models["clip"], **FROZEN).fit(FEATURES, below)
    cls(model_name=canonical, **FROZEN).fit(FEATURES, [1, 2, 3, 1])


def test_numbers_that_are_learned_need_not_be_read(canonical):
    OrdinalCLIPRegressor(model_name=canonical, **FROZEN).fit(FEATURES, [-3, -2, 2, 3])
