"""Small CLIP models, images and processes that many tests need."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import open_clip
import pytest
import safetensors.torch
import torch
from PIL import Image

from sknumclip import LinguisticBins, NumCLIPRegressor
from sknumclip.clip.backbone import Preprocessing
from sknumclip.datasets import make_counting_images

RED, WHITE, GREY = (255, 0, 0), (255, 255, 255), (128, 128, 128)

# Real pictures, which the project does not contain.
REAL_DATA = Path(os.environ.get("SKNUMCLIP_REAL_DATA", "/nonexistent"))
FACES, FACE_CLIP = REAL_DATA / "utkface-dev", REAL_DATA / "face-clip-tiny"
needs_faces = pytest.mark.skipif(
    not (FACES.is_dir() and FACE_CLIP.is_dir()),
    reason="set SKNUMCLIP_REAL_DATA to a folder with utkface-dev and face-clip-tiny",
)

VISION = {
    "vit": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
    "resnet": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
}


TEXT = {"context_length": 20, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}


MODELS = {
    "clip": {"embed_dim": 16, "vision_cfg": VISION["vit"], "text_cfg": TEXT},
    "quickgelu": {
        "embed_dim": 16,
        "vision_cfg": VISION["vit"],
        "text_cfg": TEXT,
        "quick_gelu": True,
    },
    "resnet": {"embed_dim": 16, "vision_cfg": VISION["resnet"], "text_cfg": TEXT},
    "custom": {
        "embed_dim": 16,
        "vision_cfg": VISION["vit"],
        "text_cfg": TEXT,
        "custom_text": True,
    },
    # As in SigLIP: padding is attended to, the last position is taken, logits have a bias.
    "siglip": {
        "embed_dim": 16,
        "vision_cfg": VISION["vit"],
        "text_cfg": {**TEXT, "no_causal_mask": True, "pool_type": "last", "proj_bias": True},
        "custom_text": True,
        "init_logit_bias": -10,
    },
}


Y = np.array([1.0, 5, 9, 12, 28, 40, 77, 99])  # labels of the fixture `pixels`
GRADES = np.where(Y < 20, "few", "many")  # the same in words


BINS = {"few": (0, 10), "many": (10, 30), "very many": (30, 100)}
FEW_OR_MANY = LinguisticBins(("few", "many"), (0, 20, 100), centers=(5, 40))

# Bins for the counts of make_counting_images.
THREE_COUNTS = {"a few": (1, 10), "many": (10, 40), "countless": (40, 101)}
FOUR_COUNTS = {"a few": (1, 6), "several": (6, 16), "many": (16, 40), "countless": (40, 101)}


def with_settings(Estimator, **settings):
    """Return a subclass with other class attributes, as a user would write it."""
    return type(Estimator.__name__, (Estimator,), settings)


FromZeroShot = with_settings(NumCLIPRegressor, solve_first=False)  # fine-tuned as in the paper


FAST = dict(bins=BINS, max_epochs=2, batch_size=4, random_state=0, verbose=0, lr=1e-3)
TINY = dict(model_name="tiny", verbose=0)
TINY_FROZEN = dict(**TINY, fine_tune="none", random_state=0)
TINY_FAST = dict(**TINY_FROZEN, max_epochs=1)


PREPROCESSING = {
    "mean": [0.5, 0.4, 0.3],
    "std": [0.2, 0.25, 0.3],
    "interpolation": "bilinear",
    "resize_mode": "shortest",
}


def save_clip(folder, config, preprocessing=PREPROCESSING):
    """Save a CLIP model with random weights in open_clip's local-dir format."""
    torch.manual_seed(0)
    config = json.loads(json.dumps(config))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": preprocessing})
    )
    custom = config.pop("custom_text", False)
    model = (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**config)
    safetensors.torch.save_model(model, folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"


def save_pictures(folder, pictures, suffix=".png"):
    """Save arrays or PIL images as files in a folder, which is made; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [str(folder / f"{i}{suffix}") for i in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path)
    return paths


def run_python(command, timeout, cwd=None, env=None):
    """Run Python and return what it prints; kill it and all it started when the time is up."""
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"} if env is None else env,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, output
    return output


def peak_memory(reset=False):
    """Return the most memory this process has held, in bytes; 0 where the system does not tell.

    With reset the record starts anew from what is held now, or heavier tests before would hide
    what is looked for.
    """
    status, record = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not record.exists():
        return 0
    if reset:
        record.write_text("5")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


def small_pictures(n=8, size=(40, 48)):
    """Make pictures of random pixels, uint8 of shape (n, height, width, 3)."""
    return np.random.default_rng(0).integers(0, 256, size=(n, *size, 3), dtype=np.uint8)


def counting_files(folder, n):
    """Save n pictures of shapes to count in a folder; return their paths and counts."""
    X, y = make_counting_images(n, random_state=0)
    return save_pictures(folder, X), y


def bad_files(folder):
    """Files that are no readable images, with a part of the reason given for each."""
    Image.effect_noise((64, 64), 50).save(folder / "whole.jpg")
    (folder / "truncated.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:600])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("not an image")
    (folder / "folder.jpg").mkdir()
    return {
        folder / "truncated.jpg": "truncated",
        folder / "empty.jpg": "0 bytes",
        folder / "text.jpg": "it begins with b'not an image'",
        folder / "folder.jpg": "a folder",
        folder / "missing.jpg": "no such file",
    }


def preprocessing(resize_mode):
    return Preprocessing((28, 28), (0.5,) * 3, (0.5,) * 3, "bicubic", resize_mode, 9)
