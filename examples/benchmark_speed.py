"""
Speed compared with the theoretical limit
=========================================

The image tower is the only necessary work; everything else should be negligible. Each row compares
one job with that limit in one run: the two alternate, after a warm-up, and the table has the median
ratio with its minimum and maximum::

    python examples/benchmark_speed.py --model ViT-B-32 --results speed.csv
    python examples/benchmark_speed.py --device cuda --model ViT-B-16 --results speed.csv
    python examples/benchmark_speed.py --quick

Towers have random weights: speed does not depend on what they have learned.
"""

import argparse
import copy
import functools
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import open_clip
import pandas as pd
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_model
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from sknumclip import CLIPEmbedder, LinguisticBins, NumCLIPRegressor
from sknumclip.clip.backbone import load_backbone
from sknumclip.images.canvases import CanvasStore
from sknumclip.images.embeddings import clear_embedding_cache
from sknumclip.images.reading import Images
from sknumclip.losses import fcrc_loss
from sknumclip.machine.device import resolve_autocast_dtype
from sknumclip.model.modules import ImageEncoder, NumCLIPModule
from sknumclip.model.prompts import TokenPrompts, prompt_texts
from sknumclip.model.solved import SolvedModule
from sknumclip.training.batches import Samples
from sknumclip.training.net import NumCLIPNet
from sknumclip.training.targets import Targets

BINS = LinguisticBins.from_preset("age")
TEMPLATE = "the person is a {}."

# %%
# Measuring
# ---------


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def seconds(job, device):
    synchronize(device)
    started = time.perf_counter()
    job()
    synchronize(device)
    return time.perf_counter() - started


def side_by_side(ours, limit, device, repeats):
    """Ratios of the time of `ours` to that of `limit`, run in turn."""
    ours(), limit()
    ratios = []
    for i in range(repeats):
        jobs = {"ours": ours, "limit": limit}
        # Alternate the order: the second may find warm caches or a throttled processor.
        order = list(jobs) if i % 2 else list(jobs)[::-1]
        times = {name: seconds(jobs[name], device) for name in order}
        ratios.append((times["ours"] / times["limit"], times["ours"], times["limit"]))
    return np.array(ratios)


class Bench:
    """Everything the rows share."""

    def __init__(self, args, folder):
        self.device = torch.device(args.device)
        self.dtype = resolve_autocast_dtype("auto", self.device)
        self.quick = args.quick
        self.repeats = 3 if args.quick else 7
        self.batch_size = args.batch_size
        self.folder = folder
        self.model_name = save_random(args.model, folder / "clip")
        self.backbone = load_backbone(self.model_name)
        self.rng = np.random.default_rng(0)

    def params(self, **changes):
        shared = dict(bins=BINS, template=TEMPLATE, model_name=self.model_name)
        shared |= dict(device=str(self.device), random_state=0, verbose=0)
        return {**shared, **changes}

    def n_images(self, n):
        """More on a GPU, which would be done with `n` before anything can be measured."""
        return 8 * n if self.device.type == "cuda" else n

    def pixels(self, n):
        size = self.backbone.preprocessing.size
        return self.rng.integers(0, 256, size=(n, *size, 3), dtype=np.uint8)

    def labels(self, n):
        return self.rng.uniform(0, 100, n)

    def jpegs(self, n, side=400):
        folder = self.folder / "jpegs"
        folder.mkdir(exist_ok=True)
        paths = [folder / f"{i}.jpg" for i in range(n)]
        for path in paths:
            if not path.exists():
                low = self.rng.integers(0, 256, size=(side // 16, side // 16, 3), dtype=np.uint8)
                Image.fromarray(low).resize((side, side)).save(path, quality=90)
        return [str(path) for path in paths]

    def plain_tower(self):
        """The image tower as open_clip makes it."""
        return open_clip.create_model_from_pretrained(
            self.model_name, return_transform=False
        ).visual

    def autocast(self):
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not None)


def save_random(architecture, folder):
    """Save an architecture with random weights the way open_clip loads them."""
    torch.manual_seed(0)
    folder.mkdir()
    config = open_clip.get_model_config(architecture)
    preprocessing = {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "shortest"}
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": preprocessing})
    )
    save_model(open_clip.create_model(architecture), folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"


# %%
# One training step
# -----------------


def training_step(bench, n_steps=1, compiled=False, paper=False):
    """Our step, or several, by the net that ``fit`` uses; the paper's trains prompts, too."""
    n, backbone = bench.batch_size * n_steps, bench.backbone
    bins_of = torch.from_numpy(BINS.assign(y := bench.labels(n)))
    targets = Targets(torch.tensor(y, dtype=torch.float32), bins_of, torch.ones(n))
    canvases = torch.randint(0, 256, (n, 3, *backbone.preprocessing.size), dtype=torch.uint8)

    def make_module():
        visual = copy.deepcopy(backbone.visual).requires_grad_(True)
        if compiled:
            visual.compile()
        encoder = ImageEncoder(visual, backbone.preprocessing)
        shared = dict(bins=BINS, shift="width", max_shift=0.5)
        if not paper:
            return SolvedModule(encoder, n_features=backbone.embed_dim, of_clip=True, **shared)
        prompts = TokenPrompts.from_texts(backbone, prompt_texts(BINS, TEMPLATE))
        return NumCLIPModule(encoder, prompts, logit_scale=backbone.logit_scale, **shared)

    words = {"prompts": 1e-4} if paper else {"weights": 1e-2, "bias": 1e-2}
    net = NumCLIPNet(
        make_module,
        ranking_loss=functools.partial(fcrc_loss, beta=4.0),
        l1_weight=1.0,
        label_range=BINS.range,
        param_groups={"encoder": 1e-5, "regressor": 1e-3, **words},
        seed=0,
        lr_factor=lambda epoch, max_epochs: 1.0,
        device=bench.device,
        batch_size=bench.batch_size,
        autocast_dtype=bench.dtype,
        graph_steps=True,
        train_split=None,
        verbose=0,
        callbacks__train_loss=None,
        callbacks__valid_loss=None,
        callbacks__print_log=None,
    ).initialize()
    net.notify("on_train_begin", X=None, y=None)
    samples = Samples(canvases, targets, np.arange(n))

    def step():
        net.fit_loop(samples, epochs=1)

    return step


def bare_step(bench, compiled=False):
    """The image tower's forward, backward and Adam step, and nothing else."""
    visual = bench.plain_tower().train().to(bench.device)
    if compiled:
        visual.compile()
    optimizer = torch.optim.Adam(visual.parameters(), lr=1e-5, fused=True)
    images = torch.randn(bench.batch_size, 3, *bench.backbone.preprocessing.size)
    images = images.to(bench.device)

    def step():
        with bench.autocast():
            features = visual(images)
        features.float().square().mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def released_style_step(bench):
    """The step as the released code is described: 77 tokens, loops over samples, RAdam."""
    backbone, device = bench.backbone, bench.device
    model = open_clip.create_model_from_pretrained(bench.model_name, return_transform=False)
    model = model.train().to(device)
    model.transformer.requires_grad_(False)  # the text tower's rate is 0 there
    tokens = backbone.tokenizer(prompt_texts(BINS, TEMPLATE)).to(device)
    with torch.no_grad():
        prompts = model.token_embedding(tokens).clone().requires_grad_(True)
    head = torch.nn.Linear(BINS.n_bins, BINS.n_bins).to(device)
    trained = [*model.visual.parameters(), prompts, *head.parameters()]
    optimizer = torch.optim.RAdam(trained, lr=1e-5)
    images = torch.randn(bench.batch_size, 3, *backbone.preprocessing.size).to(device)
    y = torch.tensor(bench.labels(bench.batch_size), dtype=torch.float32).to(device)
    assigned = BINS.assign(y.cpu().numpy())
    left_edges = torch.tensor(BINS.edges[:-1]).to(device)
    # On a CPU the released code computes in fp32; on a GPU precision is kept equal.
    precision = bench.autocast if device.type == "cuda" else torch.enable_grad

    def encode_prompts():
        x = prompts + model.positional_embedding
        x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask))
        return x[torch.arange(len(x)), tokens.argmax(dim=1)] @ model.text_projection

    def loop_weights(n_columns):
        rows = []
        for own in torch.as_tensor(assigned).to(device).cpu().numpy().tolist():
            total = sum(abs(own - k) for k in range(n_columns))
            rows.append(
                [
                    1.0 if k == own else abs(own - k) / total * (n_columns - 1)
                    for k in range(n_columns)
                ]
            )
        return torch.tensor(rows).to(device)

    def step():
        with precision():
            z = F.normalize(model.visual(images), dim=1)
            w = F.normalize(encode_prompts(), dim=1)
        logits = backbone.logit_scale * z.float() @ w.float().T
        own = torch.as_tensor(assigned).to(device)
        loss = F.cross_entropy(logits * loop_weights(BINS.n_bins), own)
        loss = loss + F.kl_div(
            (logits * loop_weights(BINS.n_bins)).log_softmax(1),
            F.one_hot(own, BINS.n_bins).float(),
            reduction="batchmean",
        )
        moved = left_edges / (1 + torch.tanh(head(logits)))
        loss = loss + ((logits.softmax(1) * moved).sum(1) - y).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def row_step(bench, other_step, compiled=False, paper=False):
    """As many steps one after another as it takes to keep a GPU busy, as in an epoch."""
    n_steps = 20 if bench.device.type == "cuda" else 1
    ours = training_step(bench, n_steps, compiled, paper)
    other = other_step(bench, compiled=True) if compiled else other_step(bench)

    def others():
        for _ in range(n_steps):
            other()

    return side_by_side(ours, others, bench.device, bench.repeats) * [1, 1 / n_steps, 1 / n_steps]


def against_products(bench, ours, counted, n_counted=1):
    """Our job against the matrix products of `counted`, times `n_counted`, and nothing else.

    The rate is that of one large product on this machine.
    """
    with FlopCounterMode(display=False) as counter:
        counted()
    size = 8192 if bench.device.type == "cuda" else 2048
    a, b = torch.randn(2, size, size, device=bench.device, dtype=bench.dtype or torch.float32)
    n_products = n_counted * counter.get_total_flops() / (2 * size**3)
    n_run = max(1, round(n_products))

    def products():
        for _ in range(n_run):
            a @ b

    ratios = side_by_side(ours, products, bench.device, bench.repeats)
    return ratios * [n_run / n_products, 1, n_products / n_run]


def row_step_flops(bench, batch_size=None, compiled=False):
    bench = copy.copy(bench)
    bench.batch_size = batch_size or bench.batch_size
    n_steps = 10 if bench.device.type == "cuda" else 1
    ours = training_step(bench, n_steps, compiled)
    return against_products(bench, ours, bare_step(bench), n_steps)


def row_same_fit_twice(bench):
    """Largest difference of two fits with one seed, against the range of the bins."""
    X, y = bench.pixels(n := bench.n_images(32)), bench.labels(n)
    params = bench.params(max_epochs=2, canvas_scale=1)
    first, second = (NumCLIPRegressor(**params).fit(X, y).predict(X) for _ in range(2))
    difference = np.abs(first - second).max()
    return np.array([(difference / BINS.range, difference, BINS.range)])


def row_synchronizations(bench):
    """How often 20 steps wait for the GPU beyond what one step does."""
    counts = {}
    for n_steps in (20, 1):
        steps = training_step(bench, n_steps)
        steps()
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
            steps()
        waits = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
        counts[n_steps] = sum(e.count for e in profiler.key_averages() if e.key in waits)
    return np.array([(counts[20] / max(1, counts[1]), counts[20], counts[1])])


# %%
# Prediction
# ----------


def bare_encoder(bench):
    """The tower alone, cast once to the precision of the prediction."""
    visual = bench.plain_tower().eval().to(bench.device)
    if bench.dtype is not None:
        visual = visual.to(bench.dtype)
    images = torch.randn(64, 3, *bench.backbone.preprocessing.size).to(bench.device)
    images = images.to(bench.dtype or torch.float32)

    def encode(n):
        with torch.no_grad():
            for _ in range(n // 64):
                visual(images)

    return encode


def fitted(bench, **changes):
    X, y = bench.pixels(8), bench.labels(8)
    changes = {"max_epochs": 0, "canvas_scale": 1, **changes}
    return NumCLIPRegressor(**bench.params(**changes)).fit(X, y)


def row_predict_memory(bench):
    n = bench.n_images(128 if bench.quick else 256)
    reg, X, bare = fitted(bench), bench.pixels(n), bare_encoder(bench)
    return side_by_side(lambda: reg.predict(X), lambda: bare(n), bench.device, bench.repeats)


def row_encode_flops(bench):
    """The tower of a model in prediction, pixels already on the device."""
    n, n_batches = 256 if bench.device.type == "cuda" else 32, 10
    encoder = ImageEncoder(bench.backbone.visual, bench.backbone.preprocessing)
    encoder = encoder.on(bench.device, bench.dtype).eval()
    pixels = torch.randint(0, 256, (n, 3, *bench.backbone.preprocessing.size), dtype=torch.uint8)
    pixels = pixels.to(bench.device)
    plain = bench.plain_tower().eval().to(bench.device)

    def ours():
        with torch.no_grad(), bench.autocast():
            for _ in range(n_batches):
                encoder(pixels)

    def counted():
        with torch.no_grad(), bench.autocast():
            plain(pixels.float())

    return against_products(bench, ours, counted, n_batches)


def row_predict_files(bench):
    n = bench.n_images(128)
    reg, paths, bare = fitted(bench), bench.jpegs(n), bare_encoder(bench)
    store = CanvasStore(Images(paths), bench.backbone.preprocessing)
    decode = seconds(lambda: store.read_all("raise"), bench.device)
    tower = seconds(lambda: bare(n), bench.device)
    slower = (lambda: store.read_all("raise")) if decode > tower else (lambda: bare(n))
    return side_by_side(lambda: reg.predict(paths), slower, bench.device, bench.repeats)


def row_memory(bench):
    """Peak memory of ``predict`` by ``tiny`` on few and on many files, each in its own process.

    Read from Linux's /proc: `getrusage` counts what the parent had when it forked.
    """
    sizes = (200, 1000) if bench.quick else (1000, 20_000)
    paths = bench.jpegs(200, side=64)
    code = (
        "import sys, json\n"
        "from sknumclip import NumCLIPRegressor\n"
        "paths, n = json.loads(sys.argv[1]), int(sys.argv[2])\n"
        "reg = NumCLIPRegressor('age', model_name='tiny', max_epochs=0, verbose=0)\n"
        "reg.fit(paths[:4], [1, 2, 30, 40])\n"
        "reg.predict((paths * (n // len(paths) + 1))[:n])\n"
        "print([line.split()[1] for line in open('/proc/self/status') if 'VmHWM' in line][0])\n"
    )
    peaks = {n: [] for n in sizes}
    for _ in range(2):
        for n in sizes:
            command = [sys.executable, "-c", code, json.dumps(paths), str(n)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            peaks[n].append(int(done.stdout))
    few, many = (np.array(peaks[n]) * 1024 / 1e9 for n in sizes)
    return np.stack([many / few, many, few], axis=1)


# %%
# Whole fits
# ----------


def row_epochs_files(bench):
    """Epochs after the first: their durations in the history of two fits."""
    n = 64 if bench.quick else 96
    paths, y = bench.jpegs(n), bench.labels(n)
    images = [Image.open(path).convert("RGB") for path in paths]
    ratios = []
    for _ in range(1 if bench.quick else 2):
        files, memory = (
            NumCLIPRegressor(**bench.params(max_epochs=4)).fit(X, y).history_["dur"][1:]
            for X in (paths, images)
        )
        ratios += [(f / m, f, m) for f, m in zip(files, memory, strict=True)]
    return np.array(ratios)


@functools.cache
def embedding_pass(bench, n):
    """Seconds that it takes to embed n JPEG files."""
    paths = bench.jpegs(n, side=256)
    embedder = CLIPEmbedder(model_name=bench.model_name, device=str(bench.device), verbose=0)

    def embed():
        clear_embedding_cache()
        embedder.fit_transform(paths)

    return np.median([seconds(embed, bench.device) for _ in range(3)])


def row_frozen_fit(bench, **params):
    n = 500 if bench.quick else 2000
    limit = embedding_pass(bench, n)
    Z = fitted(bench, fine_tune="none").transform(bench.jpegs(n, side=256))
    y = bench.labels(n)
    reg = NumCLIPRegressor(**bench.params(fine_tune="none", **params))
    times = [seconds(lambda: reg.fit(Z, y), bench.device) for _ in range(3)]
    return np.array([(t / limit, t, limit) for t in times])


def row_search_in_workers(bench):
    """A frozen search by two worker processes that share a folder, against one process."""
    paths, y = bench.jpegs(n := 250 if bench.quick else 1000, side=256), bench.labels(n)
    grid = {"beta": [0, 4], "bins": [BINS, 5]}

    def search(n_jobs, folder):
        clear_embedding_cache()
        reg = NumCLIPRegressor(**bench.params(fine_tune="none", image_cache=folder))
        GridSearchCV(reg, grid, cv=3, n_jobs=n_jobs).fit(paths, y)

    times = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            workers = seconds(lambda folder=folder: search(2, folder), bench.device)
        times.append((workers, seconds(lambda: search(1, "auto"), bench.device)))
    return np.array([(ours / limit, ours, limit) for ours, limit in times])


def row_grid_search(bench, pipeline=False):
    n = 500 if bench.quick else 2000
    limit = embedding_pass(bench, n)
    paths, y = bench.jpegs(n, side=256), bench.labels(n)
    estimator = NumCLIPRegressor(**bench.params(fine_tune="none"))
    grid = {"beta": [0, 1, 2, 4, 8, 16], "bins": [BINS, 5]}
    if pipeline:
        embedder = CLIPEmbedder(model_name=bench.model_name, device=str(bench.device), verbose=0)
        estimator = make_pipeline(embedder, estimator)
        grid = {f"numclipregressor__{name}": values for name, values in grid.items()}
    search = GridSearchCV(estimator, grid, cv=5, scoring="neg_mean_absolute_error")
    clear_embedding_cache()
    ours = seconds(lambda: search.fit(paths, y), bench.device)
    return np.array([(ours / limit, ours, limit)])


# %%
# Small things
# ------------


def row_import(bench):
    def run(code):
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    ours = run("from sknumclip import NumCLIPRegressor")
    other = run("import torch, sklearn.base")
    return side_by_side(ours, other, torch.device("cpu"), bench.repeats)


def row_busy_machine(bench, n_busy=2):
    """The quickstart while other processes keep the cores busy, against a quiet machine."""
    script = Path(__file__).resolve().parent / "plot_01_quickstart.py"

    def quickstart():
        environment = {**os.environ, "MPLBACKEND": "agg"}
        command = [sys.executable, str(script)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, check=True, cwd=bench.folder, env=environment, **quiet)

    def beside_others():
        busy = [subprocess.Popen([sys.executable, "-c", "while True: 1"]) for _ in range(n_busy)]
        try:
            quickstart()
        finally:
            for process in busy:
                process.kill()

    return side_by_side(beside_others, quickstart, torch.device("cpu"), 3)


def row_clone(bench):
    reg = NumCLIPRegressor(**bench.params())
    times = [seconds(lambda: clone(reg), torch.device("cpu")) for _ in range(20)]
    return np.array([(t / 1e-3, t, 1e-3) for t in times])


def row_pickle(bench):
    size = len(pickle.dumps(NumCLIPRegressor(**bench.params())))
    return np.array([(size / 10e3, size / 1e9, 10e3 / 1e9)])


def row_save(bench):
    fitted(bench, fine_tune="none", max_epochs="auto").save(bench.folder / "saved")
    size = sum(file.stat().st_size for file in (bench.folder / "saved").iterdir())
    return np.array([(size / 1e6, size / 1e9, 1e6 / 1e9)])


OF_PRODUCTS = "its FLOPs at the rate of one large product"  # 1 / ratio is the share of that rate
ROWS = {  # what is measured: against what, the goal, how
    "one training step": (
        "bare tower step, same precision",
        1.08,
        functools.partial(row_step, other_step=bare_step),
    ),
    "the paper's training step": (
        "bare tower step, same precision",
        1.08,
        functools.partial(row_step, other_step=bare_step, paper=True),
    ),
    "the paper's training step, and the released code": (
        "written as the released code is",
        0.45,
        functools.partial(row_step, other_step=released_style_step, paper=True),
    ),
    "one training step, its FLOPs": (OF_PRODUCTS, 1 / 0.7, row_step_flops),
    "prediction, its FLOPs": (OF_PRODUCTS, 1 / 0.8, row_encode_flops),
    "predict, uint8 in memory": ("bare encode_image loop", 1 / 0.95, row_predict_memory),
    "predict, JPEG files": ("decoding or tower alone", 1 / 0.85, row_predict_files),
    "epochs after the first, files": ("epochs from memory", 1.05, row_epochs_files),
    "frozen fit": ("one embedding pass", 0.25, row_frozen_fit),
    "frozen fit, 100 epochs": (
        "one embedding pass",
        0.25,
        functools.partial(row_frozen_fit, max_epochs=100),
    ),
    "grid search 12 x 5, frozen": ("one embedding pass", 1.5, row_grid_search),
    "the same search, CLIPEmbedder in a pipeline": (
        "one embedding pass",
        1.5,
        functools.partial(row_grid_search, pipeline=True),
    ),
    "frozen search, n_jobs=2, image_cache a folder": ("n_jobs=1", 1.0, row_search_in_workers),
    "quickstart beside two busy processes": ("a quiet machine", 1.8, row_busy_machine),
    "quickstart beside six busy processes": (
        "a quiet machine",
        2.5,
        functools.partial(row_busy_machine, n_busy=6),
    ),
    "peak memory, many files (GB)": ("few files (GB)", 1.05, row_memory),
    "import NumCLIPRegressor": ("import torch, sklearn.base", 1.4, row_import),
    "clone": ("1 ms", 1.0, row_clone),
    "pickle, unfitted (GB)": ("10 kB (GB)", 1.0, row_pickle),
    "save, frozen (GB)": ("1 MB (GB)", 1.0, row_save),
}
CUDA_ROWS = {
    "one training step": (
        "bare tower step, same precision",
        1 / 0.92,
        functools.partial(row_step, other_step=bare_step),
    ),
    "the paper's training step": (
        "bare tower step, same precision",
        1 / 0.92,
        functools.partial(row_step, other_step=bare_step, paper=True),
    ),
    "the paper's training step, and the released code": (
        "written as the released code is, same precision",
        0.6,
        functools.partial(row_step, other_step=released_style_step, paper=True),
    ),
    "one training step, compiled": (
        "bare tower step, compiled",
        1 / 0.92,
        functools.partial(row_step, other_step=bare_step, compiled=True),
    ),
    "one training step, its FLOPs": (OF_PRODUCTS, 1 / 0.35, row_step_flops),
    "step, compiled": (OF_PRODUCTS, 1 / 0.35, functools.partial(row_step_flops, compiled=True)),
    "step of 256": (OF_PRODUCTS, 1 / 0.45, functools.partial(row_step_flops, batch_size=256)),
    "step of 256, compiled": (
        OF_PRODUCTS,
        1 / 0.45,
        functools.partial(row_step_flops, batch_size=256, compiled=True),
    ),
    "prediction, batches of 256": (OF_PRODUCTS, 1 / 0.7, row_encode_flops),
    "the same fit twice (difference)": ("range of the bins", 0.005, row_same_fit_twice),
    "waits for the GPU in 20 steps (number)": ("in 1 step (number)", 1.0, row_synchronizations),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", default="ViT-B-32")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--quick", action="store_true", help="fewer images and repeats")
    parser.add_argument("--rows", nargs="+", metavar="ROW", help="by their names; all of them")
    parser.add_argument("--results", default="speed.csv")
    args = parser.parse_args()
    available = ROWS | CUDA_ROWS if args.device.startswith("cuda") else ROWS
    if unknown := set(args.rows or []) - set(available):
        parser.error(f"no rows {sorted(unknown)}; there are {list(available)}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, Path(folder))
        for name in args.rows or available:
            against, goal, measure = available[name]
            ratio, ours, limit = measure(bench).T
            rows.append(
                {
                    "what": name,
                    "against": against,
                    "ratio": round(np.median(ratio), 3),
                    "share": round(1 / np.median(ratio), 3) if against == OF_PRODUCTS else "",
                    "min": round(ratio.min(), 3),
                    "max": round(ratio.max(), 3),
                    "goal": f"<= {goal:.2f}",
                    "met": bool(np.median(ratio) <= goal),
                    "ours": f"{np.median(ours):.3g}",
                    "limit": f"{np.median(limit):.3g}",
                }
            )
            print(rows[-1], flush=True)
            pd.DataFrame(rows).to_csv(args.results, index=False)
    print(pd.DataFrame(rows).to_markdown(index=False))


if __name__ == "__main__":
    main()
