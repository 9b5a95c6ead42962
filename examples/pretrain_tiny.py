"""
Pretrain the tiny CLIP of the package
=====================================

Trains the model for ``model_name="tiny"`` from scratch in minutes: a small CLIP that has seen only
drawn images of shapes, with captions that describe amounts like people do, mostly in vague words,
and in digits only for small counts::

    python examples/pretrain_tiny.py --out tiny              # train, save, evaluate
    python examples/pretrain_tiny.py --evaluate tiny         # only evaluate
"""

import argparse
import itertools
import json
import math
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file

from sknumclip.datasets import make_counting_images

CONFIG = {
    "model_cfg": {
        "embed_dim": 64,
        "vision_cfg": {
            "image_size": 64,
            "patch_size": 8,
            "width": 64,
            "layers": 3,
            "head_width": 32,
            "pool_type": "avg",  # counting is summing
        },
        "text_cfg": {
            "context_length": 24,
            "vocab_size": 49408,
            "width": 64,
            "heads": 2,
            "layers": 3,
        },
    },
    "preprocess_cfg": {
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    },
}

# %%
# Captions
# --------
# Each phrase may be used for counts in its range. The ranges overlap, as they do for people.

AMOUNTS = {  # phrase: (lowest count, highest count, how often it is used)
    "a single": (1, 1, 2),
    "a couple of": (2, 3, 2),
    "a few": (2, 7, 4),
    "a handful of": (3, 8, 1),
    "several": (5, 15, 4),
    "about ten": (8, 13, 1),
    "about a dozen": (9, 17, 3),
    "a lot of": (15, 60, 2),
    "many": (15, 45, 4),
    "dozens of": (32, 78, 4),
    "lots and lots of": (45, 110, 1),
    "about a hundred": (80, 125, 1),
    "a huge crowd of": (60, math.inf, 2),
    "countless": (65, math.inf, 4),
}
for number, word in enumerate(["one", "two", "three", "four", "five"], start=1):
    AMOUNTS[word] = (number, number, 1)
    AMOUNTS[str(number)] = (number, number, 0.25)

GRADES = {
    "lowest": (1, 2, 1),
    "extremely low": (1, 3, 1),
    "very low": (1, 5, 2),
    "low": (4, 19, 2),
    "fairly low": (9, 27, 1),
    "medium": (16, 44, 2),
    "moderate": (16, 44, 1),
    "fairly high": (32, 60, 1),
    "high": (38, 75, 2),
    "very high": (63, math.inf, 2),
    "extremely high": (80, math.inf, 1),
    "highest": (88, math.inf, 1),
}

AMOUNT_SENTENCES = [
    "{}",
    "{}",
    "a picture of {}",
    "a picture of {}.",
    "a photo of {}",
    "a photo of {}.",
    "a drawing of {}",
    "an image with {}",
    "an image showing {}",
    "there are {}",
    "there are {} in the picture.",
    "I can see {}",
    "{} on a plain background",
    "look at this, {}!",
]
GRADE_SENTENCES = [
    "{grade}",
    "a {grade} number of {things}",
    "a picture with a {grade} number of {things}",
    "the number of {things} is {grade}",
    "the number of {things} is {grade}.",
    "the amount is {grade}",
    "the amount of {things} is {grade}",
    "the count is {grade}.",
]
NOUNS = {
    "disc": ["dots", "discs", "circles"],
    "square": ["squares", "boxes"],
    "triangle": ["triangles"],
}
GENERIC_NOUNS = ["shapes", "objects", "things"]


def write_caption(count, shape, color, rng):
    """Write a caption for an image of `count` `color` `shape`s, like a person might."""
    things = rng.choice(NOUNS[shape] if rng.uniform() < 0.6 else GENERIC_NOUNS)
    if rng.uniform() < 0.4:
        things = f"{color} {things}"
    # People guess, and are off by about 12 %.
    guess = max(1, round(count * math.exp(0.12 * rng.normal())))

    kind = rng.uniform()
    if kind < 0.05:  # not everybody cares how many there are
        return rng.choice(["{}", "a picture of {}", "some {}"]).replace("{}", things)
    if kind < 0.35:
        sentence = rng.choice(GRADE_SENTENCES)
        caption = sentence.format(grade=choose_phrase(GRADES, guess, rng), things=things)
        return caption.replace("a extremely", "an extremely")
    amount = choose_phrase(AMOUNTS, guess, rng)
    if kind < 0.45:
        return amount.removesuffix(" of")
    if guess == 1:
        things = things.removesuffix("es" if things.endswith("boxes") else "s")
    caption = rng.choice(AMOUNT_SENTENCES).format(f"{amount} {things}")
    return caption.replace("there are", "there is") if guess == 1 else caption


def choose_phrase(phrases, count, rng):
    """Draw one of the phrases for `count`, by their weights."""
    fitting = {p: w for p, (low, high, w) in phrases.items() if low <= count <= high}
    weights = np.array(list(fitting.values()))
    return str(rng.choice(list(fitting), p=weights / weights.sum()))


# %%
# Training
# --------

PICTURE_SEED = 1_000_000  # far from the seeds that people type, so that theirs are held out
CHUNK = 1000


def draw_pictures(n_pictures):
    """Draw training images and their attributes on all cores."""
    n_chunks = math.ceil(n_pictures / CHUNK)
    draw = partial(make_counting_images, CHUNK, return_attributes=True)
    with ProcessPoolExecutor() as pool:
        jobs = [pool.submit(draw, random_state=PICTURE_SEED + i) for i in range(n_chunks)]
        chunks = [job.result() for job in jobs]
    X = np.concatenate([X for X, _, _ in chunks])
    facts = [zip(y, a["shape"], a["color"], strict=True) for _, y, a in chunks]
    return X, list(itertools.chain.from_iterable(facts))


def to_input(X, device):
    """Convert uint8 images to a normalized float tensor of shape (n, 3, height, width)."""
    pixels = torch.as_tensor(X, device=device).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(CONFIG["preprocess_cfg"][k], device=device) for k in ("mean", "std"))
    return (pixels - mean[:, None, None]) / std[:, None, None]


def make_optimizer(model, lr):
    """Make AdamW with weight decay only for matrices, not for gains, biases and embeddings."""
    no_decay = {"token_embedding.weight", "positional_embedding", "visual.positional_embedding"}
    groups = {True: [], False: []}
    for name, parameter in model.named_parameters():
        groups[parameter.ndim >= 2 and name not in no_decay].append(parameter)
    return torch.optim.AdamW(
        [{"params": groups[True], "weight_decay": 0.05}, {"params": groups[False]}],
        lr=lr,
        weight_decay=0.0,
        betas=(0.9, 0.98),
    )


def train(n_pictures, n_steps, batch_size, lr, device, seed):
    """Train with CLIP's contrastive loss; return the model."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    started = time.perf_counter()
    X, facts = draw_pictures(n_pictures)
    print(f"drew {len(X)} pictures in {time.perf_counter() - started:.0f} s", flush=True)

    model = open_clip.CLIP(**CONFIG["model_cfg"]).to(device).train()
    tokenizer = open_clip.SimpleTokenizer(
        context_length=CONFIG["model_cfg"]["text_cfg"]["context_length"]
    )
    optimizer = make_optimizer(model, lr)
    warmup = max(1, n_steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda i: min((i + 1) / warmup, 0.5 + 0.5 * math.cos(math.pi * i / n_steps)),
    )
    targets = torch.arange(batch_size, device=device)
    running = math.log(batch_size)
    for step in range(1, n_steps + 1):
        chosen = rng.choice(len(X), batch_size, replace=False)
        images = to_input(X[chosen], device)
        # A rotated or mirrored image has the same caption.
        images = torch.rot90(images, int(rng.integers(4)), (2, 3))
        images = images.flip(3) if rng.uniform() < 0.5 else images
        texts = tokenizer([write_caption(*facts[i], rng) for i in chosen]).to(device)
        with torch.autocast(torch.device(device).type, dtype=torch.bfloat16):
            image_features = model.encode_image(images, normalize=True)
            text_features = model.encode_text(texts, normalize=True)
        logits = model.logit_scale.exp() * image_features.float() @ text_features.float().T
        loss = (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        running += 0.05 * (loss.item() - running)
        if step % 50 == 0 or step == n_steps:
            elapsed = time.perf_counter() - started
            scale = model.logit_scale.exp().item()
            print(
                f"step {step:5d}/{n_steps}  loss {running:.3f}  logit scale {scale:.1f}"
                f"  {elapsed:.0f} s",
                flush=True,
            )
    return model.eval()


def save(model, folder):
    """Write a folder for open_clip's ``local-dir:folder``, with weights in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().half().cpu().contiguous() for k, v in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors", metadata={"format": "pt"})
    (folder / "open_clip_config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")


# %%
# Evaluation
# ----------
# Zero-shot regression: bin centers weighted by how well their descriptions fit.

BINS = {
    "a few": (1, 6),
    "several": (6, 16),
    "many": (16, 40),
    "dozens of": (40, 70),
    "countless": (70, 101),
}
TEMPLATE = "a picture of {} shapes."
GENERIC = ["very low", "low", "medium", "high", "very high"]


@torch.no_grad()
def predict_zero_shot(folder, pictures, names, centers, template=TEMPLATE):
    """Predict counts zero-shot with the model in `folder`."""
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    model.eval()
    images = torch.stack([preprocess(Image.fromarray(picture)) for picture in pictures])
    image_features = model.encode_image(images, normalize=True)
    texts = tokenizer([template.format(name) for name in names])
    text_features = model.encode_text(texts, normalize=True)
    probabilities = (model.logit_scale.exp() * image_features @ text_features.T).softmax(dim=1)
    return (probabilities @ torch.tensor(centers, dtype=torch.float32)).numpy()


def evaluate(folder, n_samples=2000, seed=2024):
    """Print the mean absolute errors on images that were not used for training."""
    X, y = make_counting_images(n_samples, random_state=seed)
    centers = [(low + high) / 2 for low, high in BINS.values()]
    edges = np.quantile(y, np.linspace(0, 1, len(GENERIC) + 1))
    quantile_centers = (edges[1:] + edges[:-1]) / 2
    predict = partial(predict_zero_shot, folder, X)
    predictions = {
        f"words {list(BINS)}": predict(list(BINS), centers),
        f"digits {[f'{c:g}' for c in centers]}": predict([f"{c:g}" for c in centers], centers),
        f"quantile bins {GENERIC}": predict(GENERIC, quantile_centers, "{}"),
        "the median, always": np.full(n_samples, np.median(y)),
    }
    print(f"mean absolute error on {n_samples} held-out pictures, seed {seed}:")
    for name, y_pred in predictions.items():
        print(f"{np.abs(y - y_pred).mean():7.2f}  {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--out", type=Path, help="train, and write the model to this folder")
    parser.add_argument("--evaluate", type=Path, help="evaluate the model in this folder")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--pictures", type=int, default=16_000)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if not (args.out or args.evaluate):
        parser.error("give --out FOLDER, --evaluate FOLDER or both")
    if args.out:
        model = train(args.pictures, args.steps, args.batch_size, args.lr, args.device, args.seed)
        save(model, args.out)
    evaluate(args.evaluate or args.out)


if __name__ == "__main__":
    main()
