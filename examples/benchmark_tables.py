"""
The paper's tables, on your own data or on the paper's
======================================================

Runs methods × shots × seeds and prints the tables of the paper: ``full`` (Tables 1 to 3),
``few_shot`` (Table 4), ``ablation`` (Table 5), ``distance`` (Table 6), and ``settings``, which the
paper leaves open: β, norm, masking, shift and the loss of the authors' code. ``samples`` draws
training images at random instead of some per label, and includes common methods on embeddings;
``ranking`` leaves parts out of the solved fit, on images drawn at random; ``fine_tuned`` compares
heads at several learning rates. For example::

    python examples/benchmark_tables.py --dataset counting --table few_shot
    python examples/benchmark_tables.py --dataset utkface --data FOLDER \
        --model local-dir:MODEL --table few_shot ablation distance settings
    python examples/benchmark_tables.py --dataset folder --data FOLDER --label age --bins age \\
        --template "the person is a {}." --table full
    python examples/benchmark_tables.py --dataset folder --data FOLDER --label red_cells \\
        --split split --template "{} red cells." --table samples --results cells.csv \\
        --bins '{"no": [0, 3], "a few": [3, 8], "several": [8, 14], "many": [14, 30]}'
    python examples/benchmark_tables.py --dataset morph2 --data FOLDER --lists LISTS --table full \
        --fine-tune full

Each finished cell is written to the results file at once, and cells in the file are not computed
again, so a killed run can be resumed. A Markdown file and a figure for each table are written next
to the results file.
"""

# sphinx_gallery_thumbnail_path = '_static/samples_faces.png'

import argparse
import json
import os
import shlex
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import ttest_rel
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from sknumclip import CLIPEmbedder, NumCLIPRegressor, baselines, datasets
from sknumclip.bins.class_bins import unit_bins
from sknumclip.losses import FCRC
from sknumclip.metrics import ordinal_metrics

# %%
# Data
# ----


@dataclass
class Task:
    """What to learn, from what, and in which words."""

    X: object
    y: np.ndarray
    splits: list  # pairs of training and test indices; seed s uses number s modulo their number
    bins: object
    template: str
    fine_bins: object = None
    classes: object = None  # for the accuracy of the nearest class
    unit: float = 1.0  # of the errors in the tables, in units of y
    canvas_scale: float = 8 / 7
    default_model: tuple = ("ViT-B-16", "openai")
    paper: dict = field(default_factory=dict)  # errors in the paper, by method and shots

    @property
    def context(self):
        """The words before the number, for baselines that learn them."""
        return self.template.split("{}")[0].strip()


PAPER_MORPH2 = pd.DataFrame(  # Table 4, but for "all" of NumCLIP, which is 2.08 in Table 1
    {
        "zero-shot, words": [None, None, None, None, None, 6.09],
        "CoOp": [5.09, 4.50, 3.81, 3.57, 3.23, 2.39],
        "OrdinalCLIP": [4.94, 4.36, 3.55, 3.31, 3.07, 2.32],
        "L2RCLIP": [4.54, 3.92, 3.40, 3.28, 2.81, 2.13],
        "NumCLIP": [3.61, 3.17, 3.20, 2.96, 2.79, 2.08],
    },
    index=["1", "2", "4", "8", "16", "all"],
).to_dict()
PAPER_HISTORICAL = {
    "zero-shot, words": {"all": 1.48},
    "CoOp": {"all": 0.76},
    "OrdinalCLIP": {"all": 0.67},
    "L2RCLIP": {"all": 0.43},
    "NumCLIP": {"all": 0.35},
}
PAPER_AESTHETICS = {
    "zero-shot, words": {"all": 0.502},
    "head, sord": {"all": 0.290},
    "CoOp": {"all": 0.302},
    "OrdinalCLIP": {"all": 0.280},
    "L2RCLIP": {"all": 0.245},
    "NumCLIP": {"all": 0.236},
}


def counting(args):
    X, y = datasets.make_counting_images(2000, random_state=0)
    words = {"a few": (1, 6), "several": (6, 16), "many": (16, 40)}
    return Task(
        X,
        y,
        [(np.arange(1400), np.arange(1400, 2000))],
        bins={**words, "dozens of": (40, 70), "countless": (70, 101)},
        template="a picture of {} shapes.",
        canvas_scale=1,  # the whole picture must be seen
        default_model=("tiny", None),
    )


def ages(bunch, paper=None):
    return Task(
        bunch.paths,
        bunch.y,
        _splits(bunch),
        bins="age",
        fine_bins="age_fine",
        template="the person is a {}.",
        paper=paper or {},
    )


def utkface(args):
    return ages(datasets.load_utkface(args.data))


def morph2(args):
    lists = sorted(map(str, Path(args.lists).glob("*.txt")))
    return ages(datasets.load_morph2(args.data, lists), PAPER_MORPH2)


def historical_color(args):
    bunch = datasets.load_historical_color(args.data)
    return Task(
        bunch.paths,
        bunch.y,
        _splits(bunch),
        bins="decade",
        template="a photo taken in the {}.",
        classes=bunch.classes,
        unit=10.0,
        paper=PAPER_HISTORICAL,
    )


def image_aesthetics(args):
    bunch = datasets.load_image_aesthetics(args.data)
    return Task(
        bunch.paths,
        bunch.y,
        _splits(bunch),
        bins="aesthetics",
        template="a photo of {} quality.",
        classes=bunch.classes,
        paper=PAPER_AESTHETICS,
    )


def folder(args):
    bunch = datasets.load_folder(args.data, label=args.label, split=args.split)
    return Task(bunch.paths, bunch.y, _splits(bunch), bins=args.bins, template=args.template)


def _splits(bunch):
    if bunch.folds is not None:
        return list(PredefinedSplit(bunch.folds).split())
    if bunch.split is not None:
        return [tuple(np.flatnonzero(bunch.split == part) for part in ("train", "test"))]
    order = np.random.default_rng(0).permutation(len(bunch.y))
    return [(np.sort(order[len(order) // 5 :]), np.sort(order[: len(order) // 5]))]


DATASETS = {
    f.__name__: f for f in (counting, utkface, morph2, historical_color, image_aesthetics, folder)
}

# %%
# Methods
# -------
# Settings of the baselines are the best of four (heads) to seven (prompts) on faces of UTKFace
# with a frozen tower: on held-out training images, and for the prompts on the test images of one
# seed, in their favor. So are their rates for a fine-tuned tower. NumCLIP has its defaults.

HEAD_LR = {"l1": 0.03, "cross_entropy": 0.03, "sord": 0.03, "corn": 0.1, "triangular": 0.1}
HEAD_TOWER_LR = 3e-5
PROMPTED_TOWER_LR = 1e-4


def numclip(**options):
    def make(task, shared, training):
        words = dict(bins=task.bins, template=task.template)
        return NumCLIPRegressor(**{**words, **shared, **training, **options})

    return make


def zero_shot(prompt_init):
    def make(task, shared, training):
        return baselines.ZeroShotCLIPRegressor(
            task.bins, template=task.template, prompt_init=prompt_init, **shared
        )

    return make


def zero_shot_numbers(task, shared, training):
    """One prompt for each whole number."""
    low, high = int(task.y.min()), int(task.y.max())
    bins = unit_bins([str(number) for number in range(low, high + 1)], first=low)
    return baselines.ZeroShotCLIPRegressor(bins, template=task.template, **shared)


def ridge(task, shared, training):
    return make_pipeline(CLIPEmbedder(**shared), RidgeCV(np.logspace(-3, 3, 13)))


def median(task, shared, training):
    return make_pipeline(CLIPEmbedder(**shared), DummyRegressor(strategy="median"))


def svr(task, shared, training):
    """RBF kernel, tuned by a search of five folds."""
    grid = {
        "svr__C": [0.1, 1, 10, 100],
        "svr__epsilon": [0.05, 0.2],
        "svr__gamma": ["scale", 0.003, 0.01],
    }
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SVR()), grid, scoring="neg_mean_absolute_error", cv=5
    )
    on_scaled_labels = TransformedTargetRegressor(search, transformer=StandardScaler())
    return make_pipeline(CLIPEmbedder(**shared), on_scaled_labels)


def gaussian_process(task, shared, training):
    kernel = ConstantKernel() * RBF(10, (0.1, 1000)) + WhiteKernel(0.5)
    process = GaussianProcessRegressor(kernel, normalize_y=True)
    return make_pipeline(CLIPEmbedder(**shared), StandardScaler(), process)


def prompted(cls, prompt_lr):
    def make(task, shared, training):
        rates = dict(lr=PROMPTED_TOWER_LR, prompt_lr=prompt_lr)
        return cls(context=task.context, **rates, **shared, **training)

    return make


def head(loss, lr=HEAD_TOWER_LR):
    def make(task, shared, training):
        rates = dict(lr=lr, head_lr=HEAD_LR[loss])
        return baselines.ImageHeadRegressor(loss=loss, **rates, **shared, **training)

    return make


def fine_numclip(task, shared, training):
    return numclip(bins=task.fine_bins)(task, shared, training)


class KernelAdapter(RegressorMixin, BaseEstimator):
    """Zero-shot CLIP, and a Gaussian process on what is left of the label."""

    def __init__(self, zero_shot, process):
        self.zero_shot = zero_shot
        self.process = process

    def fit(self, X, y):
        self.zero_shot_ = clone(self.zero_shot).fit(X, y)
        self.process_ = clone(self.process).fit(X, y - self.zero_shot_.predict(X))
        return self

    def predict(self, X):
        return self.zero_shot_.predict(X) + self.process_.predict(X)


def kernel_adapter(task, shared, training):
    embedder, *process = gaussian_process(task, shared, training)
    adapter = KernelAdapter(zero_shot("words")(task, shared, training), make_pipeline(*process))
    return make_pipeline(embedder, adapter)


METHODS = {
    "median": median,
    "zero-shot, words": zero_shot("words"),
    "zero-shot, digits of the bins": zero_shot("numbers"),
    "zero-shot, one prompt per number": zero_shot_numbers,
    "RidgeCV on embeddings": ridge,
    "SVR on embeddings": svr,
    "Gaussian process on embeddings": gaussian_process,
    "kernel adapter": kernel_adapter,
    "head, L1": head("l1"),
    "head, cross-entropy (DEX)": head("cross_entropy"),
    "head, sord": head("sord"),
    "head, corn": head("corn"),
    "head, triangular": head("triangular"),
    **{
        f"head, {name}, {rate}": head(loss, float(rate))
        for name, loss in {"L1": "l1", "cross-entropy": "cross_entropy", "sord": "sord"}.items()
        for rate in ("1e-5", "3e-5", "1e-4")
    },
    "CoOp": prompted(baselines.CoOpRegressor, 1e-2),
    "OrdinalCLIP": prompted(baselines.OrdinalCLIPRegressor, 1e-2),
    "L2RCLIP": prompted(baselines.L2RCLIPRegressor, 3e-3),
    "NumCLIP, 100 epochs": numclip(max_epochs=100),
    "NumCLIP, frozen tower": numclip(fine_tune="none", max_epochs="auto"),
    "random prompts, InfoNCE": numclip(prompt_init="random", ranking_loss="infonce"),
    "random prompts, FCRC": numclip(prompt_init="random"),
    "words, InfoNCE": numclip(ranking_loss="infonce"),
    "NumCLIP": numclip(),
    "NumCLIP, finer bins": fine_numclip,
    "NumCLIP, 5 unnamed bins": numclip(bins=5, template="{}"),
    "distance: sqrt": numclip(ranking_loss=FCRC(distance="sqrt")),
    "distance: squared": numclip(ranking_loss=FCRC(distance="squared")),
    "beta = 0 (InfoNCE)": numclip(beta=0.0),
    "beta = 1": numclip(beta=1.0),
    "beta = 16": numclip(beta=16.0),
    "no ranking loss": numclip(ranking_loss="none"),
    "weight_norm: mean": numclip(ranking_loss=FCRC(weight_norm="mean")),
    "same bin not masked": numclip(ranking_loss=FCRC(mask_same_bin=False)),
    "released code's loss": numclip(ranking_loss="author_code"),
    "shift: relative": numclip(shift="relative"),
    "shift: none": numclip(shift="none"),
    "prompts in digits": numclip(prompt_init="numbers"),
}

# %%
# Tables
# ------

ON_EMBEDDINGS = [
    "RidgeCV on embeddings",
    "SVR on embeddings",
    "Gaussian process on embeddings",
    "kernel adapter",
]
HEADS = [
    "head, L1",
    "head, cross-entropy (DEX)",
    "head, sord",
    "head, corn",
    "head, triangular",
]
PAPER = [
    *("zero-shot, words", "zero-shot, digits of the bins", "zero-shot, one prompt per number"),
    *(*ON_EMBEDDINGS, *HEADS, "CoOp", "OrdinalCLIP", "L2RCLIP"),
    *("NumCLIP", "NumCLIP, finer bins", "NumCLIP, 5 unnamed bins"),
]
ABLATION = ["random prompts, InfoNCE", "random prompts, FCRC", "words, InfoNCE", "NumCLIP"]
SETTINGS = [
    *("NumCLIP", "beta = 0 (InfoNCE)", "beta = 1", "beta = 16", "no ranking loss"),
    *("weight_norm: mean", "same bin not masked", "released code's loss"),
    *("shift: relative", "shift: none", "prompts in digits"),
]
RANKING = [
    *("NumCLIP", "no ranking loss", "beta = 0 (InfoNCE)", "beta = 16"),
    *("prompts in digits", "shift: none"),
]
AT_RATES = [name for name in METHODS if name.startswith("head") and name.endswith(("-4", "-5"))]
SAMPLES = ["median", "zero-shot, words", *ON_EMBEDDINGS, *HEADS, "NumCLIP, 100 epochs", "NumCLIP"]
# The methods and the numbers of training images of each table.
TABLES = {
    "full": (PAPER, ["all"]),
    "few_shot": (PAPER, ["1", "2", "4", "8", "16", "all"]),
    "ablation": (ABLATION, ["4", "all"]),
    "distance": (["NumCLIP", "distance: sqrt", "distance: squared"], ["4", "all"]),
    "settings": (SETTINGS, ["4", "all"]),
    "ranking": (RANKING, ["n=20", "n=50", "n=200", "all"]),
    "fine_tuned": (["NumCLIP, frozen tower", *AT_RATES, "NumCLIP"], ["n=100", "all"]),
    "samples": (SAMPLES, ["n=10", "n=20", "n=50", "n=100", "n=200", "n=500", "n=1000", "all"]),
}
REFERENCE = "NumCLIP"  # differences are to it

# Epochs with a fine-tuned tower: the more images, the fewer.
FULL_EPOCHS = {"1": 30, "2": 25, "4": 20, "8": 15, "16": 12, "all": 10}

# %%
# Running
# -------

# Everything on the command line that a result depends on.
TASK = [
    *("dataset", "data", "lists", "label", "split"),
    *("model", "pretrained", "fine_tune", "max_epochs", "mirror", "bins", "template"),
]
CELL = [*TASK, "method", "shots", "seed"]
COLUMNS = [*CELL, "n", "mae", "accuracy", "qwk", "amae", "seconds"]


def name_task(args, task):
    """The values of the columns of ``TASK``, str each."""
    model = (args.model, args.pretrained) if args.model else task.default_model
    data = (args.dataset, args.data, args.lists, args.label, args.split)
    how = (args.fine_tune, args.max_epochs, args.mirror)
    # "None" would be read back as a missing value.
    return tuple(str(v or "-") for v in (*data, *model, *how, task.bins, task.template))


def run(args, task):
    """Compute all cells that the results file does not have; return those of this task."""
    shared = dict(zip(("model_name", "pretrained"), task.default_model, strict=True))
    if args.model:
        shared = dict(model_name=args.model, pretrained=args.pretrained)
    shared |= dict(canvas_scale=task.canvas_scale, verbose=0)
    cells = [
        (method, shots, seed)
        for table in args.table
        for shots in args.shots or TABLES[table][1]
        for seed in range(args.seeds)
        for method in args.methods or TABLES[table][0]
        if not (method == "NumCLIP, finer bins" and task.fine_bins is None)
    ]
    results = Path(args.results)
    known = set(_read(results)[CELL].itertuples(index=False, name=None))
    for i, (method, shots, seed) in enumerate(cells):
        key = (*name_task(args, task), method, shots, seed)
        if key in known:
            continue
        known.add(key)
        training = dict(fine_tune=args.fine_tune, random_state=seed)
        if args.fine_tune == "full":
            training["max_epochs"] = FULL_EPOCHS.get(shots, 20)
        if args.max_epochs is not None:
            training["max_epochs"] = args.max_epochs
        estimator = METHODS[method](task, shared, training)
        if args.mirror:
            estimator = _on_both_sides(estimator, shared)
        row = dict(zip(CELL, key, strict=True)) | evaluate(estimator, task, shots, seed)
        _append(results, row)
        print(
            f"[{i + 1}/{len(cells)}] {method}, {shots}, seed {seed}: {row['mae']:.3f}", flush=True
        )
    table = _read(results)
    is_ours = (table[TASK] == list(name_task(args, task))).all(axis=1)
    return table[is_ours & (table["seed"] < args.seeds)]


def _on_both_sides(estimator, shared):
    """Average the embeddings of each image and its mirror image."""
    if isinstance(estimator, Pipeline):
        return estimator.set_params(clipembedder__mirror=True)
    return make_pipeline(CLIPEmbedder(**shared, mirror=True), estimator)


def evaluate(estimator, task, shots, seed):
    train, test = task.splits[seed % len(task.splits)]
    if shots.startswith("n="):
        n = min(int(shots[2:]), len(train))
        train = np.random.default_rng(seed).choice(train, n, replace=False)
    elif shots != "all":
        train = train[datasets.few_shot(task.y[train], int(shots), seed)]
    started = time.perf_counter()
    estimator.fit(_take(task.X, train), task.y[train])
    y_pred = estimator.predict(_take(task.X, test))
    metrics = ordinal_metrics(task.y[test], y_pred, task.classes)
    return {
        "n": len(train),
        **metrics,
        "mae": metrics["mae"] / task.unit,
        "seconds": round(time.perf_counter() - started, 1),
    }


def _take(X, indices):
    return X[indices] if isinstance(X, np.ndarray) else [X[i] for i in indices]


def _append(results, row):
    """Add a line and make sure that it is on the disk."""
    is_new = not results.exists()
    is_cut = not is_new and not results.read_bytes().endswith(b"\n")
    with open(results, "a", encoding="utf-8") as file:
        file.write("\n" if is_cut else "")
        pd.DataFrame([row], columns=COLUMNS).to_csv(file, header=is_new, index=False)
        file.flush()
        os.fsync(file.fileno())


def _read(results):
    if not results.exists():
        return pd.DataFrame(columns=COLUMNS)
    # A line cut off by a kill is computed again.
    text = dict.fromkeys([*TASK, "method", "shots"], str)
    table = pd.read_csv(results, dtype=text, on_bad_lines="skip")
    if list(table) != COLUMNS:
        raise SystemExit(f"{results} has other columns than {COLUMNS}. Name a new file: --results.")
    return table.dropna(subset=["seconds"]).astype({"seed": int})


# %%
# Reporting
# ---------


def report(results, task, methods, shots):
    """Markdown table: mean ± sd over seeds, difference to the reference, the paper's number."""
    rows = {}
    for method in methods:
        row = {}
        for s in shots:
            errors = _errors(results, method, s)
            if len(errors):
                deviation = f" ± {errors.std():.2f}" if len(errors) > 1 else " (one seed)"
                row[s] = f"{errors.mean():.2f}{deviation}{_difference(results, method, s)}"
                published = task.paper.get(method, {}).get(s, np.nan)
                row[s] += "" if np.isnan(published) else f" [paper {published:.2f}]"
        if row:
            rows[method] = row
    return pd.DataFrame(rows).T.reindex(columns=shots).fillna("").to_markdown()


def _errors(results, method, shots):
    cells = results[(results["method"] == method) & (results["shots"] == shots)]
    return cells.drop_duplicates("seed", keep="last").set_index("seed")["mae"].sort_index()


def _difference(results, method, shots):
    """95 % interval of the paired difference to the reference, over seeds."""
    errors, reference = _errors(results, method, shots), _errors(results, REFERENCE, shots)
    seeds = errors.index.intersection(reference.index)
    if method == REFERENCE or len(seeds) < 2 or (errors[seeds] == reference[seeds]).all():
        return ""
    interval = ttest_rel(errors[seeds], reference[seeds]).confidence_interval()
    return f" ({interval.low:+.2f} … {interval.high:+.2f})"


def plot(results, methods, shots, file):
    fig, ax = plt.subplots(figsize=(8, 5), layout="constrained")
    for i, method in enumerate(methods):
        errors = [_errors(results, method, s) for s in shots]
        if not any(len(e) for e in errors):
            continue
        style = dict(lw=1.2, color=f"C{i}", ls="-" if i < 10 else "--")
        if method == REFERENCE:
            style = dict(lw=2.5, color="black")
        positions = np.arange(len(shots)) + (i - len(methods) / 2) * 0.02
        means, deviations = [e.mean() for e in errors], [e.std() for e in errors]
        ax.errorbar(
            positions, means, deviations, marker="o", ms=4, capsize=2, label=method, **style
        )
    ax.set(xticks=range(len(shots)), xticklabels=shots, ylabel="mean absolute error")
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:g}")
    ax.set_xlabel("training images" + " per number" * (not shots[0].startswith("n=")))
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    fig.savefig(file, dpi=150)
    plt.close(fig)


def _bins(text):
    return json.loads(text) if text[0] in "{0123456789" else text


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--dataset", choices=DATASETS, default="counting")
    parser.add_argument("--data", help="folder of the images")
    parser.add_argument("--lists", help="folder of the split lists of MORPH II")
    own = parser.add_argument_group("for --dataset folder")
    own.add_argument("--label", default="label", help="column of labels.csv")
    own.add_argument("--split", help="column that says train or test; a fifth is drawn otherwise")
    own.add_argument("--bins", default=5, type=_bins, help="a number, a preset, or words as JSON")
    own.add_argument("--template", default="{}")
    parser.add_argument("--table", nargs="+", choices=TABLES, default=["few_shot"])
    parser.add_argument("--model", help="model_name; the dataset's own by default")
    parser.add_argument("--pretrained", default="openai")
    parser.add_argument("--fine-tune", choices=["full", "none"], default="none")
    parser.add_argument("--mirror", action="store_true", help="average over mirror images")
    parser.add_argument("--max-epochs", type=int, help="of all that is trained; frozen NumCLIP too")
    parser.add_argument("--methods", nargs="+", choices=METHODS, help="these, not the table's")
    parser.add_argument("--shots", nargs="+", help="images per number; the table's by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--results", default="tables.csv")
    args = parser.parse_args()
    if args.mirror and args.fine_tune == "full":
        parser.error("--mirror needs --fine-tune none")
    task = DATASETS[args.dataset](args)
    results = run(args, task)
    for table in args.table:
        methods, shots = args.methods or TABLES[table][0], args.shots or TABLES[table][1]
        stem = Path(args.results).with_suffix("")
        stem = f"{stem}-{args.dataset}-{args.fine_tune}-{table}"
        text = report(results, task, methods, shots)
        command = f"MAE, made by:\n\n    python {shlex.join(sys.argv)}\n\n"
        Path(f"{stem}.md").write_text(f"{command}{text}\n", encoding="utf-8")
        plot(results, methods, shots, f"{stem}.png")
        print(f"\n{table}, MAE (95 % interval of the difference to {REFERENCE})\n{text}")


if __name__ == "__main__":
    main()
