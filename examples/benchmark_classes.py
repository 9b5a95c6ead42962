"""
Ordered classes against a logistic regression
=============================================

Cuts the labels of a folder of images into ordered classes and compares ``NumCLIPClassifier``, with
a frozen tower and its defaults, with ``LogisticRegressionCV`` on the same embeddings. Prints
accuracies and the mean number of ranks by which predictions are off, with their means and standard
deviations over seeds::

    python examples/benchmark_classes.py FOLDER local-dir:MODEL --label defect_probability \\
        --edges 0.2 0.5 0.8 --words intact "slightly damaged" damaged broken --n 100 726
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegressionCV

from sknumclip import CLIPEmbedder, NumCLIPClassifier, datasets


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("folder", help="images and labels.csv, or UTKFace if there is no --label")
    parser.add_argument("model", help="model_name of a CLIP model")
    parser.add_argument("--label", help="column of labels.csv, which also has a column split")
    parser.add_argument("--edges", nargs="+", type=float, required=True, help="between classes")
    parser.add_argument("--words", nargs="+", required=True, help="one description for each class")
    parser.add_argument("--template", default="{}")
    parser.add_argument("--n", nargs="+", type=int, default=[100], help="numbers of images")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    warnings.filterwarnings("ignore", category=FutureWarning)  # of LogisticRegressionCV

    if args.label is None:
        bunch = datasets.load_utkface(args.folder)
    else:
        bunch = datasets.load_folder(args.folder, label=args.label, split="split")
    shared = dict(model_name=args.model, pretrained=None, verbose=0)
    Z = CLIPEmbedder(**shared).fit_transform(bunch.paths)
    y = np.digitize(bunch.y, args.edges)
    train, test = (np.flatnonzero(bunch.split == part) for part in ("train", "test"))
    rows = []
    for n in args.n:
        for seed in range(args.seeds):
            chosen = np.random.default_rng(seed).choice(train, min(n, len(train)), replace=False)
            ours = NumCLIPClassifier(
                list(range(len(args.words))),
                descriptions=args.words,
                template=args.template,
                fine_tune="none",
                random_state=seed,
                **shared,
            )
            peer = LogisticRegressionCV(Cs=np.logspace(-2, 4, 10), max_iter=300)
            for name, clf in {"NumCLIP": ours, "logistic regression": peer}.items():
                off = np.abs(clf.fit(Z[chosen], y[chosen]).predict(Z[test]) - y[test])
                rows.append((n, name, (off == 0).mean(), off.mean()))
    table = pd.DataFrame(rows, columns=["n", "method", "accuracy", "ranks off"])
    print(table.groupby(["n", "method"]).agg(["mean", "std"]).round(3).to_string())


if __name__ == "__main__":
    main()
