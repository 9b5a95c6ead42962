"""Shared by all tests: no network, seeds, and small CLIP models of every kind in folders."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # a test that reaches for the network must fail, not wait

import numpy as np
import open_clip
import pytest
import safetensors.torch
import torch
from PIL import Image

from sknumclip import LinguisticBins, NumCLIPRegressor

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
BINS = {"few": (0, 10), "many": (10, 30), "very many": (30, 100)}
FAST = dict(bins=BINS, max_epochs=2, batch_size=4, random_state=0, verbose=0, lr=1e-3)
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


@pytest.fixture(scope="session")
def clip_models(tmp_path_factory):
    """model_name of a small random CLIP model of each kind."""
    root = tmp_path_factory.mktemp("clip")
    return {kind: save_clip(root / kind, config) for kind, config in MODELS.items()}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def small_pictures():
    """Eight 40 × 48 pictures."""
    return np.random.default_rng(0).integers(0, 256, size=(8, 40, 48, 3), dtype=np.uint8)


@pytest.fixture
def pixels():
    return small_pictures()


@pytest.fixture
def data(pixels):
    """The pictures and their labels."""
    return pixels, Y


@pytest.fixture
def files(pixels, tmp_path):
    """The pictures as files."""
    return save_pictures(tmp_path, pixels)


@pytest.fixture(scope="session")
def make(clip_models):
    """Make a small fast regressor; keyword arguments override."""

    def make(kind="clip", **kwargs):
        return NumCLIPRegressor(**{"model_name": clip_models[kind], **FAST, **kwargs})

    return make


@pytest.fixture(scope="session")
def untrained_folder(clip_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("untrained")
    bins = LinguisticBins(("few", "many"), (0, 20, 100), centers=(5, 40))
    params = dict(model_name=clip_models["clip"], max_epochs=0, random_state=0, verbose=0)
    NumCLIPRegressor(bins, **params).fit(small_pictures(), Y).save(folder)
    return folder


@pytest.fixture
def untrained(untrained_folder, tmp_path):
    """A folder of a saved model, to be damaged."""
    return shutil.copytree(untrained_folder, tmp_path / "untrained")
