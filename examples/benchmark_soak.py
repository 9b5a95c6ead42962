"""
Soak test for memory and resource leaks
=======================================

Makes many predictions from files and many fits in one process, records memory, open files and
threads, and writes a figure and a Markdown table::

    OMP_NUM_THREADS=1 python examples/benchmark_soak.py --results soak

Predictions alternate between a fine-tuned and a frozen image tower; fits alternate between all
features that could leave something behind: image caches in memory and in folders, checkpoints,
early stopping. A leak grows, so the table compares the state after a warm-up (a tenth of the work)
with the end. Fails if files or threads are left over.
"""

# sphinx_gallery_thumbnail_path = '_static/soak.png'

import argparse
import gc
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import pandas as pd
import psutil
from PIL import Image

from sknumclip import NumCLIPRegressor
from sknumclip.datasets import make_counting_images

PARAMS = dict(model_name="tiny", max_epochs=1, verbose=0, random_state=0)
MEASURED = {"memory": "memory (MB)", "files": "open files", "threads": "threads"}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    parser.add_argument("--predictions", type=int, default=100_000)
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--images", type=int, default=300, help="JPEG files to predict from")
    parser.add_argument("--rounds", type=int, default=100, help="of predictions")
    parser.add_argument("--results", type=Path, default=Path("soak"), help="without suffix")
    return parser.parse_args()


def write_images(folder, n_images):
    X, y = make_counting_images(n_images, random_state=0)
    paths = [folder / f"{i}.jpg" for i in range(n_images)]
    for path, pixels in zip(paths, X, strict=True):
        Image.fromarray(pixels).save(path)
    return paths, y


def state(kind, done, start):
    gc.collect()  # cycles are rubbish that is still to be collected, not a leak
    process = psutil.Process()
    return {
        "kind": kind,
        "done": done,
        "seconds": time.perf_counter() - start,
        "memory": process.memory_info().rss / 1e6,
        "files": process.num_fds(),
        "threads": min(n_threads(process) for _ in range(5)),
    }


def n_threads(process):
    time.sleep(0.01)  # a thread that has ended is still there for a moment
    return process.num_threads()


# %%
# The work
# --------


def predict_often(paths, y, n_predictions, n_rounds):
    """Yield the number of predictions made."""
    models = [
        NumCLIPRegressor(**PARAMS, fine_tune=fine_tune, image_cache=None).fit(paths[:64], y[:64])
        for fine_tune in ("full", "none")
    ]
    gc.freeze()  # collections need not visit what was imported
    size = max(1, n_predictions // n_rounds)
    stream = cycle(paths)
    for i in range(n_rounds):
        models[i % 2].predict(list(islice(stream, size)))
        yield (i + 1) * size


def fit_often(paths, y, n_fits, folder):
    """Yield the number of fits made."""
    kinds = [
        dict(fine_tune="full", image_cache="memory"),
        dict(fine_tune="none"),
        dict(fine_tune="full", image_cache=folder / "cache", checkpoint=folder / "checkpoints"),
        dict(fine_tune="none", early_stopping=True, checkpoint=folder / "checkpoints"),
        dict(fine_tune=1, early_stopping=True, image_cache=None),
    ]
    for i in range(n_fits):
        params = {**PARAMS, **kinds[i % len(kinds)], "max_epochs": 2, "random_state": i}
        NumCLIPRegressor(**params).fit(paths[:64], y[:64]).predict(paths[-8:])
        for file in (folder / "checkpoints").glob("*"):
            file.unlink()
        yield i + 1


# %%
# What is written
# ---------------


def table(rows):
    """State after the warm-up and at the end, a Markdown table."""
    lines = ["| work | measured | after a tenth | at the end | most |", "|---|---|---|---|---|"]
    for kind, part in rows.groupby("kind", sort=False):
        warm = part[part.done >= part.done.max() / 10]
        for column, name in MEASURED.items():
            values = [warm[column].iloc[0], warm[column].iloc[-1], warm[column].max()]
            cells = " | ".join(f"{value:.0f}" for value in values)
            lines.append(f"| {part.done.max():,} {kind} | {name} | {cells} |")
    return "\n".join(lines) + "\n"


def figure(rows, file):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    kinds = list(rows.groupby("kind", sort=False))
    fig, axes = plt.subplots(
        len(MEASURED), len(kinds), figsize=(8, 5), sharex="col", sharey="row", squeeze=False
    )
    for column, (kind, part) in enumerate(kinds):
        for row, (name, label) in enumerate(MEASURED.items()):
            axes[row, column].plot(part["done"], part[name])
            axes[row, column].set_ylim(0, 1.15 * rows[name].max())
            if column == 0:
                axes[row, column].set_ylabel(label)
        axes[-1, column].set_xlabel(kind)
    fig.tight_layout()
    fig.savefig(file, dpi=80)


def check(rows):
    for kind, part in rows.groupby("kind", sort=False):
        warm = part[part.done >= part.done.max() / 10]
        for name in ("files", "threads"):
            if warm[name].iloc[-1] > warm[name].iloc[0]:
                raise SystemExit(f"{kind}: {name} grew from {warm[name].iloc[0]}")


def main():
    args = parse_args()
    rows, start = [], time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        paths, y = write_images(Path(folder), args.images)
        for done in predict_often(paths, y, args.predictions, args.rounds):
            rows.append(state("predictions", done, start))
        for done in fit_often(paths, y, args.fits, Path(folder)):
            rows.append(state("fits", done, start))
    rows = pd.DataFrame(rows)
    rows.round(2).to_csv(args.results.with_suffix(".csv"), index=False)
    args.results.with_suffix(".md").write_text(table(rows))
    figure(rows, args.results.with_suffix(".png"))
    print(table(rows), f"{rows['seconds'].iloc[-1]:.0f} seconds", sep="\n")
    check(rows)


if __name__ == "__main__":
    main()
