"""
Finding labels that were swapped
================================

How many randomly swapped labels does find_label_errors find?

Part of the labels of a folder is shuffled among their images. Prints the share of wrong labels at
the top of the ranking, by score and by absolute residual::

    python examples/benchmark_label_errors.py FOLDER local-dir:CLIP

FOLDER has a ``labels.csv`` with the columns ``file`` and ``age``.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from sknumclip import CLIPEmbedder, NumCLIPRegressor
from sknumclip.inspection import find_label_errors


def swapped(y, share, seed):
    """Shuffle part of the labels."""
    chosen = np.random.default_rng(seed).choice(len(y), int(share * len(y)), replace=False)
    result = y.copy()
    result[chosen] = y[np.roll(chosen, 1)]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", help="model_name of NumCLIPRegressor")
    parser.add_argument("--template", default="the person is a {}.")
    parser.add_argument("--share", type=float, default=0.05, help="of labels to swap")
    parser.add_argument("--draws", type=int, default=5)
    arguments = parser.parse_args()

    table = pd.read_csv(arguments.folder / "labels.csv")
    paths = [str(arguments.folder / file) for file in table["file"]]
    X = CLIPEmbedder(model_name=arguments.model).fit_transform(paths)
    reg = NumCLIPRegressor(
        "age",
        template=arguments.template,
        model_name=arguments.model,
        fine_tune="none",
        random_state=0,
        verbose=0,
    )
    y, rows = table["age"].to_numpy(dtype=float), []
    for seed in range(arguments.draws):
        labels = swapped(y, arguments.share, seed)
        found = find_label_errors(reg, X, labels)
        by_residual = found.sort_values("residual", key=np.abs, ascending=False)
        rows.append(
            {
                f"{name}, first {share:.0%}": (labels != y)[
                    order.index[: int(share * len(y))]
                ].mean()
                for share in (0.01, arguments.share)
                for name, order in (("score", found), ("|residual|", by_residual))
            }
        )
        print(pd.DataFrame(rows[-1:], index=[seed]).round(3).to_string(), flush=True)
    print(pd.DataFrame(rows).agg(["mean", "std"]).round(3).to_string())


if __name__ == "__main__":
    main()
