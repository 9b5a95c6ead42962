"""
Searching for bins and β with Optuna
====================================

In one process, or in several that share a study. Optuna searches over the number of bins, the
position of their edges and β of the FCRC loss. The edges follow from one exponent (1 for equal
widths, more for narrow bins at the low end). The image tower is frozen, so each image is embedded
once for all trials. Offline, a minute on a laptop::

    python examples/search_optuna.py

To share a search among machines, give all of them one storage and start the script on each::

    python examples/search_optuna.py --storage mysql://user@host/optuna --name counting
"""

import argparse
from itertools import pairwise

import numpy as np
import optuna
from sklearn.model_selection import cross_val_score

from sknumclip import LinguisticBins, NumCLIPRegressor
from sknumclip.datasets import make_counting_images

WORDS = {
    3: ["a few", "several", "dozens of"],
    4: ["a few", "several", "many", "dozens of"],
    5: ["a few", "several", "some", "many", "dozens of"],
}
LOW, HIGH = 1, 101


def make_bins(n_bins, exponent):
    """Cut the range at the powers of evenly spaced numbers."""
    edges = LOW + (HIGH - LOW) * np.linspace(0, 1, n_bins + 1) ** exponent
    ranges = pairwise(edges.tolist())
    return LinguisticBins.from_mapping(dict(zip(WORDS[n_bins], ranges, strict=True)))


def objective(trial, X, y):
    """Mean absolute error of a model with the bins and the β of a trial, by 3-fold CV."""
    n_bins = trial.suggest_categorical("n_bins", list(WORDS))
    reg = NumCLIPRegressor(
        make_bins(n_bins, trial.suggest_float("exponent", 1, 3)),
        template="a picture of {} shapes.",
        model_name="tiny",
        fine_tune="none",
        beta=trial.suggest_float("beta", 0, 10),
        max_epochs=30,
        random_state=0,
        verbose=0,
    )
    return -cross_val_score(reg, X, y, cv=3, scoring="neg_mean_absolute_error").mean()


def main():
    """Search, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--storage", help="an Optuna storage that several processes share")
    parser.add_argument("--name", help="the study's name in the storage")
    options = parser.parse_args()
    X, y = make_counting_images(options.images, random_state=0)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=None if options.storage else 0),
        storage=options.storage,
        study_name=options.name,
        load_if_exists=True,
    )
    study.enqueue_trial({"n_bins": 5, "exponent": 1.0, "beta": 4.0}, skip_if_exists=True)
    study.optimize(lambda trial: objective(trial, X, y), n_trials=options.trials)
    best = study.best_params
    edges = make_bins(best["n_bins"], best["exponent"]).edges
    print(f"first trial, 5 bins of equal width: {study.trials[0].value:.2f} shapes off")
    print(f"best of {len(study.trials)} trials: {study.best_value:.2f} shapes off")
    print(f"beta = {best['beta']:.1f}, bins from {', '.join(f'{edge:.0f}' for edge in edges)}")


if __name__ == "__main__":
    main()
