"""
Which bins, and how strong a ranking?
=====================================

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

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.model_selection import GridSearchCV, KFold

from sknumclip import LinguisticBins, NumCLIPRegressor
from sknumclip.datasets import load_folder, make_counting_images

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


def table(result, bins):
    """Mean error and its standard deviation over folds, by bins and β."""
    names = {value: name for name, value in bins.items()}
    scores = pd.DataFrame(
        {
            "bins": [names[value] for value in result.cv_results_["param_bins"]],
            "beta": result.cv_results_["param_beta"].astype(float),
            "mae": -result.cv_results_["mean_test_score"],
            "sd": result.cv_results_["std_test_score"],
        }
    )
    return scores.pivot(index="bins", columns="beta", values=["mae", "sd"]).loc[list(bins)]


def heat_map(scores, file):
    errors = scores["mae"]
    fig, ax = plt.subplots(figsize=(1.2 * errors.shape[1] + 3, 0.6 * len(errors) + 1.6))
    image = ax.imshow(errors, cmap="viridis_r", aspect="auto")
    middle = (errors.to_numpy().min() + errors.to_numpy().max()) / 2
    for i, row in enumerate(errors.to_numpy()):
        for j, value in enumerate(row):
            color = "black" if value < middle else "white"
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", color=color)
    ax.set(xticks=range(errors.shape[1]), xticklabels=[f"{b:g}" for b in errors.columns])
    ax.set(yticks=range(len(errors)), yticklabels=errors.index, xlabel="β", ylabel="bins")
    fig.colorbar(image, label="cross-validated MAE")
    fig.savefig(file, dpi=150, bbox_inches="tight")
    plt.close(fig)


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
    scores = table(result, bins)
    scores.to_csv(f"{args.output}.csv")
    heat_map(scores, f"{args.output}.png")
    cells = scores["mae"].round(2).astype(str) + " ± " + scores["sd"].round(2).astype(str)
    print(cells.to_markdown())


if __name__ == "__main__":
    main()
