"""
How much does it help on my images?
===================================

Compares, on a folder of images and a CSV with their numbers, few-shot and with all data:
zero-shot CLIP, NumCLIP with a frozen and with a fine-tuned image tower, ``RidgeCV`` on the frozen
embeddings, and the same image tower fine-tuned with a plain linear head and L1. Prints the mean
absolute error, mean ± standard deviation over seeds, as a Markdown table::

    python examples/benchmark_folder.py FOLDER FOLDER/labels.csv \
        --model local-dir:MODEL_FOLDER --bins age --template "the person is a {}." \
        --results results.csv

The CSV has a column of file names, relative to the folder, a column of numbers, and a column that
says ``train`` or ``test``. Each result is appended to the results file as soon as it is there, and
what is in the file is not computed again.
"""

import argparse
import copy
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_absolute_error
from torch import nn

from sknumclip import NumCLIPRegressor
from sknumclip._device import resolve_autocast_dtype, resolve_device
from sknumclip.backbone import load_backbone
from sknumclip.canvases import CanvasStore
from sknumclip.images import Images, training_views
from sknumclip.modules import ImageEncoder

CANVAS_SCALE = 8 / 7  # as in NumCLIPRegressor

# %%
# What is compared
# ----------------
# All methods see the same images at the same size, and the two fine-tuned ones the same crops,
# batches and epochs.


def zero_shot(params, seed, epochs):
    return NumCLIPRegressor(**params, max_epochs=0, fine_tune="none")


def numclip_frozen(params, seed, epochs):
    return NumCLIPRegressor(**params, fine_tune="none", random_state=seed)


def numclip_full(params, seed, epochs):
    return NumCLIPRegressor(**params, fine_tune="full", random_state=seed, max_epochs=epochs)


class RidgeOnEmbeddings:
    """RidgeCV on the frozen tower's embeddings."""

    def __init__(self, params, seed, epochs):
        self.embedder = zero_shot(params, seed, epochs)

    def fit(self, X, y):
        embeddings = self.embedder.fit(X, y).transform(X)
        self.ridge = RidgeCV(np.logspace(-3, 3, 13)).fit(embeddings, y)
        return self

    def predict(self, X):
        return self.ridge.predict(self.embedder.transform(X))


class LinearHead:
    """The image tower with a linear layer after it, trained end to end with L1."""

    def __init__(self, params, seed, epochs, lr=1e-4, head_lr=1e-2):
        self.params, self.seed, self.epochs = params, seed, epochs
        self.lr, self.head_lr = lr, head_lr

    def fit(self, X, y):
        torch.manual_seed(self.seed)
        backbone = load_backbone(self.params["model_name"], self.params["pretrained"])
        tower = copy.deepcopy(backbone.visual).requires_grad_(True)
        self.device = resolve_device("auto")
        self.encoder = ImageEncoder(tower, backbone.preprocessing, CANVAS_SCALE).to(self.device)
        self.head = nn.Linear(backbone.embed_dim, 1).to(self.device)
        self.center, self.scale = float(np.mean(y)), float(np.std(y))
        groups = [
            {"params": self.encoder.parameters(), "lr": self.lr},
            {"params": self.head.parameters(), "lr": self.head_lr},
        ]
        optimizer = torch.optim.Adam(groups, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.epochs)
        target = torch.tensor((np.asarray(y) - self.center) / self.scale, dtype=torch.float32)
        store = self._store(X, "memory")
        generator = torch.Generator().manual_seed(self.seed)
        for _ in range(self.epochs):
            order = torch.randperm(len(store), generator=generator).numpy()
            for indices, canvases, _ in store.batches(np.split(order, range(32, len(order), 32))):
                views = training_views(
                    torch.from_numpy(canvases), backbone.preprocessing.size, generator
                )
                (self._forward(views) - target[indices]).abs().mean().backward()
                optimizer.step()
                optimizer.zero_grad()
            schedule.step()
        self.encoder.eval()
        return self

    def predict(self, X):
        store = self._store(X, None)
        batches = store.batches(np.split(np.arange(len(X)), range(64, len(X), 64)))
        with torch.no_grad():
            y_pred = [self._forward(torch.from_numpy(canvases)) for _, canvases, _ in batches]
        return torch.cat(y_pred).numpy() * self.scale + self.center

    def _store(self, X, cache):
        return CanvasStore(Images(X), self.encoder.preprocessing, scale=CANVAS_SCALE, cache=cache)

    def _forward(self, pixels):
        dtype = resolve_autocast_dtype("auto", self.device)
        with torch.autocast(self.device.type, dtype=dtype, enabled=dtype is not None):
            features = self.encoder(pixels.to(self.device))
        return self.head(features.float())[:, 0].cpu()


METHODS = {
    "zero-shot": zero_shot,
    "RidgeCV on frozen embeddings": RidgeOnEmbeddings,
    "linear head, fine-tuned, L1": LinearHead,
    "NumCLIP, fine_tune='none'": numclip_frozen,
    "NumCLIP, fine_tune='full'": numclip_full,
}

# %%
# The protocol
# ------------


def few_shot(y, shots, seed):
    """Positions of `shots` samples of each different number, or of all samples."""
    if shots == "all":
        return np.arange(len(y))
    rng = np.random.default_rng(seed)
    positions = pd.Series(np.arange(len(y))).groupby(np.asarray(y))
    chosen = [rng.permutation(group)[: int(shots)] for _, group in positions]
    return np.sort(np.concatenate(chosen))


def run(args, params, table):
    paths = [str(Path(args.folder) / name) for name in table[args.path_column]]
    table = table.assign(path=paths)
    train, test = (table[table[args.split_column] == split] for split in ("train", "test"))
    results = Path(args.results)
    settings = {"model": args.model, "bins": args.bins, "template": args.template}
    done = _read(results) if results.exists() else None
    for shots, epochs in zip(args.shots, args.epochs, strict=True):
        for seed in range(args.seeds):
            chosen = train.iloc[few_shot(train[args.target], shots, seed)]
            for name in args.methods:
                row = dict(settings, method=name, shots=shots, seed=seed, epochs=epochs)
                if done is not None and (done[list(row)] == pd.Series(row)).all(axis=1).any():
                    continue
                started = time.perf_counter()
                model = METHODS[name](params, seed, epochs)
                model.fit(chosen["path"].tolist(), chosen[args.target].to_numpy())
                error = mean_absolute_error(test[args.target], model.predict(test["path"].tolist()))
                row |= dict(
                    n=len(chosen), mae=error, seconds=round(time.perf_counter() - started, 1)
                )
                print(row, flush=True)
                pd.DataFrame([row]).to_csv(
                    results, mode="a", header=not results.exists(), index=False
                )
    return _read(results)


def _read(results):
    return pd.read_csv(results, dtype={"shots": str, "bins": str})


def report(results):
    """Markdown table of mean ± sd; a paired difference is over the same seeds."""
    cells = results.groupby(["method", "shots"])["mae"].agg(["mean", "std"])
    text = cells.apply(lambda cell: f"{cell['mean']:.2f} ± {cell['std']:.2f}", axis=1)
    shots = list(dict.fromkeys(results["shots"]))
    return text.unstack()[shots].reindex([name for name in METHODS if name in text]).to_markdown()


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("csv")
    parser.add_argument("--model", default="ViT-B-16")
    parser.add_argument("--pretrained", default="openai")
    parser.add_argument(
        "--bins", default="age", help="a preset, a number, or JSON {words: [low, high]}"
    )
    parser.add_argument("--template", default="the person is a {}.")
    parser.add_argument("--path-column", default="file")
    parser.add_argument("--target", default="age")
    parser.add_argument("--split-column", default="split")
    parser.add_argument("--shots", nargs="+", default=["1", "4", "all"], help="images per number")
    parser.add_argument("--epochs", nargs="+", type=int, default=[30, 20, 10], help="one per shots")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--results", default="results.csv")
    args = parser.parse_args()
    bins = args.bins
    if bins.startswith("{"):
        bins = {words: tuple(ends) for words, ends in json.loads(bins).items()}
    params = dict(
        bins=int(bins) if str(bins).isdigit() else bins,
        template=args.template,
        model_name=args.model,
        pretrained=args.pretrained,
        verbose=0,
    )
    print(report(run(args, params, pd.read_csv(args.csv))))


if __name__ == "__main__":
    main()
