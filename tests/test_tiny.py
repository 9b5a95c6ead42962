"""The model inside the package: loads offline, is small, and knows words better than digits."""

from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from sknumclip import datasets

FOLDER = Path(datasets.__file__).parent.parent / "clip" / "tiny"
BINS = {
    "a few": (1, 6),
    "several": (6, 16),
    "many": (16, 40),
    "dozens of": (40, 70),
    "countless": (70, 101),
}
CENTERS = [(low + high) / 2 for low, high in BINS.values()]
TEMPLATE = "a picture of {} shapes."


@pytest.fixture(scope="module")
def tiny():
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{FOLDER}")
    return model.eval(), preprocess, open_clip.get_tokenizer(f"local-dir:{FOLDER}")


@pytest.fixture(scope="module")
def held_out(tiny):
    """Normalized image features and counts of pictures that were not trained on."""
    model, preprocess, _ = tiny
    X, y = datasets.make_counting_images(300, random_state=11)
    images = torch.stack([preprocess(Image.fromarray(picture)) for picture in X])
    with torch.no_grad():
        return model.encode_image(images, normalize=True), y


@torch.no_grad()
def zero_shot_error(tiny, held_out, names, template=TEMPLATE, centers=CENTERS):
    """Mean absolute error of the centers weighted by how well their names fit."""
    (model, _, tokenizer), (features, y) = tiny, held_out
    texts = model.encode_text(tokenizer([template.format(n) for n in names]), normalize=True)
    proba = (model.logit_scale.exp() * features @ texts.T).softmax(dim=1).numpy()
    return np.abs(proba @ np.asarray(centers) - y).mean()


def test_is_a_standard_open_clip_model(tiny):
    model, _, _ = tiny
    assert type(model) is open_clip.CLIP
    assert model.token_embedding.num_embeddings == 49408
    assert 1 <= model.logit_scale.exp() <= 100.001


def test_folder_stays_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 10e6


def test_weights_are_finite_and_unseen_words_are_not_zero(tiny):
    model, _, tokenizer = tiny
    assert all(p.isfinite().all() for p in model.parameters())
    unseen = tokenizer("xylophone")[0, 1:-1]
    assert (model.token_embedding(unseen[unseen != 0]).norm(dim=-1) > 0).all()


def test_words_beat_digits_and_the_median(tiny, held_out):
    words = zero_shot_error(tiny, held_out, list(BINS))
    digits = zero_shot_error(tiny, held_out, [f"{center:g}" for center in CENTERS])
    median = np.abs(held_out[1] - np.median(held_out[1])).mean()
    assert words < 0.6 * digits
    assert words < 0.6 * median


def test_generic_names_for_amounts_are_understood(tiny, held_out):
    _, y = held_out
    names = ["very low", "low", "medium", "high", "very high"]
    edges = np.quantile(y, np.linspace(0, 1, len(names) + 1))
    error = zero_shot_error(tiny, held_out, names, "{}", (edges[1:] + edges[:-1]) / 2)
    assert error < 0.6 * np.abs(y - np.median(y)).mean()


def test_words_are_in_the_right_order(tiny, held_out):
    (model, _, tokenizer), (features, y) = tiny, held_out
    with torch.no_grad():
        texts = model.encode_text(tokenizer([TEMPLATE.format(n) for n in BINS]), normalize=True)
    best = (features @ texts.T).argmax(dim=1).numpy()
    medians = [np.median(y[best == k]) for k in range(len(BINS))]
    assert medians == sorted(medians)
