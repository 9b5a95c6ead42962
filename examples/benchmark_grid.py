"""
Grid search over β and bins
===========================

A cross-validated search over β, the strength of the ranking weights, and over definitions of the
bins, with a frozen tower: each image is embedded once for the whole search. Writes the scores and
a heat map::

    python examples/benchmark_grid.py
    python examples/benchmark_grid.py --data FOLDER --label age --model local-dir:MODEL \
        --template "the person is a {}."

Without a folder it counts drawn shapes, offline. Folds are shuffled, and the same for all
candidates.
"""

import argparse

import pandas as pd
from sklearn.model_selection import GridSearchCV, KFold

from sknumclip import LinguisticBins, NumCLIPRegressor
from sknumclip.datasets import load_folder, make_counting_images
from sknumclip.plotting import SearchDisplay

COUNTS = {
    "5 words": LinguisticBins.from_mapping(
        {
            "a few": (1, 6),
            "several": (6, 16),
            "many": (16, 40),
            "dozens of": (40, 70),
            "countless": (70, 101),
        }
    ),
    "3 words": LinguisticBins.from_mapping(
        {"a few": (1, 10), "many": (10, 40), "countless": (40, 101)}
    ),
    "2 words": LinguisticBins.from_mapping({"a few": (1, 20), "countless": (20, 101)}),
}
AGES = {
    "the paper's 5": LinguisticBins.from_preset("age"),
    "9 words": LinguisticBins.from_preset("age_fine"),
    "3 words": LinguisticBins.from_mapping(
        {"child": (0, 18), "adult": (18, 60), "elderly person": (60, 121)}
    ),
}


def search(X, y, bins, template, model, canvas_scale, betas, n_splits, random_state=0):
    reg = NumCLIPRegressor(
        template=template,
        model_name=model,
        canvas_scale=canvas_scale,
        fine_tune="none",
        random_state=random_state,
        verbose=0,
    )
    return GridSearchCV(
        reg,
        {"beta": betas, "bins": list(bins.values())},
        cv=KFold(n_splits, shuffle=True, random_state=random_state),
        scoring="neg_mean_absolute_error",
    ).fit(X, y)


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--data", help="folder with images of faces and a labels.csv")
    parser.add_argument("--label", default="age")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--template", default="the person is a {}.")
    parser.add_argument("--betas", nargs="+", type=float, default=[0, 1, 4, 16])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--output", default="grid", help="name of the files, without suffix")
    args = parser.parse_args()
    if args.data:
        data = load_folder(args.data, label=args.label)
        X, y, bins, template, canvas_scale = data.paths, data.y, AGES, args.template, 8 / 7
    else:
        X, y = make_counting_images(1000, random_state=0)
        bins, template, canvas_scale = COUNTS, "a picture of {} shapes.", 1
    result = search(X, y, bins, template, args.model, canvas_scale, args.betas, args.folds)
    display = SearchDisplay.from_estimator(result, labels={"bins": list(bins)})
    display.figure_.savefig(f"{args.output}.png", dpi=150)
    mae, sd = display.scores, display.stds
    pd.concat({"mae": mae, "sd": sd}, axis=1).to_csv(f"{args.output}.csv")
    cells = mae.round(2).astype(str) + " ± " + sd.round(2).astype(str)
    print(cells.to_markdown())


if __name__ == "__main__":
    main()
